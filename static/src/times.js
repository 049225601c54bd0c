// Keeps "5 min ago" true on a page that stays open, in the words that the server uses.
const units = [
  ["y", 365 * 86400],
  ["d", 86400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
];

export function relative(at, now) {
  const seconds = (now - at) / 1000;
  const distance = Math.abs(seconds);
  if (distance < 10) return "now";
  const [unit, length] = units.find(([, l]) => distance >= l);
  const words = `${Math.floor(distance / length)} ${unit}`;
  return seconds < 0 ? `in ${words}` : `${words} ago`;
}

setInterval(() => {
  const now = Date.now();
  for (const time of document.querySelectorAll("time[datetime]")) {
    const words = relative(Date.parse(time.dateTime), now);
    if (time.textContent !== words) time.textContent = words;
  }
}, 15000);
