// Historical trends: keeps the view and its address, draws the charts, appends to them, exports.
window.dash_clientside = window.dash_clientside || {};

(() => {
  const MARGIN = { left: 48, right: 8 }; // as layouts/figures/trend.py has them
  const TICK_EVERY = 5000;
  const ANSWER_WITHIN = 15_000;
  const KEPT = ["range", "from", "to", "gpus", "charts"];
  const nothing = () => window.dash_clientside.no_update;
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const section = () => document.getElementById("trends");
  const find = (selector) => section()?.querySelector(selector);
  const cards = () => [...document.querySelectorAll(".trend-card")];

  let view = { number: 0, range: "1h", from: "", to: "", gpus: "", charts: "" };
  let before = []; // views to go back to, by double click
  let data = null; // the answer the charts were drawn from
  let charts = new Map(); // by name: {card, lines, count, limits}
  let refreshing = 0; // the frame that draws the next chart that has grown old
  let answerBy = 0; // a timer: the answer should have come

  // ---- the view and the address

  function fromAddress() {
    const asked = new URLSearchParams(location.search);
    for (const name of KEPT) view[name] = asked.get(name) ?? (name === "range" ? "1h" : "");
    const theme = asked.get("theme");
    if ((theme === "light" || theme === "dark") && theme !== document.documentElement.dataset.bsTheme) {
      document.documentElement.dataset.bsTheme = theme;
      set("theme", { data: theme });
      window.live.paint();
    }
  }

  function toAddress(push) {
    const asked = new URLSearchParams(location.search);
    for (const name of KEPT) {
      const value = name === "range" && (view.from || view.range === "1h") ? "" : view[name];
      if (value) asked.set(name, value); else asked.delete(name);
    }
    if (document.documentElement.dataset.bsTheme === "light") asked.set("theme", "light"); else asked.delete("theme");
    const text = asked.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
    const address = location.pathname + (text ? `?${text}` : "") + location.hash;
    if (address === location.pathname + location.search + location.hash) return;
    history[push ? "pushState" : "replaceState"](null, "", address);
  }

  function ask(push = true) {
    view.number += 1;
    toAddress(push);
    controls();
    section().dataset.state = data ? "reading" : "loading";
    set("view", { data: { ...view } });
    clearTimeout(answerBy);
    answerBy = setTimeout(() => failed("History was not answered within 15 s. The charts show what was read before."), ANSWER_WITHIN);
  }

  function begin() {
    fromAddress();
    ask(false);
    return undefined;
  }

  const isLive = () => !view.from && !view.to;

  function change(next, keep = true) {
    if (keep) before.push({ range: view.range, from: view.from, to: view.to });
    Object.assign(view, next);
    ask();
  }

  function back() {
    const last = before.pop() ?? (isLive() ? null : { from: "", to: "" });
    if (last) change(last, false);
  }

  const iso = (ms) => new Date(ms).toISOString().replace(".000Z", "Z");

  function pause() {
    if (isLive() && data) change({ from: iso(data.from), to: iso(data.to) });
    else change({ from: "", to: "" }, false), (before = []);
  }

  function controls() {
    const paused = !isLive();
    const button = find('[data-trend="pause"]');
    button.setAttribute("aria-pressed", String(paused));
    button.title = paused ? "Go on live" : "Pause";
    button.setAttribute("aria-label", paused ? "Let the charts go on live" : "Pause the charts");
    button.firstElementChild.className = `bi ${paused ? "bi-play-fill" : "bi-pause-fill"}`;
    find('[data-trend="back"]').hidden = !before.length;
    set("trend-range", { value: paused ? null : view.range });
    const chosen = chosenCharts();
    set("trend-charts", { value: chosen });
    for (const card of cards()) card.hidden = !chosen.includes(card.dataset.chart);
  }

  function chosenCharts() {
    const all = cards().map((card) => card.dataset.chart);
    const named = all.filter((name) => view.charts.split(",").includes(name));
    return named.length ? named : all;
  }

  function range(value) {
    if (!value || (isLive() && value === view.range)) return undefined;
    before = [];
    change({ range: value, from: "", to: "" }, false);
    return undefined;
  }

  function chooseCharts(value) {
    const all = cards().map((card) => card.dataset.chart);
    const chosen = all.filter((name) => (value ?? []).includes(name));
    // A slip in the address stays there, as what is told of it does, until another choice is made.
    if (!view.number || chosen.join() === chosenCharts().join()) return undefined;
    change({ charts: chosen.length === all.length || !chosen.length ? "" : chosen.join(",") }, false);
    return undefined;
  }

  function chooseSpan(clicks, fromDay, toDay, fromTime, toTime) {
    if (!clicks) return undefined;
    const from = new Date(`${(fromDay ?? "").slice(0, 10)}T${fromTime || "00:00"}`);
    const to = new Date(`${(toDay ?? fromDay ?? "").slice(0, 10)}T${toTime || "23:59:59"}`);
    if (isNaN(from) || isNaN(to)) { notice(["Choose the first and the last day."]); return undefined; }
    change({ from: iso(from.getTime()), to: iso(to.getTime()) });
    set("trend-from-to", { is_open: false });
    return undefined;
  }

  function toggleGpu(device) {
    const all = gpuButtons().map((button) => button.dataset.trendGpu);
    const shown = new Set(data?.gpus ?? all);
    if (shown.has(device)) shown.delete(device); else shown.add(device);
    const names = gpuButtons().filter((button) => shown.has(button.dataset.trendGpu)).map((button) => button.dataset.index);
    change({ gpus: names.length === all.length || !names.length ? "" : names.join(",") }, false);
  }

  const gpuButtons = () => [...document.querySelectorAll("[data-trend-gpu]")];

  // ---- what comes from the server

  function draw(answer, newer) {
    const triggered = window.dash_clientside.callback_context.triggered.map((input) => input.prop_id);
    // Both may come at once: what is newer is asked for again, an answer is not.
    if (!triggered.includes("trends-data.data")) return newer ? append(newer) : nothing();
    if (!answer || answer.asked !== view.number) return nothing();
    clearTimeout(answerBy);
    if (answer.error) { failed(answer.error); return nothing(); }
    if (!window.Plotly || cards().some((card) => !plot(card))) {
      // plotly.js is still being loaded.
      setTimeout(() => set("trends-data", { data: { ...answer } }), 30);
      return nothing();
    }
    data = answer;
    charts = new Map();
    for (const card of cards()) {
      const chart = answer.charts[card.dataset.chart];
      if (chart) charts.set(card.dataset.chart, { card, ...chart, values: unpacked(chart, answer) });
      else empty(card, card.dataset.table === "gpu" ? "No GPU" : "");
    }
    section().dataset.state = "ready";
    section().dataset.gpus = String(answer.gpus.length > 0);
    notice(answer.problems);
    for (const button of gpuButtons()) button.setAttribute("aria-pressed", String(answer.gpus.includes(button.dataset.trendGpu)));
    for (const chart of charts.values()) react(chart);
    said();
    section().dataset.drawn = String(answer.asked);
    set("trends-tick", { disabled: !answer.live, interval: Math.max(TICK_EVERY, Math.min(60_000, answer.step / 4)) });
    return drawn();
  }

  const drawn = () => ({
    tier: data.tier, step: data.step, rolled: data.rolled,
    since: data.start + (data.count - 1) * data.step,
    gpus: data.gpus, charts: [...charts.keys()].sort(),
  });

  // By line: [means] or [means, lowest, highest], each a Float32Array of `count` points.
  function unpacked(chart, { count, rolled }) {
    const bytes = Uint8Array.from(atob(chart.values), (letter) => letter.charCodeAt(0));
    const all = new Float32Array(bytes.buffer);
    const kinds = rolled ? 3 : 1;
    return chart.lines.map((_, line) => Array.from({ length: kinds }, (__, kind) => {
      const at = (line * kinds + kind) * count;
      return all.slice(at, at + count);
    }));
  }

  function append(newer) {
    if (!data?.live || newer.asked !== view.number) return nothing();
    if (newer.stale) { ask(false); return nothing(); }
    const first = Math.round((newer.since - data.start) / data.step);
    const count = Math.ceil((newer.to - data.start) / data.step);
    const dropped = Math.max(0, Math.floor((newer.to - (data.to - data.from) - data.start) / data.step));
    for (const [name, chart] of charts) {
      chart.values = chart.values.map((kinds, line) => kinds.map((old, kind) => {
        const longer = new Float32Array(count).fill(NaN);
        longer.set(old.subarray(0, Math.min(old.length, count)));
        newer.charts[name]?.[line]?.[kind]?.forEach((value, at) => { longer[first + at] = value ?? NaN; });
        return longer.slice(dropped);
      }));
    }
    data.from += newer.to - data.to;
    data.to = newer.to;
    data.start += dropped * data.step;
    data.count = count - dropped;
    for (const chart of charts.values()) chart.old = true;
    refresh();
    said();
    return drawn();
  }

  function failed(why) {
    clearTimeout(answerBy);
    section().dataset.state = data ? "ready" : "failed";
    notice([why]);
    if (!data) for (const card of cards()) empty(card, "Not read");
  }

  function notice(sentences) {
    const place = find(".trend-notice");
    place.hidden = !sentences?.length;
    place.textContent = (sentences ?? []).join(" ");
  }

  // ---- drawing

  const plot = (card) => card.querySelector(".js-plotly-plot");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name.replace(/var\((.*)\)/, "$1")).trim();
  // Plotly knows no time zones: it is given the time of this place.
  const shift = (ms) => ms - new Date(ms).getTimezoneOffset() * 60_000;
  const unshift = (ms) => ms + new Date(ms).getTimezoneOffset() * 60_000;

  function lineColour(chart, line) {
    const own = chart.card.dataset.colours;
    return colour(own ? own.split(" ")[line.part] : `--gpu-${(line.index ?? 0) % 16}`);
  }

  const PREFIXES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  const power = (bytes) => Math.max(0, Math.min(5, Math.floor(Math.log2(Math.max(1, Math.abs(bytes)) * 1.001) / 10)));

  // [what one of it is, the unit of a chart's axis]: bytes are in the unit of the highest of them.
  function scale(chart) {
    const unit = chart.card.dataset.unit;
    if (!unit.startsWith("B")) return [1, unit];
    let most = 1;
    for (const kinds of chart.values) for (const value of kinds[kinds.length - 1]) if (value > most) most = value;
    for (const [limit] of chart.limits) if (limit > most) most = limit;
    return [2 ** (10 * power(most)), PREFIXES[power(most)] + unit.slice(1)];
  }

  // A value with its unit, such as `312 W`; bytes in the unit that suits it.
  function reading(chart, value) {
    const unit = chart.card.dataset.unit;
    if (!unit.startsWith("B") || !Number.isFinite(value)) return number(value, unit);
    return number(value / 2 ** (10 * power(value)), PREFIXES[power(value)] + unit.slice(1));
  }

  function react(chart) {
    const { card, lines, values, limits } = chart;
    const graph = plot(card);
    chart.old = false;
    const [factor, unit] = (chart.scale = scale(chart));
    const start = shift(data.start), step = data.step;
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
    const layout = { ...graph.layout, datarevision: view.number + data.to };
    layout.xaxis = { ...layout.xaxis, range: [shift(data.from), shift(data.to)], autorange: false };
    layout.shapes = limits.map(([value]) => ({
      type: "line", xref: "paper", x0: 0, x1: 1, y0: value / factor, y1: value / factor, layer: "below",
      line: { color: colour("--warn"), width: 1, dash: "dash" },
    }));
    if (card.dataset.unit === "B" && limits.length) layout.yaxis = { ...layout.yaxis, range: [0, Math.max(...limits.map(([value]) => value)) / factor / 0.95] };
    Plotly.react(graph, traces, layout);
    if (!graph.dataset.listens) listen(graph, card);
    card.querySelector(".trend-unit").textContent = unit;
    card.querySelector(".trend-unit").title = limits.map(([, words]) => words).join(", ");
    empty(card, any ? "" : nothingBecause());
    const table = card.querySelector(".trend-table");
    if (!table.hidden) tabulate(chart, table);
  }

  // Draws what has grown old and can be seen, one chart a frame, so that no frame is long.
  function refresh() {
    cancelAnimationFrame(refreshing);
    refreshing = requestAnimationFrame(() => {
      const next = [...charts.values()].find((chart) => chart.old && isSeen(chart.card));
      if (!next) return;
      react(next);
      refresh();
    });
  }

  function isSeen(card) {
    const box = card.getBoundingClientRect();
    return box.height > 0 && box.bottom > 0 && box.top < innerHeight;
  }

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
    if (data.first === null) return "Nothing was recorded in this span";
    return data.first > data.from
      ? `Recording began ${when(data.first, !isToday(data.first), false)}; nothing before`
      : "Nothing was recorded in this span";
  }

  function empty(card, words) {
    const place = card.querySelector(".trend-empty");
    place.textContent = words;
    place.hidden = !words;
  }

  const two = (number) => String(number).padStart(2, "0");
  // A time of this place; with its day where that is not plain.
  function when(ms, dated = data.to - data.from > 20 * 3_600_000, seconds = data.step < 60_000) {
    const at = new Date(ms);
    const clock = `${two(at.getHours())}:${two(at.getMinutes())}${seconds ? `:${two(at.getSeconds())}` : ""}`;
    return dated ? `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock}` : clock;
  }

  const isToday = (ms) => new Date(ms).toDateString() === new Date().toDateString();

  function number(value, unit) {
    if (!Number.isFinite(value)) return "–";
    const digits = unit === "%" ? (value >= 99.95 ? 0 : 1) : Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
    return `${value.toFixed(digits)} ${unit}`.trim();
  }

  function said() {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const step = data.step >= 3_600_000 ? `${data.step / 3_600_000} h` : data.step >= 60_000 ? `${data.step / 60_000} min` : `${data.step / 1000} s`;
    const began = data.first !== null && data.first > data.from ? ` · recording began ${when(data.first, !isToday(data.first), false)}` : "";
    const dated = !isToday(data.from) || !isToday(data.to);
    const seconds = data.to - data.from < 600_000;
    const span = find(".trend-span");
    span.textContent = `${when(data.from, dated, seconds)} – ${data.live ? "now" : when(data.to, dated, seconds)} · a point each ${step}${began}`;
    span.title = `Times are those of ${zone}`;
    for (const chart of charts.values()) headline(chart);
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

  // ---- zoom and cursor, shared by all charts

  function listen(graph, card) {
    graph.dataset.listens = "yes";
    graph.on("plotly_relayout", (what) => {
      const from = what["xaxis.range[0]"], to = what["xaxis.range[1]"];
      if (from === undefined || to === undefined) return;
      const ms = [from, to].map((at) => unshift(typeof at === "number" ? at : Date.parse(`${at.replace(" ", "T")}Z`)));
      if (ms[1] - ms[0] < 2000) ms[1] = ms[0] + 2000;
      change({ from: iso(Math.floor(ms[0] / 1000) * 1000), to: iso(Math.min(Date.now(), Math.ceil(ms[1] / 1000) * 1000)) });
    });
    graph.on("plotly_doubleclick", back);
    const area = card.querySelector(".trend-plot");
    area.addEventListener("pointermove", (event) => point(event, area, card));
    area.addEventListener("pointerleave", leave);
  }

  function point(event, area, card) {
    if (!data) return;
    const box = area.getBoundingClientRect();
    const width = box.width - MARGIN.left - MARGIN.right;
    const share = (event.clientX - box.left - MARGIN.left) / width;
    if (share < 0 || share > 1) return leave();
    const at = Math.round((data.from + share * (data.to - data.from) - data.start) / data.step);
    const time = data.start + at * data.step;
    const left = MARGIN.left + ((time - data.from) / (data.to - data.from)) * width;
    for (const chart of charts.values()) {
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
    for (const chart of charts.values()) {
      chart.card.querySelector(".trend-cursor").hidden = true;
      chart.card.querySelector(".trend-tip").hidden = true;
      chart.card.querySelector(".trend-said").textContent = chart.said ?? "";
    }
  }

  // ---- the same numbers as a table

  function tabulate(chart, place) {
    const [factor, unit] = chart.scale;
    const table = document.createElement("table");
    table.createCaption().textContent = `${chart.card.getAttribute("aria-label")}${unit ? `, ${unit}` : ""}: mean${data.rolled ? " (lowest to highest)" : ""}, newest first`;
    const head = table.createTHead().insertRow();
    for (const name of ["Time", ...chart.lines.map((line) => line.label)]) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = name;
      head.append(cell);
    }
    const body = table.createTBody();
    for (let at = data.count - 1; at >= 0; at--) {
      if (chart.values.every((kinds) => kinds[0][at] !== kinds[0][at])) continue;
      const row = body.insertRow();
      const time = document.createElement("th");
      time.scope = "row";
      time.textContent = when(data.start + at * data.step);
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
    const chart = charts.get(card.dataset.chart);
    if (shown && chart) tabulate(chart, place);
    if (!shown) window.dispatchEvent(new Event("resize"));
  }

  // ---- export of what is in view

  async function save(table, format) {
    if (!data) return;
    const columns = [...charts.values()].filter((chart) => chart.card.dataset.table === table).flatMap((chart) => chart.lines.map((line) => line.column));
    const asked = new URLSearchParams({
      metrics: [...new Set(columns)].join(","), start: iso(data.from), end: iso(data.to), resolution: data.tier, format,
    });
    if (table === "gpu") for (const gpu of data.gpus) asked.append("gpu", gpu);
    const prefix = JSON.parse(document.getElementById("_dash-config").textContent).requests_pathname_prefix;
    const path = table === "gpu" ? "gpu-metrics/history" : "metrics/history";
    progress("Asking", null);
    try {
      const answer = await fetch(`${prefix}api/v1/system/${path}?${asked}`);
      if (!answer.ok) throw new Error((await answer.json()).detail);
      const expected = Number(answer.headers.get("Estimated-Length")) || null;
      const parts = [];
      let size = 0;
      for (const reader = answer.body.getReader(); ;) {
        const { done, value } = await reader.read();
        if (done) break;
        parts.push(value);
        size += value.length;
        progress(`${(size / 2 ** 20).toFixed(1)} MiB`, expected && Math.min(0.99, size / expected));
      }
      const name = /filename="?([^";]+)/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? `${table}-${iso(data.from)}-${data.tier}.${format}`;
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(parts, { type: answer.headers.get("Content-Type") }));
      link.download = name.replaceAll(":", "");
      link.click();
      URL.revokeObjectURL(link.href);
      progress(`Saved ${link.download}, ${(size / 2 ** 20).toFixed(1)} MiB`, 1);
    } catch (error) {
      progress(`Not exported: ${error.message}`, 0);
    }
  }

  function progress(words, share) {
    const place = document.querySelector(".trend-progress");
    if (!place) return;
    place.hidden = false;
    place.dataset.open = String(share === null);
    place.querySelector(".words").textContent = words;
    place.querySelector(".fill").style.width = `${100 * (share ?? 0.3)}%`;
  }

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest?.(selector);
    if (at('[data-trend="pause"]')) pause();
    else if (at('[data-trend="back"]')) back();
    else if (at("[data-trend-gpu]")) toggleGpu(at("[data-trend-gpu]").dataset.trendGpu);
    else if (at("[data-trend-table]")) toggleTable(at("[data-trend-table]"));
    else if (at("[data-export]")) save(at("[data-export]").dataset.export, at("[data-export]").dataset.format);
  });
  window.addEventListener("scroll", refresh, { passive: true });
  window.addEventListener("resize", refresh);
  window.addEventListener("popstate", () => { fromAddress(); before = []; ask(false); });
  document.addEventListener("visibilitychange", () => {
    if (!data?.live) return;
    set("trends-tick", { disabled: document.hidden });
    if (!document.hidden) ask(false);
  });
  new MutationObserver(() => {
    if (!data) return;
    toAddress(false);
    for (const chart of charts.values()) react(chart);
  }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
  window.trends = { view: () => ({ ...view }), data: () => data, charts: () => charts };
  window.dash_clientside.trends = { begin, draw, range, charts: chooseCharts, span: chooseSpan };
})();
