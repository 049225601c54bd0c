// announce says something to a screen reader without moving the focus.
export function announce(words) {
  const line = document.getElementById("announce");
  if (line) line.textContent = words;
}
