const buttons = document.querySelectorAll("[data-theme-choice]");

function show() {
  const chosen = document.documentElement.dataset.themePreference;
  for (const b of buttons) b.setAttribute("aria-pressed", String(b.dataset.themeChoice === chosen));
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    try {
      localStorage.setItem("keeper-theme", button.dataset.themeChoice);
    } catch {
      // Storage is switched off: the choice cannot be kept.
    }
    dispatchEvent(new Event("keeper:theme"));
    show();
  });
}
show();
