// What the walk asks of a page. It is put into each before the page's own scripts.
const keeperWalk = (() => {
  const name = (e) => {
    let text = e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + [...e.classList].map((c) => "." + c).join("");
    const says = (e.getAttribute("aria-label") ?? e.innerText ?? e.name ?? "").trim().replace(/\s+/g, " ").slice(0, 40);
    return says ? `${text} "${says}"` : text;
  };
  const seen = (e) => e.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }) && e.getClientRects().length > 0;

  // room is what the keyboard is kept in: a dialog, the opened sidebar, else the page.
  const room = () => document.querySelector("dialog:modal") ?? document.querySelector(".offcanvas-md.show") ?? document.body;

  // stops are what Tab should reach, in the order of the document: of radios the chosen one.
  const stops = () =>
    [...room().querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex], [contenteditable]")].filter((e) => {
      if (e.tabIndex < 0 || e.disabled || e.type === "hidden" || !seen(e) || e.closest("[inert]")) return false;
      if (e.tagName === "SUMMARY" && e.parentElement.querySelector(":scope > summary") !== e) return false;
      if (e.type !== "radio") return true;
      const group = [...document.getElementsByName(e.name)].filter((r) => r.form === e.form && !r.disabled);
      return e === (group.find((r) => r.checked) ?? group[0]);
    });

  // drawing is what shows focus: on the element, on what stands around it, on a label beside.
  const drawing = (e) =>
    [e, e.parentElement, e.parentElement?.parentElement, ...(e.labels ?? [])].filter(Boolean).map((x) => {
      const s = getComputedStyle(x);
      return [s.outlineStyle === "none" ? "" : s.outline, s.boxShadow, s.borderColor, s.backgroundColor, s.clipPath, s.textDecorationLine].join();
    }).join("|");

  // covered reports whether nothing of an element can be seen where it has focus.
  const covered = (e) => {
    const all = [...e.getClientRects()].filter((r) => r.width > 0 && r.height > 0);
    for (const r of all) {
      for (const share of [0.5, 0.1, 0.9]) {
        const x = r.left + r.width * share, y = r.top + r.height * share;
        const top = document.elementFromPoint(x, y);
        if (top && (e.contains(top) || top.contains(e) || [...(e.labels ?? [])].some((l) => l.contains(top)))) return false;
      }
    }
    return true;
  };

  // inParts are fields that Tab goes through piece by piece: day, month, year, the calendar.
  const inParts = (e) => ["date", "time", "datetime-local", "month", "week"].includes(e.type);

  let expected = [], before = new Map(), reached = [], found = [], stuck = 0;
  const arrive = (event) => {
    if (event.key !== "Tab") return;
    const e = document.activeElement;
    if (!e || e === document.body || e === document.documentElement) return;
    // Once, a press may have come to nothing, as while a part of the page is taken for a newer one.
    stuck = reached.at(-1) === e && !inParts(e) ? stuck + 1 : 0;
    if (stuck === 2) found.push(`Tab does not leave ${name(e)}`);
    if (reached.includes(e)) return;
    reached.push(e);
    if (!room().contains(e)) found.push(`Tab leaves what is open for ${name(e)}`);
    if (before.has(e) && drawing(e) === before.get(e)) found.push(`focus cannot be seen on ${name(e)}`);
    if (covered(e)) found.push(`focus is hidden behind something on ${name(e)}`);
  };

  return {
    // begin gets ready for Tab, and says how often it is to be pressed.
    begin() {
      // Tab begins at the top, also where a field has focus from the start.
      const top = room(), own = top.getAttribute("tabindex");
      top.tabIndex = -1;
      top.focus();
      if (own === null) top.removeAttribute("tabindex");
      scrollTo(0, 0);
      expected = stops();
      before = new Map(expected.map((e) => [e, drawing(e)]));
      reached = [];
      stuck = 0;
      found = expected.filter((e) => e.tabIndex > 0).map((e) => `${name(e)} jumps the order with tabindex ${e.tabIndex}`);
      addEventListener("keyup", arrive, true);
      return expected.length + 6 * expected.filter(inParts).length;
    },
    // end says what Tab came across that is wrong.
    end() {
      removeEventListener("keyup", arrive, true);
      // An editor may have taken a field's place since.
      const missed = expected.filter((e) => e.isConnected && e.tabIndex >= 0 && seen(e) && !reached.includes(e));
      found.push(...missed.map((e) => `Tab does not reach ${name(e)}`));
      const order = reached.filter((e) => expected.includes(e) && e.isConnected);
      for (let i = 1; i < order.length; i++) {
        const back = order[i - 1].compareDocumentPosition(order[i]) & Node.DOCUMENT_POSITION_PRECEDING;
        if (back && !order[i].contains(order[i - 1])) found.push(`Tab goes back from ${name(order[i - 1])} to ${name(order[i])}`);
      }
      return found;
    },
    // open opens what a page has folded away, and says whether there was something. The menu
    // of the sidebar lies over the page: it is opened where all is asked for.
    open(all) {
      const closed = [...document.querySelectorAll(all ? "details:not([open])" : "main details:not([open])")];
      for (const d of closed) d.open = true;
      return closed.length > 0;
    },
    // wide says what stands out of a page's side.
    wide() {
      const room = document.documentElement.clientWidth;
      if (document.scrollingElement.scrollWidth <= room) return [];
      const out = [...document.body.querySelectorAll("*")].filter((e) => {
        if (!seen(e) || e.getBoundingClientRect().right <= room + 0.5) return false;
        for (let p = e.parentElement; p; p = p.parentElement) {
          if (getComputedStyle(p).overflowX !== "visible" && p !== document.body && p !== document.documentElement) return false;
        }
        return true;
      });
      const inner = out.filter((e) => !out.some((o) => o !== e && e.contains(o)));
      return [`${document.scrollingElement.scrollWidth} px in ${room}`, ...inner.slice(0, 4).map((e) => `${name(e)} ends at ${Math.round(e.getBoundingClientRect().right)}`)];
    },
    // cut says which tables do not show all of their columns at once.
    cut() {
      return [...document.querySelectorAll(".table-wrap")].filter((e) => seen(e) && e.scrollWidth > e.clientWidth + 1).map((e) => `a table of ${e.scrollWidth} px stands in ${e.clientWidth}`);
    },
    // links are the page's own addresses, and what leads nowhere within it.
    links() {
      const to = new Set(), broken = [];
      for (const e of document.querySelectorAll("[href], [src], [hx-get]")) {
        const raw = e.getAttribute("href") ?? e.getAttribute("src") ?? e.getAttribute("hx-get");
        const url = new URL(raw, location.href);
        if (url.origin !== location.origin) {
          if (e.tagName !== "A" && url.protocol !== "data:") broken.push(`${name(e)} loads from elsewhere: ${url}`);
          continue;
        }
        if (raw.startsWith("#")) {
          if (raw === "#" || !document.getElementById(decodeURIComponent(raw.slice(1)))) broken.push(`${name(e)} leads to ${raw}, which is not there`);
          continue;
        }
        to.add(url.pathname + url.search);
      }
      for (const f of document.querySelectorAll("form[method=post]")) to.add("POST " + new URL(f.getAttribute("action") ?? "", location.href).pathname);
      return { to: [...to], broken };
    },
  };
})();
