// Runs before the first paint, so that a stored preference does not flash. The preference is
// all that Keeper keeps in the browser's storage; htmx notes the page's address there.
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

function preference() {
  try {
    return localStorage.getItem("keeper-theme") ?? "auto";
  } catch {
    return "auto";
  }
}

function apply() {
  const chosen = preference();
  root.dataset.bsTheme = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
  root.dataset.themePreference = chosen;
}

root.classList.add("js");
apply();
dark.addEventListener("change", apply);
addEventListener("keeper:theme", apply);
