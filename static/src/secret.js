// Reveal and copy. A value is in the page only while it is shown, at most 30 seconds, and goes
// when the window loses the focus; it is never stored. Each fetch is recorded by the server.
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
  let timer = null;

  const hide = () => {
    if (fixed || timer === null) return;
    clearInterval(timer);
    timer = null;
    value.textContent = dots;
    value.classList.remove("secret-shown");
    value.setAttribute("aria-label", "Value, hidden");
    label.textContent = "Reveal";
    note.textContent = "";
  };

  const show = (text) => {
    let left = shownFor;
    value.textContent = text;
    value.classList.add("secret-shown");
    value.removeAttribute("aria-label");
    label.textContent = "Hide";
    note.textContent = `hides in ${left} s`;
    timer = setInterval(() => {
      left -= 1;
      if (left <= 0) return hide();
      note.textContent = `hides in ${left} s`;
    }, 1000);
  };

  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (timer !== null) return hide();
    const text = await reveal(form, note);
    if (text !== null && document.hasFocus()) show(text);
  });

  field.querySelector("[data-copy]")?.addEventListener("click", async () => {
    const text = fixed || timer !== null ? value.textContent : await reveal(form, note);
    if (text !== null) await copy(text, note);
  });

  addEventListener("blur", hide);
  addEventListener("pagehide", hide);
}

async function reveal(form, note) {
  note.textContent = "";
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { Accept: "text/plain" },
      cache: "no-store",
      redirect: "error",
    });
    const plain = answer.headers.get("Content-Type")?.startsWith("text/plain");
    if (answer.ok && plain) return await answer.text();
    const proof = answer.headers.get("Keeper-Prove");
    if (proof) {
      location.assign(`${proof}?next=${encodeURIComponent(location.pathname + location.search)}`);
      return null;
    }
    note.textContent = plain ? await answer.text() : "The value was not revealed. Reload the page and try again.";
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
  note.textContent = `Copied. Clearing the clipboard in ${clearAfter} s`;
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
