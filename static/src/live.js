// Live pages. The server's events carry only topics ("sync", "run:…"): a part of the page
// that names one of them is replaced by the same part of a fresh copy of this page, so that
// the same permission checks hold and no state travels twice. When the line is lost the page
// says so, keeps what it shows with its age, and catches up once the line is back.
import { chosenAgain } from "./choose.js";
import htmx from "./htmx.js";

const url = document.body.dataset.events;
const line = document.getElementById("live");
const silence = 45_000; // the server beats every 15 s
const pause = 400;

let wanted = new Set();
let timer = null;
let busy = false;
let lastHeard = Date.now();
let wasLost = false;

if (url && line) connect();

function connect() {
  const source = new EventSource(url);
  const heard = () => {
    lastHeard = Date.now();
    if (line.dataset.liveLine !== "live") say("live", "live");
    if (wasLost) {
      wasLost = false;
      ask("*");
    }
  };
  source.addEventListener("open", heard);
  source.addEventListener("beat", heard);
  source.addEventListener("change", (event) => {
    heard();
    for (const topic of event.data.split(" ")) ask(topic);
  });
  source.addEventListener("error", () => {
    lost();
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
  });
  const watch = setInterval(() => {
    if (source.readyState === EventSource.CLOSED) return clearInterval(watch);
    if (Date.now() - lastHeard < silence) return;
    clearInterval(watch);
    source.close();
    lost();
    lastHeard = Date.now();
    setTimeout(connect, 1000);
  }, 5000);
}

function lost() {
  if (!wasLost) say("lost", "not live, retrying");
  wasLost = true;
  line.title = `Last heard at ${new Date(lastHeard).toLocaleTimeString()}`;
}

function say(state, words) {
  line.dataset.liveLine = state;
  line.querySelector(".live-word").textContent = words;
  line.removeAttribute("title");
}

function ask(topic) {
  wanted.add(topic);
  if (timer === null) timer = setTimeout(refresh, pause);
}

function parts(topics) {
  return [...document.querySelectorAll("[data-live][id]")].filter(
    (part) => topics.has("*") || part.dataset.live.split(" ").some((t) => topics.has(t)),
  );
}

// A part that somebody is working in waits for its turn.
function occupied(part) {
  const active = document.activeElement;
  return (part.contains(active) && active.matches("input, select, textarea")) || part.querySelector("details.menu[open]") !== null;
}

async function refresh() {
  timer = null;
  if (busy || document.hidden) return later();
  const due = parts(wanted);
  wanted = new Set();
  if (due.length === 0) return;
  busy = true;
  try {
    const answer = await fetch(location.href, { headers: { "Keeper-Background": "1" }, cache: "no-store", redirect: "error" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of due) replace(part, fresh.getElementById(part.id));
  } catch {
    wanted.add("*"); // the next event tries again
  } finally {
    busy = false;
  }
}

function later() {
  if (timer === null) timer = setTimeout(refresh, 2000);
}

function replace(part, fresh) {
  if (!fresh || !part.isConnected) return;
  if (occupied(part)) {
    for (const topic of part.dataset.live.split(" ")) wanted.add(topic);
    return later();
  }
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  const copy = document.importNode(fresh, true);
  for (const box of part.querySelectorAll("[data-choose] input[id]:checked")) {
    const again = copy.querySelector(`#${CSS.escape(box.id)}`);
    if (again) again.checked = true; // what was chosen stays so
  }
  part.replaceWith(copy);
  htmx.process(copy);
  chosenAgain(copy);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}
