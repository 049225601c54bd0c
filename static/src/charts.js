// Charts of days, drawn from the tables behind them: one bar a day, its series stacked. Who
// does not see them has the table; who points at a day reads its numbers in the legend.
import uPlot from "uplot";

const height = 136;
const font = '11px system-ui, "Segoe UI", sans-serif';
const short = new Intl.NumberFormat("en", { notation: "compact" });
const exact = new Intl.NumberFormat("en");
const redraws = new Set();

new MutationObserver(() => redraws.forEach((redraw) => redraw())).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });

// draw fills a stage, and keeps it filled as the page's width and colours change.
export function draw(stage) {
  const chart = stage.closest(".chart");
  const days = read(chart.querySelector("table"));
  let plot = null;
  const redraw = () => {
    plot?.destroy();
    plot = new uPlot(options(stage, chart, days), stacked(days), stage);
  };
  redraw();
  redraws.add(redraw);
  new ResizeObserver(() => {
    if (stage.clientWidth > 0 && stage.clientWidth !== plot.width) plot.setSize({ width: stage.clientWidth, height });
  }).observe(stage);
}

// read gives the days of a table, the oldest first, with the number of each series.
function read(table) {
  return [...table.tBodies[0].rows].reverse().map((row) => ({
    label: row.querySelector("time").textContent,
    values: [...row.querySelectorAll("td")].map((cell) => Number(cell.dataset.n)),
  }));
}

// stacked gives uPlot's columns: the days' places, then the heights that the series reach on
// top of each other, the highest first, so that each is painted over the one behind it.
function stacked(days) {
  const heights = days.map(({ values }) => {
    let sum = 0;
    return values.map((n) => (sum += n));
  });
  const columns = days[0].values.map((_, series) => heights.map((day) => day[series]));
  return [days.map((_, i) => i), ...columns.reverse()];
}

function options(stage, chart, days) {
  const style = getComputedStyle(stage);
  const colour = (name) => style.getPropertyValue(name).trim();
  const count = days[0].values.length;
  const axis = { stroke: colour("--k-muted"), font, ticks: { show: false }, grid: { stroke: colour("--k-line"), width: 1 } };
  return {
    width: stage.clientWidth,
    height,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { show: false } },
    scales: { x: { time: false, range: [-0.6, days.length - 0.4] }, y: { range: (_, __, most) => [0, Math.max(4, most * 1.05)] } },
    axes: [
      { ...axis, size: 22, gap: 4, grid: { show: false }, space: 48, incrs: [1, 2, 5, 7, 10, 14], values: (_, places) => places.map((i) => days[i]?.label ?? "") },
      { ...axis, size: 36, gap: 4, space: 32, incrs: whole(), values: (_, numbers) => numbers.map((n) => short.format(n)) },
    ],
    series: [{}, ...Array.from({ length: count }, (_, i) => bars(colour(`--k-series-${count - 1 - i}`), colour("--k-raised")))],
    hooks: { setCursor: [(plot) => tell(chart, days, plot.cursor.idx)] },
  };
}

function bars(fill, edge) {
  return { fill, stroke: edge, width: 1, points: { show: false }, paths: uPlot.paths.bars({ size: [0.8, 16] }) };
}

// whole are the steps of an axis of counts: no fractions.
function whole() {
  const steps = [];
  for (let ten = 1; ten <= 1e12; ten *= 10) steps.push(ten, 2 * ten, 5 * ten);
  return steps;
}

// tell puts the numbers of a day into the legend, or those of all days where there is none.
function tell(chart, days, at) {
  const day = days[at];
  for (const item of chart.querySelectorAll("[data-series]")) {
    const series = Number(item.dataset.series);
    const n = day ? day.values[series] : days.reduce((sum, { values }) => sum + values[series], 0);
    item.querySelector("strong").textContent = exact.format(n);
  }
  chart.querySelector(".legend-day").textContent = day?.label ?? "";
}
