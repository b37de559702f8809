// Writes the readings of the hardware tiles, and why clocks are below their best now.
// A GPU's list: its values, what its PCIe link carries, whether that is below its best, reasons.
(() => {
  const PREFIXES = ["", "Ki", "Mi", "Gi", "Ti"];

  function written(value, { unit, before, of }) {
    if (value === null) return "N/A";
    if (unit === "B/s") return scaled(value);
    return `${before}${value.toLocaleString("en-US")}${of} ${unit}`.trim();
  }

  function scaled(bytes) {
    const power = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes) * 1.001) / 10)));
    const number = bytes / 2 ** (10 * power);
    return `${number.toFixed(power === 0 || number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2)} ${PREFIXES[power]}B/s`;
  }

  function fill(element, values) {
    const value = values?.[Number(element.dataset.at)] ?? null;
    const raw = value === null ? "" : String(value);
    if (element.dataset.value !== raw) element.dataset.value = raw;
    const state = value === null ? "missing" : "ok";
    if (element.dataset.state !== state) element.dataset.state = state;
    const link = element.dataset.full === "link";
    const full = link ? values?.at(-3) : Number(element.dataset.full);
    const of = link && value !== null && full ? ` of ${scaled(full)}` : "";
    window.writing.put(element.querySelector('[data-part="number"]'), written(value, element.dataset) + of);
    const bar = element.querySelector('[data-part="fill"]');
    if (!bar) return;
    bar.style.width = `${value !== null && full ? Math.min(100, (100 * value) / full) : 0}%`;
  }

  function tell(place, values) {
    const reasons = values?.at(-1) ?? null;
    const told = reasons === null ? "N/A" : reasons.map(([name]) => name).join(", ");
    if (place.dataset.reasons === told && place.childElementCount) return;
    place.dataset.reasons = told;
    const shown = reasons === null ? [["Reasons not reported", "missing"]] : reasons.length ? reasons : [["Nothing holds the clocks down", "free"]];
    place.replaceChildren(...shown.map(([name, kind]) => {
      const badge = document.createElement("span");
      badge.className = "reason";
      badge.dataset.kind = kind;
      badge.textContent = name;
      return badge;
    }));
  }

  function paint(snapshot) {
    for (const element of document.querySelectorAll("[data-at]")) fill(element, snapshot.hardware[element.dataset.device]);
    for (const place of document.querySelectorAll("[data-reasons]")) tell(place, snapshot.hardware[place.dataset.device]);
    for (const badge of document.querySelectorAll(".link-below")) {
      const { device } = badge.closest(".hardware-card").querySelector("[data-at]").dataset;
      badge.hidden = !snapshot.hardware[device]?.at(-2);
    }
  }

  window.hardware = { paint };
})();
