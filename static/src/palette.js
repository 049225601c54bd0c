// The palette: a dialog with a combobox over everything that the person may see. Without
// JavaScript the field at the top leads to the page of results.
const palette = document.getElementById("palette");
const field = document.querySelector("[data-opens-palette]");
const query = palette?.querySelector('[role="combobox"]');
const list = palette?.querySelector('[role="listbox"]');
const note = palette?.querySelector('[role="status"]');
const pause = 60; // ms without a key before the server is asked
const slow = 300; // ms after which it says that it is searching

let asked = null; // the request under way
let timer = 0;

const options = () => [...list.querySelectorAll('[role="option"]')];
const chosen = () => list.querySelector('[aria-selected="true"]');

function open(text) {
  if (palette.open) return;
  query.value = text;
  show("");
  palette.showModal();
  query.focus();
  query.select();
  ask();
}

function choose(option) {
  chosen()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) query.setAttribute("aria-activedescendant", option.id);
  else query.removeAttribute("aria-activedescendant");
}

function show(html) {
  list.innerHTML = html;
  const found = options();
  found.forEach((option, i) => (option.id = `found-${i}`));
  list.hidden = found.length === 0;
  query.setAttribute("aria-expanded", String(found.length > 0));
  choose(query.value.trim() ? found[0] : null);
  list.scrollTop = 0;
  return found.length;
}

async function ask() {
  asked?.abort();
  const mine = (asked = new AbortController());
  const text = query.value.trim();
  const late = setTimeout(() => (note.textContent = "Searching…"), slow);
  try {
    const answer = await fetch(`/search?q=${encodeURIComponent(text)}`, { headers: { "HX-Request": "true" }, signal: mine.signal });
    if (answer.url.includes("/sign-in")) return location.reload();
    if (!answer.ok) throw new Error(answer.statusText);
    const html = await answer.text();
    if (asked !== mine) return;
    const found = show(html);
    note.textContent = found ? `${found} found` : "Nothing that you may see is named so. Enter searches on a page of its own.";
  } catch (failure) {
    if (failure.name !== "AbortError") {
      show("");
      note.textContent = "The search did not answer. Enter tries it on a page of its own.";
    }
  } finally {
    clearTimeout(late);
    if (asked === mine) asked = null;
  }
}

// move chooses the option so many places on, going round at the ends.
function move(by) {
  const all = options();
  const at = all.indexOf(chosen());
  choose(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length]);
}

function pressed(event) {
  if (event.isComposing) return;
  if (event.key === "ArrowDown") move(1);
  else if (event.key === "ArrowUp") move(-1);
  else if (event.key === "Enter" && chosen() && !asked && !timer) {
    if (event.ctrlKey || event.metaKey) window.open(chosen().href, "_blank", "noopener");
    else location.assign(chosen().href);
  } else return;
  event.preventDefault();
}

if (palette && field) {
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    if (palette.open) palette.close();
    else open("");
  });
  field.addEventListener("click", () => open(field.value));
  field.addEventListener("input", () => open(field.value));
  query.addEventListener("keydown", pressed);
  query.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = 0;
      ask();
    }, pause);
  });
  list.addEventListener("pointermove", (event) => {
    const over = event.target.closest('[role="option"]');
    if (over && over !== chosen()) choose(over);
  });
  palette.addEventListener("click", (event) => {
    if (event.target === palette || event.target.closest("[data-close-palette]")) palette.close();
  });
  palette.addEventListener("close", () => asked?.abort());
}
