// A chart's numbers as a table, for those who cannot see the chart.
(() => {
  const trends = window.trends;
  const { number, when, zone } = trends.words;

  function tabulate(chart, place) {
    const [factor, unit] = chart.scale;
    const table = document.createElement("table");
    table.createCaption().textContent = `${chart.card.getAttribute("aria-label")}${unit ? `, ${unit}` : ""}: mean${trends.data.rolled ? " (lowest to highest)" : ""}, newest first, times of ${zone()}`;
    const head = table.createTHead().insertRow();
    for (const name of ["Time", ...chart.lines.map((line) => line.label)]) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = name;
      head.append(cell);
    }
    const body = table.createTBody();
    for (let at = trends.data.count - 1; at >= 0; at--) {
      if (chart.values.every((kinds) => kinds[0][at] !== kinds[0][at])) continue;
      const row = body.insertRow();
      const time = document.createElement("th");
      time.scope = "row";
      time.textContent = when(trends.data.start + at * trends.data.step);
      row.append(time);
      for (const kinds of chart.values) {
        const [mean, low, high] = kinds.map((kind) => kind[at] / factor);
        row.insertCell().textContent = number(mean, "") + (low !== undefined && high !== low ? ` (${number(low, "")} to ${number(high, "")})` : "");
      }
    }
    place.replaceChildren(table);
  }

  function toggleTable(button) {
    const card = button.closest(".trend-card");
    const place = card.querySelector(".trend-table");
    const shown = place.hidden;
    place.hidden = !shown;
    card.querySelector(".trend-plot").hidden = shown;
    button.setAttribute("aria-pressed", String(shown));
    const chart = trends.charts.get(card.dataset.chart);
    if (shown && chart) tabulate(chart, place);
    if (!shown) window.dispatchEvent(new Event("resize"));
  }

  trends.tabulate = tabulate;
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-trend-table]");
    if (button) toggleTable(button);
  });
})();
