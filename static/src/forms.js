import { announce } from "./announce.js";

// A refused form begins at its summary.
document.querySelector("[data-focus]")?.focus();

// The button of a dangerous act wakes when the name is typed. The server checks it again.
for (const form of document.querySelectorAll("[data-confirm-name]")) {
  const field = form.elements.namedItem("confirm");
  const button = form.querySelector('button[type="submit"]');
  const check = () => {
    button.disabled = field.value !== form.dataset.confirmName;
  };
  field.addEventListener("input", check);
  check();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-ask]");
  if (button && !confirm(button.dataset.ask)) event.preventDefault();
});

// A second click on the way does nothing; the back button finds the form usable again. One that
// is answered with a file stays on its page, and can be sent again.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post" || "download" in event.target.dataset) return;
  if (event.target.dataset.sent) {
    event.preventDefault();
    return;
  }
  event.target.dataset.sent = "true";
  setTimeout(() => announce("Working"), 300);
});
// Long work goes on step by step as long as its page is open.
const goesOn = document.querySelector("form[data-goes-on]");
if (goesOn) setTimeout(() => goesOn.requestSubmit(), 400);

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// A message to an identity provider that takes forms alone goes out by itself.
document.querySelector("form[data-send-now]")?.submit();
