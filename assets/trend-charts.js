// Draws the charts of the trends: lines, bands, limits, and what stands above each.
(() => {
  const trends = window.trends;
  const { isToday, reading, scale, ticks, when, zone } = trends.words;
  const colours = new Map(); // by theme and name: asking for one makes a browser look at every rule
  const inView = new Set(); // cards
  const widths = new Map(); // of cards, in pixels
  const TASK = 8; // ms that a task may have taken before another chart is drawn in it
  let drawing = 0; // the timer of the next chart that has grown old
  let steps = []; // called once: when all that is seen is drawn, then when all is

  const plot = (card) => card.querySelector(".js-plotly-plot");
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
    const [factor, unit] = chart.scale;
    const { start, step } = trends.data;
    const hidden = hiddenParts(card);
    const many = lines.length > 3;
    const bands = new Map(); // by colour: a trace costs far more than what is in it
    const traces = [];
    let any = false;
    lines.forEach((line, at) => {
      if (hidden.has(line.part)) return;
      const shade = lineColour(chart, line);
      const [mean, low, high] = values[at].map((kind) => (factor === 1 ? kind : kind.map((value) => value / factor)));
      any ||= mean.some((value) => value === value);
      if (low) bands.set(shade, [...(bands.get(shade) ?? []), [low, high]]);
      traces.push({
        type: "scatter", mode: "lines", hoverinfo: "skip", connectgaps: false, x0: start, dx: step, y: mean,
        line: { color: shade, width: many ? 1.25 : 1.6, dash: line.part && !card.dataset.colours ? "dot" : "solid" },
      });
      const alone = lonely(mean);
      if (alone.length) traces.push({ type: "scatter", mode: "markers", hoverinfo: "skip", x: alone.map((n) => start + n * step), y: alone.map((n) => mean[n]), marker: { color: shade, size: 3 } });
    });
    // Of many bands an area alone would be hard to see: a spike has an outline, too.
    traces.unshift(...[...bands].map(([shade, extents]) => ({
      type: "scatter", mode: many ? "lines" : "none", hoverinfo: "skip", fill: "toself",
      fillcolor: `${shade}${many ? "1c" : "38"}`, line: { color: `${shade}66`, width: 0.75 }, ...band(extents, start, step),
    })));
    const layout = { ...graph.layout, datarevision: trends.data.asked + trends.data.to };
    layout.xaxis = { ...layout.xaxis, range: [trends.data.from, trends.data.to], autorange: false, ...times(card) };
    layout.shapes = limits.map(([value, words]) => ({
      type: "line", xref: "paper", x0: 0, x1: 1, y0: value / factor, y1: value / factor, layer: "below",
      line: { color: colour("--warn"), width: 1, dash: "dash" },
      label: { text: words, textposition: "end", yanchor: value < 0.3 * chart.most ? "bottom" : "top", padding: 2, font: { size: 10, color: colour("--warn") } },
    }));
    if (card.dataset.unit === "B" && limits.length) layout.yaxis = { ...layout.yaxis, range: [0, Math.max(...limits.map(([value]) => value)) / factor / 0.95] };
    Plotly.react(graph, traces, layout);
    if (!graph.dataset.listens) trends.listen(graph, card);
    card.querySelector(".trend-unit").textContent = unit;
    empty(card, any || hidden.size ? "" : nothingBecause());
    const table = card.querySelector(".trend-table");
    if (!table.hidden) trends.tabulate(chart, table);
  }

  // Parts of a chart, such as what is written to disks, that a person does not want to see.
  function hiddenParts(card) {
    return new Set([...card.querySelectorAll('[data-trend-part][aria-pressed="false"]')].map((button) => Number(button.dataset.trendPart)));
  }

  function togglePart(button) {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") === "false"));
    const chart = trends.charts.get(button.closest(".trend-card").dataset.chart);
    if (!chart) return;
    chart.old = true;
    refresh();
    said();
  }

  // What stands below the time axis; a label that would be cut off at its end is left out.
  function times(card) {
    const { from, to } = trends.data;
    const width = (widths.get(card) || 640) - 80;
    const room = (ms) => ((to - ms) / (to - from)) * width;
    const found = ticks(from, to, Math.max(2, width / 80)).filter(({ ms, text, day }) => room(ms) > 3.2 * Math.max(text.length, day.length) - 8);
    return { tickvals: found.map(({ ms }) => ms), ticktext: found.map(({ text, day }) => (day ? `${text}<br>${day}` : text)) };
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

  const measurer = new ResizeObserver((changes) => {
    for (const { target, contentRect } of changes) {
      const chart = trends.charts.get(target.dataset.chart);
      if (chart && contentRect.width && widths.get(target) !== contentRect.width) chart.old = true;
      widths.set(target, contentRect.width);
    }
    refresh();
  });

  function watch(cards) {
    for (const card of cards) {
      watcher.observe(card);
      measurer.observe(card);
    }
  }

  // The outlines of the areas between lowest and highest, stretch by stretch.
  function band(extents, start, step) {
    const x = [], y = [];
    for (const [low, high] of extents) {
      for (let from = 0; from < low.length; from++) {
        if (low[from] !== low[from]) continue;
        let to = from;
        while (to < low.length && low[to] === low[to]) to++;
        if (x.length) { x.push(NaN); y.push(NaN); }
        for (let at = from; at < to; at++) { x.push(start + at * step); y.push(high[at]); }
        for (let at = to - 1; at >= from; at--) { x.push(start + at * step); y.push(low[at]); }
        from = to;
      }
    }
    return { x: Float64Array.from(x), y: Float32Array.from(y) };
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
    const step = trends.data.step >= 3_600_000 ? `${trends.data.step / 3_600_000} h` : trends.data.step >= 60_000 ? `${trends.data.step / 60_000} min` : `${trends.data.step / 1000} s`;
    const began = trends.data.first !== null && trends.data.first > trends.data.from ? ` · recording began ${when(trends.data.first, !isToday(trends.data.first), false)}` : "";
    const dated = !isToday(trends.data.from) || !isToday(trends.data.to);
    const seconds = trends.data.to - trends.data.from < 600_000;
    const span = document.querySelector(".trend-span");
    span.textContent = `${when(trends.data.from, dated, seconds)} – ${trends.data.live ? "now" : when(trends.data.to, dated, seconds)} · a point each ${step}${began}`;
    span.title = `Times are those of ${zone()}`;
    for (const chart of trends.charts.values()) {
      chart.scale = scale(chart);
      headline(chart);
    }
    trends.point();
  }

  // Mean and highest of the lines in view, or of their first kind where there are several.
  function headline(chart) {
    const hidden = hiddenParts(chart.card);
    const part = Math.min(...chart.lines.map((line) => line.part).filter((one) => !hidden.has(one)));
    let sum = 0, count = 0, most = -Infinity;
    chart.values.forEach((kinds, at) => {
      if (chart.lines[at].part !== part) return;
      for (const value of kinds[0]) if (value === value) { sum += value; count += 1; }
      for (const value of kinds[kinds.length - 1]) if (value > most) most = value;
    });
    const name = chart.card.querySelector(`[data-trend-part="${part}"]`)?.textContent ?? "";
    chart.most = most;
    chart.said = count ? `${name} mean ${reading(chart, sum / count)} · peak ${reading(chart, most)}`.trim() : "";
    chart.card.querySelector(".trend-said").textContent = chart.said;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-trend-part]");
    if (button) togglePart(button);
  });
  trends.drawing = { empty, lineColour, plot, redraw, refresh, said, watch };
})();
