// Choosing rows of a list. The form works without this: it adds a box for the whole page, ticks
// a range with Shift, counts, and lets the buttons wait for a choice.
const words = (n) => (n === 1 ? "1 chosen" : `${n} chosen`);
let last = null;

const boxes = (form) => [...form.querySelectorAll('tbody input[name="id"]')];

function tell(form) {
  const all = boxes(form);
  const ticked = all.filter((box) => box.checked).length;
  const everything = form.querySelector("#tick-all")?.checked ?? false;
  const page = form.querySelector("[data-tick-page]");
  page.checked = ticked > 0 && ticked === all.length;
  page.indeterminate = ticked > 0 && ticked < all.length;
  form.querySelector("[data-choose-count]").textContent = everything ? "All that match" : ticked ? words(ticked) : "None chosen";
  for (const button of form.querySelectorAll('button[name="act"]')) button.disabled = !everything && ticked === 0;
}

document.addEventListener("click", (event) => {
  const box = event.target.closest('[data-choose] tbody input[name="id"]');
  if (!box) return;
  const all = boxes(box.form);
  const from = all.indexOf(last);
  if (event.shiftKey && from >= 0) {
    const to = all.indexOf(box);
    for (const one of all.slice(Math.min(from, to), Math.max(from, to) + 1)) one.checked = box.checked;
  }
  last = box;
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-choose]");
  if (!form) return;
  if (event.target.matches("[data-tick-page]")) for (const box of boxes(form)) box.checked = event.target.checked;
  tell(form);
});

export function chosenAgain(part) {
  for (const form of part.querySelectorAll("[data-choose]")) tell(form);
}

chosenAgain(document);
document.addEventListener("htmx:afterSettle", () => chosenAgain(document));
addEventListener("pageshow", () => chosenAgain(document));
