// Hands each snapshot to the elements that show a reading, and draws the sparklines.
// A reading: [number, symbol, raw, percent of its bar, state, caption, peak, mark, badge, full, used/total].
window.dash_clientside = window.dash_clientside || {};

(() => {
  const SECONDS = 120;
  const LOWEST = { "gpu.temperature_celsius": 20 }; // where a sparkline's scale begins, if not at 0
  const SMALLEST_SCALE = 1 << 20; // a rate without a full scale: below 1 MiB/s nothing much happens
  const lines = new Map(); // "table.column|device" → {end, step, values}
  let snapshot = null;
  let backlogEnd = null;
  let drawn = 0; // the frame in which the canvases will be

  const reading = (metric, device) => snapshot?.readings[metric]?.[device];

  const toggle = (element, shown) => {
    if (element && element.hidden === shown) element.hidden = !shown;
  };

  function fill(element) {
    const { metric, device } = element.dataset;
    if (!device) return; // built before the first tick: still loading
    if (element.dataset.at) return; // assets/hardware.js fills it
    const [number, symbol, raw, percent, state, caption = "", peak, mark, badge, , used] =
      reading(metric, device) ?? ["N/A", "", null, null, "missing", "", "", null, "", null, ""];
    const value = raw === null ? "" : String(raw);
    if (element.dataset.value !== value) element.dataset.value = value;
    if (element.dataset.state !== state) element.dataset.state = state;
    if (element.classList.contains("loading")) element.classList.remove("loading");
    for (const part of element.querySelectorAll("[data-part]")) {
      if (part.closest("[data-metric]") !== element) continue;
      switch (part.dataset.part) {
        case "number": window.writing.put(part, number); break;
        case "symbol": window.writing.put(part, symbol); break;
        case "short": window.writing.put(part, short(number, symbol, raw)); break;
        case "text": window.writing.put(part, symbol ? `${number} ${symbol}` : number); break;
        case "used": window.writing.put(part, used || "N/A"); break;
        case "caption":
          window.writing.put(part, caption.replace(/(?<=\d) (?=[^\s·])/g, "\u00a0")); // a number stays beside its unit
          if (part.title !== caption) part.title = caption;
          break;
        case "peak": window.writing.put(part, peak ? `peak 1 h ${peak}` : ""); break;
        case "fill": part.style.width = `${percent ?? 0}%`; break;
        case "limit":
          toggle(part, mark !== null);
          if (mark !== null) part.style.left = `${mark}%`;
          break;
        case "badge": window.writing.put(part, badge); part.dataset.word = badge; toggle(part, Boolean(badge)); break;
      }
    }
  }

  function short(number, symbol, raw) {
    if (raw === null) return "N/A";
    if (symbol === "%") return `${Math.round(raw)} %`;
    return symbol.endsWith("B") ? `${number} ${symbol[0]}` : `${number} ${symbol}`;
  }

  function extend(metric, device, time, raw) {
    const key = `${metric}|${device}`;
    if (!lines.has(key)) {
      // A device that came after the backlog: its line begins now.
      const step = 1000 * snapshot.interval;
      lines.set(key, { end: time - step, step, values: [], length: Math.round(SECONDS / snapshot.interval) });
    }
    const line = lines.get(key);
    const steps = Math.round((time - line.end) / line.step);
    if (steps <= 0) return;
    for (let step = 1; step < Math.min(steps, line.values.length); step++) line.values.push(null);
    line.values.push(raw);
    line.values.splice(0, Math.max(0, line.values.length - line.length));
    line.end = time;
  }

  function load(backlog) {
    if (!backlog || backlog.end === null || backlog.end === backlogEnd) return;
    backlogEnd = backlog.end;
    for (const [metric, byDevice] of Object.entries(backlog.lines)) {
      for (const [device, values] of Object.entries(byDevice)) {
        lines.set(`${metric}|${device}`, {
          end: backlog.end, step: backlog.step, values, length: values.length,
        });
      }
    }
  }

  // All canvases at once, in the frame: to ask for a place's size or colour after a text has changed
  // makes the browser lay the page out, which it does then anyway, once.
  function draw() {
    drawn = 0;
    for (const canvas of document.querySelectorAll("canvas[data-part]")) {
      if (canvas.dataset.part === "cores") drawCores(canvas);
      else drawSpark(canvas);
    }
  }

  function drawSpark(canvas) {
    const { metric, device } = canvas.closest("[data-metric]").dataset;
    const line = lines.get(`${metric}|${device}`);
    const { pen, width, height, ratio } = blank(canvas);
    if (!line || !width || !height) return;
    const low = LOWEST[metric] ?? 0;
    line.full = reading(metric, device)?.[9] ?? line.full; // a GPU that is lost keeps its scale
    const top = Math.max(line.full ?? (metric.endsWith("_bytes_per_second") ? SMALLEST_SCALE : low + 1), ...line.values);
    const inset = 2 * ratio;
    const x = (at) => (at * width) / (line.length - 1);
    const y = (value) => height - inset - (Math.max(0, value - low) / (top - low)) * (height - 2 * inset);
    const colour = getComputedStyle(canvas).color;
    const first = line.length - line.values.length;
    for (const [from, to] of runs(line.values)) {
      pen.beginPath();
      pen.moveTo(x(first + from), y(line.values[from]));
      for (let at = from + 1; at < to; at++) pen.lineTo(x(first + at), y(line.values[at]));
      if (to - from === 1) pen.lineTo(x(first + from) + ratio, y(line.values[from]));
      pen.strokeStyle = colour;
      pen.lineWidth = 1.6 * ratio;
      pen.lineJoin = "round";
      pen.stroke();
      pen.lineTo(x(first + to - 1), height);
      pen.lineTo(x(first + from), height);
      pen.closePath();
      pen.globalAlpha = 0.13;
      pen.fillStyle = colour;
      pen.fill();
      pen.globalAlpha = 1;
    }
  }

  function drawCores(canvas) {
    const cores = snapshot.cores;
    const { pen, width, height, ratio } = blank(canvas);
    const slot = Math.min(width / cores.length, 14 * ratio);
    const gap = Math.min(2 * ratio, slot / 4);
    pen.fillStyle = getComputedStyle(canvas).color;
    cores.forEach((percent, at) => {
      pen.globalAlpha = 0.16;
      pen.fillRect(at * slot, 0, slot - gap, height);
      pen.globalAlpha = 1;
      const tall = ((percent ?? 0) / 100) * height;
      pen.fillRect(at * slot, height - tall, slot - gap, tall);
    });
  }

  // The canvas, empty, with as many pixels as the screen has in its place.
  function blank(canvas) {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio);
    const height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    return { pen, width, height, ratio };
  }

  // [from, to) of each stretch without a gap.
  function runs(values) {
    const found = [];
    let from = -1;
    values.forEach((value, at) => {
      if (value === null && from >= 0) { found.push([from, at]); from = -1; }
      if (value !== null && from < 0) from = at;
    });
    if (from >= 0) found.push([from, values.length]);
    return found;
  }

  function paint() {
    if (!snapshot) return;
    window.hardware.paint(snapshot);
    window.answers.paint(snapshot);
    window.processes.paint(snapshot);
    const unseen = window.choices.mode() === "compare" ? "#gpu-column" : "#compare";
    for (const element of document.querySelectorAll("[data-metric]")) if (!element.closest(unseen)) fill(element);
    for (const place of document.querySelectorAll("[data-gpu]")) {
      const [status, reason] = snapshot.gpus[place.dataset.gpu] ?? ["lost", ""];
      place.dataset.status = status;
      const how = status === "ok" ? "" : [status, reason].filter(Boolean).join(": ");
      if (place.dataset.name) place.title = [place.dataset.name, how].filter(Boolean).join(". ");
      window.writing.put(place.querySelector(".gpu-status"), how);
    }
    window.compare.paint(snapshot);
    drawn ||= requestAnimationFrame(draw);
  }

  function show(fresh, backlog, layout) {
    load(backlog);
    if (!fresh) return window.dash_clientside.no_update;
    const newer = fresh.readings && (!snapshot || fresh.sequence !== snapshot.sequence || fresh.time !== snapshot.time);
    window.connection.heard(fresh, newer && fresh.time !== snapshot?.time);
    if (fresh.readings) {
      snapshot = fresh;
      for (const [metric, byDevice] of Object.entries(fresh.readings)) {
        for (const [device, values] of Object.entries(byDevice)) extend(metric, device, fresh.time, values[2]);
      }
      if (JSON.stringify(fresh.layout) !== JSON.stringify(layout)) {
        window.dash_clientside.set_props("changed", { data: fresh.sequence });
      }
      paint();
    }
    forget();
    return { time: snapshot ? snapshot.time : null, sequence: snapshot ? snapshot.sequence : -1 };
  }

  // Dash keeps what each change replaced, each tick's readings too, so that it could be undone. That
  // nobody can here, and a page that is open all day would run out of memory.
  function forget() {
    for (const store of window.dash_stores ?? []) store.getState().history?.past.splice(0);
  }

  window.live = { paint, snapshot: () => snapshot };
  window.dash_clientside.live = { show };
  window.addEventListener("resize", () => requestAnimationFrame(paint));
  // Parts of the page are built anew when GPUs come and go: fill them in the same frame.
  new MutationObserver((changes) => {
    if (changes.some((change) => [...change.addedNodes].some((node) => node.querySelector?.("[data-metric]") || node.dataset?.metric))) {
      window.choices?.apply();
      paint();
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
