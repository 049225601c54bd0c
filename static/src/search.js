const field = document.querySelector("[data-focus-key]");

document.addEventListener("keydown", (event) => {
  if (!field || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== field.dataset.focusKey) return;
  event.preventDefault();
  field.focus();
  field.select();
});
