// Which way readings come: the socket, or asking when the socket fails or falls silent.
(() => {
  const SILENT_INTERVALS = 3;
  const MOST_FAILURES = 5;
  const LONGEST_PAUSE = 30_000;
  const ANSWER_WITHIN = 1000;
  const PRESENT_EVERY = 20_000;
  const LOOK_EVERY = 250;
  const KINDS = { connection: "Connection", gpu: "GPU", api: "API", recorder: "Recorder", storage: "Storage", clock: "Clock" };

  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const now = () => performance.now();
  const seconds = (ms) => `${Number((ms / 1000).toFixed(1))} s`;

  let mode = "socket"; // "socket", "polling", "stopped"
  let newest = now(); // when the newest tick was taken
  let answered = now(); // when the server last answered
  let asked = 0; // when the page last asked, while polling
  let failures = 0;
  let refused = ""; // what the server said instead of readings
  let broken = ""; // what went wrong in this page
  let presentAt = 0;
  let interval = 1000;
  let pollEvery = 1000;
  let last = null;

  const pause = () => Math.min(LONGEST_PAUSE, pollEvery * 2 ** failures);

  function heard(fresh, newer) {
    last = fresh.readings ? fresh : last;
    interval = 1000 * (last?.interval ?? 1);
    answered = now();
    if (newer) newest = now() - (fresh.age > (SILENT_INTERVALS * interval) / 1000 ? 1000 * fresh.age : 0);
    if (failures > 0) {
      failures = 0;
      if (mode === "polling") set("poll", { interval: pollEvery });
    }
    refused = "";
    if (fresh.via !== "poll" && newer && mode !== "socket") become("socket");
    say();
  }

  function become(next) {
    mode = next;
    failures = 0;
    asked = now();
    set("poll", { disabled: mode !== "polling" || document.hidden, interval: pollEvery });
    if (mode === "polling") present();
    say();
  }

  // Also over the socket: a request on a dead one makes Dash open another.
  function present() {
    presentAt = now();
    set("present", { data: { visible: !document.hidden, mode: window.choices.mode(), more: window.compare.more(), at: Date.now() } });
  }

  function look() {
    if (!window.dash_clientside?.set_props || !document.getElementById("page")) return;
    if (document.hidden) return;
    if (now() - presentAt > PRESENT_EVERY && mode !== "stopped") present();
    const patience = SILENT_INTERVALS * Math.max(interval, 500);
    if (mode === "socket" && now() - Math.max(newest, answered) > patience) become("polling");
    if (mode === "polling") {
      if (answered >= asked) asked = now();
      else if (now() - asked > pause() + ANSWER_WITHIN) fail();
    }
    say();
  }

  function fail() {
    failures += 1;
    asked = now();
    if (failures >= MOST_FAILURES) become("stopped");
    else set("poll", { interval: pause() });
    probe();
  }

  // A server that is gone and one that answers with an error are different troubles. One that no
  // longer knows this browser gives a form to sign in instead of the page.
  async function probe() {
    try {
      const answer = await fetch(`${prefix()}api/v1/system/health`, { cache: "no-store", signal: AbortSignal.timeout(2000) });
      if (answer.status === 401) location.reload();
      refused = answer.ok ? "without readings" : `with an error (HTTP ${answer.status})`;
    } catch {
      refused = "";
    }
  }

  function say() {
    const place = document.getElementById("connection");
    if (!place) return;
    const age = now() - newest;
    const stale = Boolean(last) && age > SILENT_INTERVALS * Math.max(interval, mode === "polling" ? pollEvery : 0);
    let words = "Connecting";
    if (mode === "stopped" || failures > 0) words = "Offline";
    else if (stale) words = `No reading for ${Math.floor(age / 1000)} s`;
    else if (last) words = mode === "socket" ? `Live · ${seconds(interval)}` : `Polling · ${seconds(pollEvery)}`;
    place.dataset.mode = mode;
    place.dataset.stale = String(stale || failures > 0);
    window.writing.put(place.querySelector(".words"), words);
    if (last?.started) place.title = `Recording since ${new Date(last.started).toLocaleString()}`;
    document.body.dataset.stale = String(stale || mode === "stopped" || failures > 0);
    banner(trouble(stale, age));
  }

  function banner(found) {
    const place = document.getElementById("banner");
    place.hidden = !found;
    place.dataset.kind = found?.kind ?? "";
    document.getElementById("resume").hidden = mode !== "stopped";
    window.writing.put(place.querySelector(".kind"), found ? KINDS[found.kind] ?? "General" : "");
    window.writing.put(place.querySelector(".words"), found ? [found.text, found.advice].filter(Boolean).join(" ") : "");
  }

  function trouble(stale, age) {
    const kind = refused ? "api" : "connection";
    const who = refused ? `The server answers ${refused}` : "The server does not answer";
    if (mode === "stopped") return { kind, text: `${who}, five times in a row.`, advice: "Asking has stopped; resume when it is well." };
    if (failures > 0) return { kind, text: `${who}.`, advice: "Trying again with growing pauses." };
    if (stale && age > 5000) {
      return { kind: "recorder", text: `No reading for ${Math.floor(age / 1000)} s: the recorder is not running or cannot keep up.` };
    }
    if (broken) return { kind: "general", text: `This page has a fault: ${broken}.`, advice: "Load it again." };
    const [first, ...more] = last?.notices ?? [];
    if (!first || !more.length) return first ?? null;
    return { ...first, advice: [first.advice, `And ${more.length} more: ${more.map((one) => one.text).join(" ")}`].join(" ") };
  }

  function visibility() {
    present();
    if (document.hidden) set("poll", { disabled: true });
    else {
      newest = answered = now();
      become(mode === "stopped" ? "polling" : mode);
    }
  }

  // Where the page is served, such as "/".
  const prefix = () => JSON.parse(document.getElementById("_dash-config").textContent).requests_pathname_prefix;

  window.connection = {
    heard,
    prefix,
    pollEvery: (ms) => { pollEvery = ms; },
    mode: () => mode,
    present,
  };
  window.addEventListener("error", (event) => { if (event.error) broken = String(event.error.message ?? event.error); });
  document.addEventListener("visibilitychange", visibility);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#resume")) return;
    answered = now();
    become("polling");
  });
  setInterval(look, LOOK_EVERY);
})();
