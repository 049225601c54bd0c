// Reveal and copy. A value is in the page only while it is shown, at most 30 seconds, and goes
// when the window loses the focus; it is never stored. Each fetch is recorded by the server.
import { announce } from "./announce.js";

const dots = "•".repeat(16);
const shownFor = 30;
const clearAfter = 30;

for (const field of document.querySelectorAll("[data-secret-field]")) wire(field);

function wire(field) {
  const value = field.querySelector("[data-secret-value]");
  const note = field.querySelector("[data-secret-note]");
  const form = field.querySelector("[data-reveal]");
  const label = field.querySelector("[data-reveal-button] > span");
  const fixed = value.hasAttribute("data-shown"); // stands in the page itself: a token, once
  let stop = null; // while it is shown

  const hide = () => {
    if (fixed || stop === null) return;
    stop();
    stop = null;
    value.textContent = dots;
    value.classList.remove("secret-shown");
    value.setAttribute("aria-label", "Value, hidden");
    label.textContent = "Reveal";
  };

  const show = (text) => {
    value.textContent = text;
    value.classList.add("secret-shown");
    value.removeAttribute("aria-label");
    label.textContent = "Hide";
    stop = countdown(note, hide);
  };

  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (stop !== null) return hide();
    const text = await ask(form, note);
    if (text !== null && document.hasFocus()) show(text);
  });

  field.querySelector("[data-copy]")?.addEventListener("click", async () => {
    const text = fixed || stop !== null ? value.textContent : await ask(form, note);
    if (text !== null) await copy(text, note);
  });

  addEventListener("blur", hide);
  addEventListener("pagehide", hide);
}

// A part of the page that is revealed as a whole, such as what differs in two values: it takes
// the place of the part that asks for it, and gives it back.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-reveal-part]");
  if (!form) return;
  event.preventDefault();
  const asks = form.closest("[id]");
  const page = await ask(form, form.querySelector("[data-secret-note]"), "text/html");
  const shown = page && new DOMParser().parseFromString(page, "text/html").getElementById(asks.id);
  if (!shown || !document.hasFocus()) return;
  const leave = new AbortController();
  const hide = () => {
    leave.abort();
    stop();
    shown.replaceWith(asks);
    asks.focus();
  };
  asks.replaceWith(shown);
  shown.focus();
  const stop = countdown(shown.querySelector("[data-secret-note]"), hide);
  shown.querySelector("[data-hide]").addEventListener("click", (click) => {
    click.preventDefault();
    hide();
  });
  for (const gone of ["blur", "pagehide"]) addEventListener(gone, hide, { signal: leave.signal });
});

// countdown says how long a value is still shown, and ends that. It is announced once: a screen
// reader need not read every second.
function countdown(note, end) {
  let left = shownFor;
  const say = () => {
    note.textContent = `hides in ${left} s`;
  };
  note.setAttribute("aria-live", "off");
  say();
  announce(`Shown; hides in ${left} seconds`);
  const timer = setInterval(() => {
    left -= 1;
    if (left <= 0) end();
    else say();
  }, 1000);
  return () => {
    clearInterval(timer);
    note.textContent = "";
    note.setAttribute("aria-live", "polite");
    announce("Hidden");
  };
}

// ask posts a reveal and gives the answer, or null with the reason in the note. kind is what a
// good answer is; a bad one is plain text.
async function ask(form, note, kind = "text/plain") {
  note.textContent = "";
  const headers = { Accept: "text/plain" };
  if (kind === "text/html") headers["HX-Request"] = "true";
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers,
      cache: "no-store",
      redirect: "error",
    });
    const made = answer.headers.get("Content-Type") ?? "";
    if (answer.ok && made.startsWith(kind)) return await answer.text();
    const proof = answer.headers.get("Keeper-Prove");
    if (proof) {
      location.assign(`${proof}?next=${encodeURIComponent(location.pathname + location.search)}`);
      return null;
    }
    note.textContent = made.startsWith("text/plain") ? await answer.text() : "The value was not revealed. Reload the page and try again.";
  } catch {
    note.textContent = "Keeper does not answer; the value was not revealed. Try again.";
  }
  return null;
}

async function copy(text, note) {
  if (!navigator.clipboard) {
    note.textContent = "The browser copies only on an https address. Reveal the value and select it.";
    return;
  }
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    note.textContent = "The browser did not allow the copy. Reveal the value and select it.";
    return;
  }
  note.textContent = `Copied. Keep this page open: it clears the clipboard in ${clearAfter} s`;
  setTimeout(() => clear(note), clearAfter * 1000);
}

// A browser lets only the tab in front clear the clipboard. Where it is not, the note says so,
// and the clearing is made up for when the tab comes back.
async function clear(note) {
  try {
    await navigator.clipboard.writeText("");
    note.textContent = "Cleared from the clipboard";
  } catch {
    note.textContent = "Still in the clipboard: it is cleared when this tab is in front again";
    addEventListener("focus", () => clear(note), { once: true });
  }
}
