// Draws the charts of the trends: lines, bands, limits, and what stands above each.
(() => {
  const trends = window.trends;
  const { isToday, reading, scale, when } = trends.words;
  const colours = new Map(); // by theme and name: asking for one makes a browser look at every rule
  const inView = new Set(); // cards
  const TASK = 25; // ms that a task may have taken before another chart is drawn in it
  let drawing = 0; // the timer of the next chart that has grown old
  let steps = []; // called once: when all that is seen is drawn, then when all is

  const plot = (card) => card.querySelector(".js-plotly-plot");
  // Plotly knows no time zones: it is given the time of this place.
  const shift = (ms) => ms - new Date(ms).getTimezoneOffset() * 60_000;
  const unshift = (ms) => ms + new Date(ms).getTimezoneOffset() * 60_000;

  function colour(name) {
    const key = `${document.documentElement.dataset.bsTheme} ${name}`;
    if (!colours.has(key)) colours.set(key, getComputedStyle(document.documentElement).getPropertyValue(name.replace(/var\((.*)\)/, "$1")).trim());
    return colours.get(key);
  }

  function lineColour(chart, line) {
    const own = chart.card.dataset.colours;
    return colour(own ? own.split(" ")[line.part] : `--gpu-${(line.index ?? 0) % 16}`);
  }

  function react(chart) {
    const { card, lines, values, limits } = chart;
    const graph = plot(card);
    chart.old = false;
    const [factor, unit] = (chart.scale = scale(chart));
    const start = shift(trends.data.start), step = trends.data.step;
    const traces = [];
    let any = false;
    lines.forEach((line, at) => {
      const shade = lineColour(chart, line);
      const [mean, low, high] = values[at].map((kind) => (factor === 1 ? kind : kind.map((value) => value / factor)));
      any ||= mean.some((value) => value === value);
      if (low) traces.push({ type: "scatter", mode: "none", hoverinfo: "skip", fill: "toself", fillcolor: `${shade}${lines.length > 3 ? "14" : "38"}`, ...band(low, high, start, step) });
      traces.push({
        type: "scatter", mode: "lines", hoverinfo: "skip", connectgaps: false, x0: start, dx: step, y: mean,
        line: { color: shade, width: lines.length > 3 ? 1.25 : 1.6, dash: line.part && !card.dataset.colours ? "dot" : "solid" },
      });
      const alone = lonely(mean);
      if (alone.length) traces.push({ type: "scatter", mode: "markers", hoverinfo: "skip", x: alone.map((n) => start + n * step), y: alone.map((n) => mean[n]), marker: { color: shade, size: 3 } });
    });
    const layout = { ...graph.layout, datarevision: trends.data.asked + trends.data.to };
    layout.xaxis = { ...layout.xaxis, range: [shift(trends.data.from), shift(trends.data.to)], autorange: false };
    layout.shapes = limits.map(([value]) => ({
      type: "line", xref: "paper", x0: 0, x1: 1, y0: value / factor, y1: value / factor, layer: "below",
      line: { color: colour("--warn"), width: 1, dash: "dash" },
    }));
    if (card.dataset.unit === "B" && limits.length) layout.yaxis = { ...layout.yaxis, range: [0, Math.max(...limits.map(([value]) => value)) / factor / 0.95] };
    Plotly.react(graph, traces, layout);
    if (!graph.dataset.listens) trends.listen(graph, card);
    card.querySelector(".trend-unit").textContent = unit;
    card.querySelector(".trend-unit").title = limits.map(([, words]) => words).join(", ");
    empty(card, any ? "" : nothingBecause());
    const table = card.querySelector(".trend-table");
    if (!table.hidden) trends.tabulate(chart, table);
  }

  // Draws all charts, first those that are seen. `seen` and `all` are called when these are drawn.
  function redraw(seen, all) {
    for (const chart of trends.charts.values()) chart.old = true;
    if (seen || !steps.length) steps = [seen ?? (() => {}), all ?? (() => {})];
    refresh();
  }

  // Draws what has grown old and is seen, a few charts a task, so that no task is long.
  function refresh() {
    clearTimeout(drawing);
    drawing = setTimeout(drawNext);
  }

  function drawNext() {
    const began = performance.now();
    do {
      const old = [...trends.charts.values()].filter((chart) => chart.old);
      const seen = old.find((chart) => inView.has(chart.card));
      if (!seen && steps.length === 2) steps.shift()();
      const next = seen ?? (steps.length ? old[0] : undefined);
      if (!next) {
        steps.shift()?.();
        return;
      }
      react(next);
    } while (performance.now() - began < TASK);
    refresh();
  }

  // Asking where a card is would make a browser lay out the page for each chart that is drawn.
  const watcher = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) inView[isIntersecting ? "add" : "delete"](target);
    refresh();
  });

  const watch = (cards) => cards.forEach((card) => watcher.observe(card));

  // The outline of the area between lowest and highest, stretch by stretch.
  function band(low, high, start, step) {
    const x = [], y = [];
    for (let from = 0; from < low.length; from++) {
      if (low[from] !== low[from]) continue;
      let to = from;
      while (to < low.length && low[to] === low[to]) to++;
      if (x.length) { x.push(null); y.push(null); }
      for (let at = from; at < to; at++) { x.push(start + at * step); y.push(high[at]); }
      for (let at = to - 1; at >= from; at--) { x.push(start + at * step); y.push(low[at]); }
      from = to;
    }
    return { x, y };
  }

  // Points with a gap on both sides, which no line would show.
  function lonely(values) {
    const found = [];
    for (let at = 0; at < values.length; at++) {
      if (values[at] === values[at] && values[at - 1] !== values[at - 1] && values[at + 1] !== values[at + 1]) found.push(at);
    }
    return found;
  }

  function nothingBecause() {
    if (trends.data.first === null) return "Nothing was recorded in this span";
    return trends.data.first > trends.data.from
      ? `Recording began ${when(trends.data.first, !isToday(trends.data.first), false)}; nothing before`
      : "Nothing was recorded in this span";
  }

  function empty(card, words) {
    const place = card.querySelector(".trend-empty");
    place.textContent = words;
    place.hidden = !words;
  }

  function said() {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const step = trends.data.step >= 3_600_000 ? `${trends.data.step / 3_600_000} h` : trends.data.step >= 60_000 ? `${trends.data.step / 60_000} min` : `${trends.data.step / 1000} s`;
    const began = trends.data.first !== null && trends.data.first > trends.data.from ? ` · recording began ${when(trends.data.first, !isToday(trends.data.first), false)}` : "";
    const dated = !isToday(trends.data.from) || !isToday(trends.data.to);
    const seconds = trends.data.to - trends.data.from < 600_000;
    const span = document.querySelector(".trend-span");
    span.textContent = `${when(trends.data.from, dated, seconds)} – ${trends.data.live ? "now" : when(trends.data.to, dated, seconds)} · a point each ${step}${began}`;
    span.title = `Times are those of ${zone}`;
    for (const chart of trends.charts.values()) headline(chart);
  }

  // Mean and highest of all lines in view.
  function headline(chart) {
    let sum = 0, count = 0, most = -Infinity;
    for (const kinds of chart.values) {
      for (const value of kinds[0]) if (value === value) { sum += value; count += 1; }
      for (const value of kinds[kinds.length - 1]) if (value > most) most = value;
    }
    chart.said = count ? `mean ${reading(chart, sum / count)} · peak ${reading(chart, most)}` : "";
    chart.card.querySelector(".trend-said").textContent = chart.said;
  }

  trends.drawing = { empty, lineColour, plot, redraw, refresh, said, unshift, watch };
})();
