// Has charts drawn where a page has some: their code is fetched only there. Where it cannot
// be, the tables stand.
const stages = document.querySelectorAll("[data-chart]");

if (stages.length > 0) {
  import(stages[0].dataset.chart).then(
    (charts) => stages.forEach(charts.draw),
    () => stages.forEach((stage) => (stage.hidden = true)),
  );
}
