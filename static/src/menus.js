// A menu is a <details>: it opens without JavaScript. With it, Escape, a click elsewhere
// and leaving by Tab close it.
const open = () => document.querySelectorAll("details.menu[open]");

function closeAll(except) {
  for (const menu of open()) if (menu !== except) menu.open = false;
}

document.addEventListener("click", (event) => closeAll(event.target.closest("details.menu")));
document.addEventListener("focusin", (event) => closeAll(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
