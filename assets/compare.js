// All GPUs side by side: marks, distances from the mean, words, and the order of the cards.
window.dash_clientside = window.dash_clientside || {};

(() => {
  const KEPT_MS = 5000; // a card stays where it is for so long
  const MARKS = { 1: ["▲", "high", "highest"], "-1": ["▼", "low", "lowest"], 0: ["", "", ""] };

  let asked = fromAddress(); // what the address says
  let by = "index";
  let more = false; // whether cards have the rows of further metrics
  let orderedAt = 0;
  let saidAt = 0;

  function fromAddress() {
    return new URLSearchParams(location.search).get("sort") ?? "";
  }

  const choices = () => [...document.querySelectorAll("#sort option")].map((option) => option.value).filter(Boolean);
  const grid = () => document.getElementById("compare-grid");
  const cards = () => [...grid().children];

  // Makes a card for each GPU of the one that the layout has; none while one GPU is in view.
  function build(mode, wanted, wantsMore) {
    const changed = more !== Boolean(wantsMore);
    more = Boolean(wantsMore);
    document.querySelector(".more-metrics").setAttribute("aria-pressed", String(more));
    if (changed) window.connection.present();
    if (changed && !more && further(by)) window.dash_clientside.set_props("sort", { value: "index" });
    const [card, rows, instance] = document.querySelector(".compare-model-card").children;
    grid().replaceChildren(...(mode === "compare" ? wanted.map((one) => copied(one, card, rows, instance)) : []));
    if (mode === "compare") window.live.paint();
    return undefined;
  }

  // Whether it is one of the metrics that cards have only where a person wants more.
  const further = (column) => Boolean(document.querySelector(`.compare-model-card > div > [data-of="gpu.${CSS.escape(column)}"]`));

  function copied({ device, name, model, colour, instances }, card, rows, instance) {
    const made = card.cloneNode(true);
    if (more) made.append(...rows.cloneNode(true).children);
    made.style.setProperty("--accent", colour);
    made.dataset.gpu = device;
    made.setAttribute("aria-label", `${name} ${model}`.trim());
    const button = made.querySelector("button");
    button.textContent = name;
    button.title = `Show ${name} alone`;
    button.dataset.showGpu = device;
    const place = made.querySelector(".compare-model");
    place.textContent = model;
    place.title = device;
    for (const row of made.querySelectorAll(".compare-row")) reads(row, device);
    for (const [part, label] of instances) {
      const row = instance.cloneNode(true);
      row.querySelector(".compare-label").textContent = label;
      reads(row, part);
      made.append(row);
    }
    return made;
  }

  function reads(row, device) {
    row.dataset.metric = row.dataset.of;
    row.dataset.device = device;
    row.dataset.value = "";
  }

  // After live.js has filled the readings.
  function paint(snapshot) {
    if (window.choices.mode() !== "compare") return;
    if (!snapshot.compare) { sayMode(); return; }
    if (more && !snapshot.readings["gpu.encoder_percent"]) sayMode();
    const { marks, heads, imbalance } = snapshot.compare;
    const places = new Map(snapshot.layout[0].map(([device], at) => [device, at]));
    for (const row of grid().querySelectorAll(".compare-row")) {
      const at = places.get(row.dataset.device);
      mark(row, marks[row.dataset.metric]?.[at] ?? [0, ""]);
    }
    for (const card of cards()) head(card, heads[places.get(card.dataset.gpu)] ?? ["", "ok"]);
    say(imbalance);
    if (performance.now() - orderedAt > KEPT_MS || cards().some((card) => !card.style.order)) order(snapshot);
  }

  // A server that knows this page no more, as after a lost connection, is told again.
  function sayMode() {
    if (performance.now() - saidAt < 1000) return;
    saidAt = performance.now();
    window.connection.present();
  }

  function mark(row, [which, off]) {
    const [glyph, name, words] = MARKS[which];
    if (row.dataset.mark !== name) {
      row.dataset.mark = name;
      const place = row.querySelector(".compare-mark");
      place.textContent = glyph;
      place.title = words && `${words} of all`;
    }
    window.writing.put(row.querySelector(".compare-off"), off);
    const told = [words && `${words} of all`, off && `${off} from the mean`].filter(Boolean).join(", ");
    if (row.title !== told) row.title = told;
  }

  function head(card, [words, kind]) {
    const place = card.querySelector(".compare-state");
    window.writing.put(place, words);
    if (card.dataset.kind !== kind) card.dataset.kind = kind;
    const told = [words, window.live.snapshot().gpus[card.dataset.gpu]?.[1]].filter(Boolean).join(": ");
    if (place.title !== told) place.title = told;
  }

  function say(sentences) {
    const place = document.querySelector("#compare .imbalance");
    const words = sentences.join(" ") || "No GPU stands out from the others.";
    place.hidden = cards().length < 2 && !sentences.length; // a single GPU, of MIG instances
    place.dataset.even = String(!sentences.length);
    window.writing.put(place.querySelector(".words"), words);
  }

  // What is missing comes last; what is equal stays in the order of the GPUs.
  function order(snapshot) {
    orderedAt = performance.now();
    const readings = snapshot.readings[`gpu.${by}`] ?? {};
    const value = (card) => readings[card.dataset.gpu]?.[2] ?? -Infinity;
    const sorted = by === "index" ? cards() : cards().sort((one, other) => (value(one) === value(other) ? 0 : value(other) - value(one)));
    sorted.forEach((card, at) => { card.style.order = String(at); });
    grid().dataset.sorted = by;
  }

  function orderNow() {
    orderedAt = -KEPT_MS;
    if (window.live.snapshot()) paint(window.live.snapshot());
  }

  function problem() {
    return asked && !choices().includes(asked) ? `There is no order '${asked.slice(0, 40)}'; there are: ${choices().join(", ")}.` : "";
  }

  // Called with what the select shows, also when `read` has set it.
  function sort(value) {
    if (value === by) return undefined;
    by = value;
    asked = "";
    if (further(by) && !more) show(true);
    window.choices.tell();
    orderNow();
    window.trends.address(true);
    return undefined;
  }

  function read() {
    asked = fromAddress();
    by = choices().includes(asked) ? asked : "index";
    window.dash_clientside.set_props("sort", { value: by });
    if (further(by) && !more) show(true);
    orderNow();
  }

  // Sorting by a metric shows it.
  function show(rows) {
    window.dash_clientside.set_props("compare-more", { data: rows });
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest(".more-metrics")) show(!more);
    const button = event.target.closest("[data-show-gpu]");
    if (button) window.choices.pick(button.dataset.showGpu, "single");
  });
  window.addEventListener("popstate", read);
  window.compare = { more: () => more, paint, problem, read, written: () => ({ sort: problem() ? asked : by === "index" || window.choices.mode() !== "compare" ? "" : by }) };
  window.dash_clientside.compare = { cards: build, sort };
})();
