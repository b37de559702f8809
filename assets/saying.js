// How the charts say numbers and times.
(() => {
  const trends = (window.trends = { data: null, charts: new Map() });

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

  const two = (number) => String(number).padStart(2, "0");
  // A time of this place; with its day where that is not plain.
  function when(ms, dated = trends.data.to - trends.data.from > 20 * 3_600_000, seconds = trends.data.step < 60_000) {
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

  // An absolute time, as addresses and the API have it.
  const iso = (ms) => new Date(ms).toISOString().replace(".000Z", "Z");

  trends.words = { iso, isToday, number, reading, scale, when };
})();
