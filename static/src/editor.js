// Hints that follow the type of a secret, its size in bytes, and a first check of what can be
// checked here; for JSON and YAML an editor, fetched when it is needed. The server decides;
// nothing that is typed leaves this page before it is sent, and nothing is stored in the browser.
import * as json from "./json.js";

const limit = 65536;
const encoder = new TextEncoder();

const checks = {
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
  const line = form.querySelector("[data-editor-line]");
  const size = form.querySelector("[data-editor-size]");
  const verdict = form.querySelector("[data-editor-verdict]");
  const button = form.querySelector("[data-editor-format]");
  const chosen = () => type?.value ?? form.dataset.editorType;
  let tools = null; // check and format of the type that is chosen, where it is a document
  let editor = null;

  const say = (result) => {
    verdict.textContent = result?.words ?? "";
    verdict.className = result ? (result.ok ? "tone-green" : "tone-amber") : "";
  };
  const judge = (text) => (tools ? place(text, tools.check, chosen()) : checks[chosen()]?.(text));

  const update = () => {
    const bytes = encoder.encode(value.value).length;
    size.textContent = `${bytes.toLocaleString("en")} of ${limit.toLocaleString("en")} bytes`;
    size.classList.toggle("tone-red", bytes > limit);
    say(value.value === "" ? null : judge(value.value));
  };

  const equip = async () => {
    const kind = chosen();
    editor?.undress();
    [editor, tools] = [null, null];
    for (const hint of form.querySelectorAll("[data-editor-hints] > li")) hint.hidden = hint.dataset.type !== kind;
    button.hidden = true;
    update();
    if (kind !== "JSON" && kind !== "YAML") return;
    const [made, code] = await Promise.all([kind === "JSON" ? json : load(line.dataset.yaml), load(line.dataset.code)]);
    if (chosen() !== kind || editor) return; // another was chosen meanwhile
    tools = made;
    button.hidden = !tools;
    update();
    editor = code?.dress(value, { language: kind, label: form.querySelector(`label[for="${value.id}"]`).textContent, check: tools?.check ?? (() => null) }) ?? null;
  };

  button.addEventListener("click", () => {
    const text = tools.format(value.value);
    if (text === null) return say({ ok: false, words: tools.check(value.value) ? `${judge(value.value).words}, so it cannot be formatted` : "left as it is: formatting could change what it says" });
    if (editor) editor.put(text);
    else value.value = text;
    editor?.focus();
    update();
  });
  value.addEventListener("input", update);
  value.addEventListener("invalid", () => say({ ok: false, words: "must not be empty" }));
  type?.addEventListener("change", equip);
  equip();
}

// load fetches a module; null where it cannot be had: the text area serves without it.
async function load(url) {
  try {
    return await import(url);
  } catch {
    return null;
  }
}

function place(text, check, kind) {
  const problem = check(text);
  if (!problem) return { ok: true, words: `valid ${kind}` };
  const before = text.slice(0, problem.from).split("\n");
  return { ok: false, words: `not valid ${kind} yet: line ${before.length}, column ${before.at(-1).length + 1}: ${problem.words}` };
}
