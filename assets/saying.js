// How the charts say numbers and times.
(() => {
  const trends = (window.trends = { data: null, charts: new Map() });

  const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  const STEPS = [
    SECOND, 5 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
    HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 56 * DAY, 91 * DAY, 364 * DAY,
  ];
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
  const day = (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const clock = (at, seconds) => `${two(at.getHours())}:${two(at.getMinutes())}${seconds ? `:${two(at.getSeconds())}` : ""}`;
  // A time of this place; with its day where that is not today.
  function when(ms, dated = !isToday(ms), seconds = trends.data.step < 60_000) {
    const at = new Date(ms);
    return dated ? `${day(at)} ${clock(at, seconds)}` : clock(at, seconds);
  }

  const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
  const isToday = (ms) => new Date(ms).toDateString() === new Date().toDateString();

  // Round times of this place between two, about `most` of them: when, what it is called and, of
  // one that is the first of its day, the day.
  function ticks(from, to, most) {
    const step = STEPS.find((step) => (to - from) / step <= most) ?? STEPS.at(-1);
    const found = [];
    let last = "";
    for (const ms of roundTimes(from, to, step)) {
      const at = new Date(ms);
      const of = step >= DAY ? "" : day(at);
      found.push({ ms, text: step >= DAY ? day(at) : clock(at, step < MINUTE), day: of === last ? "" : of });
      last = of;
    }
    return found;
  }

  // By the calendar: a day may have 23 or 25 hours.
  function roundTimes(from, to, step) {
    const found = [];
    const add = (ms) => { if (ms >= from && ms <= to && !(ms <= found.at(-1))) found.push(ms); };
    const first = new Date(from);
    for (let days = 0; ; days++) {
      const [year, month, date] = [first.getFullYear(), first.getMonth(), first.getDate() + days];
      const midnight = new Date(year, month, date).getTime(), next = new Date(year, month, date + 1).getTime();
      if (midnight > to) return found;
      if (step >= DAY) {
        if (Math.round(Date.UTC(year, month, date) / DAY) % (step / DAY) === 0) add(midnight);
      } else if (step >= HOUR) {
        for (let hour = 0; hour < 24; hour += step / HOUR) add(new Date(year, month, date, hour).getTime());
      } else {
        const begin = midnight + Math.max(0, Math.ceil((from - midnight) / step)) * step;
        for (let ms = begin; ms < next && ms <= to; ms += step) add(ms);
      }
    }
  }

  function number(value, unit) {
    if (!Number.isFinite(value)) return "–";
    const digits = unit === "%" ? (value >= 99.95 ? 0 : 1) : Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
    return `${value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${unit}`.trim();
  }

  // An absolute time, as addresses and the API have it.
  const iso = (ms) => new Date(ms).toISOString().replace(".000Z", "Z");

  trends.words = { day, iso, isToday, number, reading, scale, ticks, when, zone };
})();
