// Live pages. The server's events carry only topics ("sync", "run:…"): a part of the page
// that names one of them is replaced by the same part of a fresh copy of this page, so that
// the same permission checks hold and no state travels twice. When the line is lost the page
// says so, keeps what it shows with its age, and catches up once the line is back.
import { chosenAgain } from "./choose.js";
import htmx from "./htmx.js";
import { relative } from "./times.js";

const url = document.body.dataset.events;
const line = document.getElementById("live");
const silence = 45_000; // the server beats every 15 s
const pause = 400;
const firstTry = 2000; // after a copy that did not come; doubled each time
const lastTry = 30_000;

let wanted = new Set();
let timer = null;
let busy = false;
let lastHeard = Date.now();
let stands = false; // the line
let behind = false; // the line was lost, or a copy did not come, and nothing made up for it yet
let failures = 0; // copies that did not come, one after another
let asOf = Date.now(); // when what the page shows was known to be so

if (url && line) {
  connect();
  setInterval(() => behind && tell(), 1000);
}

function connect() {
  const source = new EventSource(url);
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

function heard() {
  lastHeard = Date.now();
  if (!behind) asOf = lastHeard;
  const back = behind && !stands;
  stands = true;
  if (back) catchUp();
  tell();
}

function lost() {
  stands = false;
  behind = true;
  tell();
}

// What changed while nobody listened is not known: everything is asked for, and at once.
function catchUp() {
  clearTimeout(timer);
  timer = null;
  failures = 0;
  ask("*");
}

function tell() {
  const live = stands && !behind;
  const age = Date.now() - asOf < 10_000 ? "a moment ago" : relative(asOf, Date.now());
  const words = live ? "live" : `not live, retrying; as of ${age}`;
  const word = line.querySelector(".live-word");
  if (word.textContent !== words) word.textContent = words;
  line.dataset.liveLine = live ? "live" : "lost";
  if (live) line.removeAttribute("title");
  else line.title = `As of ${new Date(asOf).toLocaleTimeString()}`;
}

function ask(topic) {
  wanted.add(topic);
  later(pause);
}

function later(wait) {
  if (timer === null) timer = setTimeout(refresh, wait);
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
  if (busy || document.hidden) return later(2000);
  const topics = wanted;
  wanted = new Set();
  const due = parts(topics);
  const began = Date.now();
  busy = true;
  try {
    if (due.length > 0) await renew(due);
    current(began);
  } catch {
    for (const topic of topics) wanted.add(topic);
    missed();
  } finally {
    busy = false;
  }
}

async function renew(due) {
  const answer = await fetch(location.href, { headers: { "Keeper-Background": "1" }, cache: "no-store", redirect: "error" });
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of due) replace(part, fresh.getElementById(part.id));
}

// current notes that the page shows what was so at a time. Where all has to be asked for since,
// that was not enough.
function current(at) {
  failures = 0;
  asOf = at;
  if (stands && !wanted.has("*")) behind = false;
  tell();
}

// missed notes that a copy did not come, and has it asked for again.
function missed() {
  behind = true;
  later(Math.min(firstTry * 2 ** failures, lastTry));
  failures++;
  tell();
}

function replace(part, fresh) {
  if (!fresh || !part.isConnected) return;
  if (occupied(part)) {
    for (const topic of part.dataset.live.split(" ")) wanted.add(topic);
    return later(2000);
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
