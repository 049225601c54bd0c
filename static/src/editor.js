// Hints that follow the type of a secret, its size in bytes, and a first check of what can be
// checked here. The server decides; nothing that is typed leaves this page before it is sent.
const limit = 65536;
const encoder = new TextEncoder();

const checks = {
  JSON: (text) => {
    try {
      JSON.parse(text);
      return { ok: true, words: "valid JSON" };
    } catch {
      return { ok: false, words: "not valid JSON yet" };
    }
  },
  SSH_KEY: (text) => begins(text, /^\s*-----BEGIN [A-Z ]*PRIVATE KEY-----/, "a private key"),
  CERTIFICATE: (text) => begins(text, /-----BEGIN CERTIFICATE-----/, "a PEM certificate"),
  API_KEY: (text) => (/\s/.test(text.trim()) ? { ok: false, words: "holds a blank or a line break" } : null),
};

function begins(text, pattern, what) {
  return pattern.test(text) ? { ok: true, words: `looks like ${what}` } : { ok: false, words: `does not look like ${what} yet` };
}

for (const form of document.querySelectorAll("[data-editor-form]")) follow(form);

function follow(form) {
  const value = form.querySelector("[data-editor]");
  const type = form.elements.namedItem("secret_type");
  const size = form.querySelector("[data-editor-size]");
  const verdict = form.querySelector("[data-editor-verdict]");
  const chosen = () => type?.value ?? form.dataset.editorType;

  const update = () => {
    for (const hint of form.querySelectorAll("[data-editor-hints] > li")) hint.hidden = hint.dataset.type !== chosen();
    const bytes = encoder.encode(value.value).length;
    size.textContent = `${bytes.toLocaleString("en")} of ${limit.toLocaleString("en")} bytes`;
    size.classList.toggle("tone-red", bytes > limit);
    const result = value.value === "" ? null : checks[chosen()]?.(value.value);
    verdict.textContent = result?.words ?? "";
    verdict.className = result ? (result.ok ? "tone-green" : "tone-amber") : "";
  };
  value.addEventListener("input", update);
  type?.addEventListener("change", update);
  update();
}
