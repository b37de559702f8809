// The cursor that all charts share: a line in each, the values beside it.
(() => {
  const trends = window.trends;
  const { number, reading, when } = trends.words;
  const { lineColour } = trends.drawing;
  const MARGIN = { left: 48, right: 8 }; // as layouts/figures/trend.py has them

  let pointed = null; // { clientX, area, card }: where the pointer is

  // Once more where the pointer is, as what is below it has changed.
  trends.point = () => { if (pointed) point(pointed); };

  function point({ clientX, area, card }) {
    if (!trends.data) return;
    pointed = { clientX, area, card };
    const box = area.getBoundingClientRect();
    const width = box.width - MARGIN.left - MARGIN.right;
    const share = (clientX - box.left - MARGIN.left) / width;
    if (share < 0 || share > 1) return leave();
    const at = Math.round((trends.data.from + share * (trends.data.to - trends.data.from) - trends.data.start) / trends.data.step);
    const time = trends.data.start + at * trends.data.step;
    const left = MARGIN.left + ((time - trends.data.from) / (trends.data.to - trends.data.from)) * width;
    for (const chart of trends.charts.values()) {
      const cursor = chart.card.querySelector(".trend-cursor");
      cursor.hidden = left < MARGIN.left || left > MARGIN.left + width;
      cursor.style.left = `${left}px`;
      if (chart.card === card) tip(chart, at, time, left, box.width);
      else chart.card.querySelector(".trend-said").textContent = readout(chart, at);
    }
  }

  function readout(chart, at) {
    const values = chart.values.map((kinds) => kinds[0][at]);
    if (values.length <= 3) return values.map((value, line) => (values.length > 1 ? `${chart.lines[line].label} ` : "") + reading(chart, value)).join(" · ");
    const known = values.filter((value) => value === value);
    return known.length ? `${reading(chart, Math.min(...known))} – ${reading(chart, Math.max(...known))}` : "–";
  }

  function tip(chart, at, time, left, width) {
    const place = chart.card.querySelector(".trend-tip");
    const [factor] = chart.scale;
    const rows = chart.lines.map((line, n) => {
      const mean = chart.values[n][0][at];
      const [, low, high] = chart.values[n].map((kind) => kind[at] / factor);
      const row = document.createElement("div");
      const dot = document.createElement("span");
      dot.className = "dot";
      dot.style.background = lineColour(chart, line);
      const name = document.createElement("span");
      name.textContent = line.label;
      const value = document.createElement("b");
      value.textContent = reading(chart, mean);
      row.append(dot, name, value);
      if (low !== undefined && low === low && high !== low) {
        const around = document.createElement("small");
        around.textContent = `${number(low, "")}–${number(high, "")}`;
        row.append(around);
      }
      return row;
    });
    const head = document.createElement("div");
    head.className = "time";
    head.textContent = when(time);
    place.replaceChildren(head, ...rows);
    place.hidden = false;
    place.classList.toggle("many", rows.length > 8);
    const right = left > width / 2;
    place.style.left = right ? "auto" : `${left + 12}px`;
    place.style.right = right ? `${width - left + 12}px` : "auto";
  }

  function leave() {
    pointed = null;
    for (const chart of trends.charts.values()) {
      chart.card.querySelector(".trend-cursor").hidden = true;
      chart.card.querySelector(".trend-tip").hidden = true;
      chart.card.querySelector(".trend-said").textContent = chart.said ?? "";
    }
  }

  trends.follow = (area, card) => {
    area.addEventListener("pointermove", ({ clientX }) => point({ clientX, area, card }));
    area.addEventListener("pointerleave", leave);
  };
})();
