// Historical trends: keeps the view and its address, asks for its points, hands them to the charts.
window.dash_clientside = window.dash_clientside || {};

(() => {
  const trends = window.trends; // of saying.js; files are loaded in the order of their names
  const { day, iso } = trends.words;
  const { empty, plot, redraw, refresh, said, watch } = trends.drawing;
  const TICK_EVERY = 5000;
  const ANSWER_WITHIN = 15_000;
  const AFTER_READINGS = 150;
  const KEPT = ["range", "from", "to", "gpus", "charts"];
  const nothing = () => window.dash_clientside.no_update;
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const section = () => document.getElementById("trends");
  const find = (selector) => section()?.querySelector(selector);
  const cards = () => [...document.querySelectorAll(".trend-card")];

  let view = { number: 0, range: "1h", from: "", to: "", gpus: "", charts: "" };
  let before = []; // views to go back to, by double click
  let live = { range: "1h", from: "", to: "" }; // the last that went on with time
  let slip = ""; // what an address says that only this page can tell is wrong
  let answerBy = 0; // a timer: the answer should have come
  const chosen = { range: undefined, charts: undefined }; // what the controls of the page show

  // ---- the view and the address

  function fromAddress() {
    const asked = new URLSearchParams(location.search);
    for (const name of KEPT) view[name] = asked.get(name) ?? (name === "range" ? "1h" : "");
    const theme = asked.get("theme");
    const known = theme === "light" || theme === "dark";
    slip = theme === null || known ? "" : `There is no theme '${theme.slice(0, 40)}'; there are dark, light.`;
    if (known && theme !== document.documentElement.dataset.bsTheme) {
      document.documentElement.dataset.bsTheme = theme;
      window.live.paint();
    }
  }

  function toAddress(push) {
    const asked = new URLSearchParams(location.search);
    const kept = { ...window.choices.written(), ...window.compare.written(), ...Object.fromEntries(KEPT.map((name) => [name, view[name]])) };
    if (view.from || view.range === "1h") kept.range = "";
    if (window.choices.mode() !== "compare") kept.gpus = "";
    for (const [name, value] of Object.entries(kept)) {
      if (value) asked.set(name, value); else asked.delete(name);
    }
    asked.delete("theme");
    const theme = document.documentElement.dataset.bsTheme;
    if (theme === "light" || asked.size) asked.set("theme", theme);
    const text = asked.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
    const address = location.pathname + (text ? `?${text}` : "") + location.hash;
    if (address === location.pathname + location.search + location.hash) return;
    history[push ? "pushState" : "replaceState"](null, "", address);
  }

  function ask(push = true) {
    view.number += 1;
    toAddress(push);
    controls();
    section().dataset.state = trends.data ? "reading" : "loading";
    set("view", { data: wanted() });
    clearTimeout(answerBy);
    answerBy = setTimeout(() => failed("History was not answered within 15 s. The charts show what was read before."), ANSWER_WITHIN);
  }

  // The chosen GPU alone, or in Compare those of the buttons; all where none is named.
  const wanted = () => ({ ...view, gpus: window.choices.mode() === "compare" ? view.gpus : window.choices.gpu() });

  // Another GPU or mode is chosen: a step to go back over, or not. Undefined: who calls asks itself.
  function choose(push) {
    if (push !== undefined && view.number) ask(push);
  }

  // Readings come first, and are seen: plotly.js then keeps a browser busy for half a second.
  function awaitReadings() {
    const ready = window.dash_clientside.set_props && section();
    if (ready && window.live.snapshot()) setTimeout(begin, AFTER_READINGS);
    else setTimeout(awaitReadings, 50);
  }

  function begin() {
    if (!window.embed.wants("history")) return;
    if (window.embed.wants("charts")) set("trends-wanted", { data: true });
    watch(cards());
    fromAddress();
    ask(false);
  }

  const isAnswered = () => trends.data?.asked === view.number;
  const isLive = () => (isAnswered() ? trends.data.live : !view.from && !view.to);

  function change(next, keep = true) {
    const { range, from, to } = view;
    if (keep) before.push({ range, from, to });
    if (isLive()) live = from.startsWith("-") ? { range, from, to } : { range: trends.data?.range || range, from: "", to: "" };
    slip = "";
    Object.assign(view, next);
    ask();
  }

  function back() {
    const last = before.pop() ?? (isLive() ? null : live);
    if (last) change(last, false);
  }

  function pause() {
    if (isLive() && trends.data) change({ from: iso(trends.data.from), to: iso(trends.data.to) });
    else change(live, false), (before = []);
  }

  function controls() {
    const paused = !isLive();
    const button = find('[data-trend="pause"]');
    button.setAttribute("aria-pressed", String(paused));
    button.title = paused ? "Go on live" : "Pause";
    button.setAttribute("aria-label", paused ? "Let the charts go on live" : "Pause the charts");
    button.firstElementChild.className = `bi ${paused ? "bi-play-fill" : "bi-pause-fill"}`;
    find('[data-trend="back"]').hidden = !before.length;
    // Of an address that makes no sense another range is read.
    const shownRange = isAnswered() ? trends.data.range || null : view.from || view.to ? null : view.range;
    const charts = chosenCharts();
    if (chosen.range !== shownRange) set("trend-range", { value: (chosen.range = shownRange) });
    if (chosen.charts?.join() !== charts.join()) set("trend-charts", { value: (chosen.charts = charts) });
    for (const card of cards()) card.hidden = !charts.includes(card.dataset.chart);
  }

  function chosenCharts() {
    const all = cards().map((card) => card.dataset.chart);
    const named = all.filter((name) => view.charts.split(",").includes(name));
    return named.length ? named : all;
  }

  function range(value) {
    const known = value === chosen.range;
    chosen.range = value;
    if (!value || known) return undefined;
    before = [];
    change({ range: value, from: "", to: "" }, false);
    return undefined;
  }

  function chooseCharts(value) {
    chosen.charts = value;
    const all = cards().map((card) => card.dataset.chart);
    const named = all.filter((name) => (value ?? []).includes(name));
    // A slip in the address stays there, as what is told of it does, until another choice is made.
    if (!view.number || named.join() === chosenCharts().join()) return undefined;
    change({ charts: named.length === all.length || !named.length ? "" : named.join(",") }, false);
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

  // The popover begins with what is in view.
  function fillSpan() {
    if (!trends.data) return;
    const [from, to] = [trends.data.from, trends.data.to].map((ms) => new Date(ms));
    set("trend-dates", { start_date: day(from), end_date: day(to) });
    set("trend-from-time", { value: from.toTimeString().slice(0, 8) });
    set("trend-to-time", { value: to.toTimeString().slice(0, 8) });
  }

  function toggleGpu(device) {
    const all = gpuButtons().map((button) => button.dataset.trendGpu);
    const shown = new Set(trends.data?.gpus ?? all);
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
    if (!window.embed.wants("charts")) { shown(); return nothing(); }
    if (!canDraw()) {
      whenDrawable(answer);
      return nothing();
    }
    return show(answer);
  }

  const canDraw = () => window.Plotly && cards().every(plot);

  // Waits for plotly.js, unless another answer is asked for meanwhile.
  function whenDrawable(answer) {
    if (answer.asked !== view.number) return;
    if (canDraw()) set("trends-drawn", { data: show(answer) });
    else setTimeout(() => whenDrawable(answer), 30);
  }

  function show(answer) {
    trends.data = answer;
    trends.charts = new Map();
    for (const card of cards()) {
      const chart = answer.charts[card.dataset.chart];
      if (chart) trends.charts.set(card.dataset.chart, { card, ...chart, values: unpacked(chart, answer) });
      else empty(card, card.dataset.table === "gpu" ? "No GPU" : "");
    }
    section().dataset.gpus = String(answer.gpus.length > 0);
    controls();
    notice([...answer.problems, slip].filter(Boolean));
    for (const button of gpuButtons()) button.setAttribute("aria-pressed", String(answer.gpus.includes(button.dataset.trendGpu)));
    said();
    redraw(shown, () => { section().dataset.drawn = String(answer.asked); });
    set("trends-tick", { disabled: !answer.live, interval: Math.max(TICK_EVERY, Math.min(60_000, answer.step / 4)) });
    return drawn();
  }

  // What is in view is drawn: what else tells of the span is asked for now.
  function shown() {
    section().dataset.state = "ready";
    set("shown-view", { data: wanted() });
  }

  const drawn = () => ({
    tier: trends.data.tier, step: trends.data.step, rolled: trends.data.rolled,
    since: trends.data.start + (trends.data.count - 1) * trends.data.step,
    gpus: trends.data.gpus, charts: [...trends.charts.keys()].sort(),
  });

  // By line: [means] or [means, lowest, highest], each a Float32Array of `count` points.
  function unpacked(chart, { count, rolled }) {
    const letters = atob(chart.values);
    const bytes = new Uint8Array(letters.length);
    for (let at = 0; at < letters.length; at++) bytes[at] = letters.charCodeAt(at);
    const all = new Float32Array(bytes.buffer);
    const kinds = rolled ? 3 : 1;
    return chart.lines.map((_, line) => Array.from({ length: kinds }, (__, kind) => {
      const at = (line * kinds + kind) * count;
      return all.slice(at, at + count);
    }));
  }

  function append(newer) {
    if (!trends.data?.live || newer.asked !== view.number) return nothing();
    if (newer.stale) { ask(false); return nothing(); }
    const first = Math.round((newer.since - trends.data.start) / trends.data.step);
    const count = Math.ceil((newer.to - trends.data.start) / trends.data.step);
    const dropped = Math.max(0, Math.floor((newer.to - (trends.data.to - trends.data.from) - trends.data.start) / trends.data.step));
    for (const [name, chart] of trends.charts) {
      chart.values = chart.values.map((kinds, line) => kinds.map((old, kind) => {
        const longer = new Float32Array(count).fill(NaN);
        longer.set(old.subarray(0, Math.min(old.length, count)));
        newer.charts[name]?.[line]?.[kind]?.forEach((value, at) => { longer[first + at] = value ?? NaN; });
        return longer.slice(dropped);
      }));
    }
    trends.data.from += newer.to - trends.data.to;
    trends.data.to = newer.to;
    trends.data.start += dropped * trends.data.step;
    trends.data.count = count - dropped;
    for (const chart of trends.charts.values()) chart.old = true;
    refresh();
    said();
    return drawn();
  }

  function failed(why) {
    clearTimeout(answerBy);
    section().dataset.state = trends.data ? "ready" : "failed";
    notice([why]);
    if (!trends.data) for (const card of cards()) empty(card, "Not read");
  }

  function notice(sentences) {
    const place = find(".trend-notice");
    place.hidden = !sentences?.length;
    place.textContent = (sentences ?? []).join(" ");
  }

  // ---- zoom

  function listen(graph, card) {
    graph.dataset.listens = "yes";
    graph.on("plotly_relayout", (what) => {
      const from = what["xaxis.range[0]"], to = what["xaxis.range[1]"];
      if (from === undefined || to === undefined) return;
      const until = Math.max(to, from + 2000);
      change({ from: iso(Math.floor(from / 1000) * 1000), to: iso(Math.min(Date.now(), Math.ceil(until / 1000) * 1000)) });
    });
    graph.on("plotly_doubleclick", back);
    trends.follow(card.querySelector(".trend-plot"), card);
  }

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest?.(selector);
    if (at('[data-trend="pause"]')) pause();
    else if (at("#trend-from-to-button")) fillSpan();
    else if (at('[data-trend="back"]')) back();
    else if (at("[data-trend-gpu]")) toggleGpu(at("[data-trend-gpu]").dataset.trendGpu);
  });
  window.addEventListener("popstate", () => { fromAddress(); before = []; ask(false); });
  document.addEventListener("visibilitychange", () => {
    if (!trends.data?.live) return;
    set("trends-tick", { disabled: document.hidden });
    if (!document.hidden) ask(false);
  });
  new MutationObserver(() => {
    if (!trends.data) return;
    toAddress(false);
    redraw();
  }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
  trends.view = wanted;
  trends.choose = choose;
  trends.address = toAddress;
  trends.listen = listen;
  awaitReadings();
  window.dash_clientside.trends = { draw, range, charts: chooseCharts, span: chooseSpan };
})();
