// The times of the timeline and of errors, in those of this place, and what is under the pointer.
(() => {
  const LABEL_PIXELS = 110, LAST_PIXELS = 60;
  const words = () => window.trends.words;
  function drawAxis(timeline) {
    const axis = timeline.querySelector(".timeline-axis");
    if (!axis) return;
    const start = Number(timeline.dataset.start), end = Number(timeline.dataset.end);
    const drawn = `${start} ${end} ${axis.clientWidth}`;
    if (!axis.clientWidth || axis.dataset.drawn === drawn) return;
    axis.dataset.drawn = drawn;
    // The last label would be cut off.
    const last = end - ((end - start) * LAST_PIXELS) / axis.clientWidth;
    const ticks = words().ticks(start, end, Math.max(1, axis.clientWidth / LABEL_PIXELS)).filter(({ ms }) => ms < last).map(({ ms, text }) => {
      const tick = document.createElement("span");
      tick.style.left = `${(100 * (ms - start)) / (end - start)}%`;
      tick.textContent = text;
      return tick;
    });
    axis.replaceChildren(...ticks);
  }

  function write() {
    for (const place of document.querySelectorAll("time[data-time]")) {
      const ms = Number(place.dataset.time);
      const text = words().when(ms, !words().isToday(ms), true);
      if (place.textContent !== text) place.textContent = text;
    }
    for (const timeline of document.querySelectorAll(".timeline[data-start]")) drawAxis(timeline);
  }

  function point(event) {
    const part = event.target.closest?.(".track [data-words]");
    const timeline = (part ?? event.target).closest?.(".timeline");
    const tip = timeline?.querySelector(".timeline-tip");
    for (const other of document.querySelectorAll(".timeline-tip:not([hidden])")) if (other !== tip || !part) other.hidden = true;
    if (!part) return;
    const { words: told, start, end } = part.dataset;
    const dated = !words().isToday(Number(start));
    const times = [start, end].filter(Boolean).map((ms) => words().when(Number(ms), dated, true));
    const lines = [times.join(" – "), `${part.closest(".timeline-lane").querySelector(".name").textContent}: ${told}`];
    tip.replaceChildren(...lines.map((text, at) => {
      const line = document.createElement("div");
      line.className = at ? "told" : "time";
      line.textContent = text;
      return line;
    }));
    tip.hidden = false;
    const box = timeline.getBoundingClientRect();
    const left = event.clientX - box.left;
    tip.style.left = left < box.width / 2 ? `${left + 14}px` : "auto";
    tip.style.right = left < box.width / 2 ? "auto" : `${box.width - left + 14}px`;
    tip.style.top = `${event.clientY - box.top + 14}px`;
  }

  document.addEventListener("pointermove", point, { passive: true });
  window.addEventListener("resize", () => requestAnimationFrame(write));
  new MutationObserver((changes) => {
    if (changes.some(({ target }) => target.closest?.("#health-cards") && !target.closest(".timeline-axis, .timeline-tip"))) write();
  }).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-time", "data-start", "data-end"] });
})();
