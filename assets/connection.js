// Which way readings come: the socket, or asking when the socket fails or falls silent.
(() => {
  const SILENT_INTERVALS = 3;
  const MOST_FAILURES = 5;
  const LONGEST_PAUSE = 30_000;
  const PRESENT_EVERY = 20_000;
  const LOOK_EVERY = 250;

  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const now = () => performance.now();

  let mode = "socket"; // "socket", "polling", "stopped"
  let newest = now(); // when a newer tick arrived
  let answered = now(); // when the server last answered
  let asked = 0; // when the page last asked, while polling
  let failures = 0;
  let presentAt = 0;
  let interval = 1000;
  let pollEvery = 1000;
  let last = null;
  let started = false;

  function heard(fresh, newer) {
    last = fresh.readings ? fresh : last;
    interval = 1000 * (last?.interval ?? 1);
    answered = now();
    failures = 0;
    if (newer) newest = now();
    if (fresh.via !== "poll" && newer && mode !== "socket") become("socket");
    started = true;
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
    set("present", { data: { visible: !document.hidden, at: Date.now() } });
  }

  function look() {
    if (!window.dash_clientside?.set_props || !document.getElementById("page")) return;
    if (now() - presentAt > PRESENT_EVERY && !document.hidden && mode !== "stopped") present();
    if (document.hidden) return;
    const patience = SILENT_INTERVALS * Math.max(interval, 500);
    if (mode === "socket" && now() - Math.max(newest, answered) > patience) become("polling");
    if (mode === "polling") {
      const pause = Math.min(LONGEST_PAUSE, pollEvery * 2 ** failures);
      if (answered < asked && now() - asked > pause + 1000) fail();
      else if (answered >= asked) asked = now();
    }
    say();
  }

  function fail() {
    failures += 1;
    asked = now();
    if (failures >= MOST_FAILURES) become("stopped");
    else set("poll", { interval: Math.min(LONGEST_PAUSE, pollEvery * 2 ** failures) });
  }

  function say() {
    const place = document.getElementById("connection");
    if (!place) return;
    const seconds = (ms) => `${Number((ms / 1000).toFixed(1))} s`;
    const age = now() - newest;
    const stale = age > SILENT_INTERVALS * Math.max(interval, pollEvery);
    let words = "Connecting";
    if (mode === "stopped" || failures > 0) words = "Offline";
    else if (started && stale) words = `No reading for ${Math.floor(age / 1000)} s`;
    else if (started) words = mode === "socket" ? `Live · ${seconds(interval)}` : `Polling · ${seconds(pollEvery)}`;
    place.dataset.mode = mode;
    place.dataset.stale = String(stale || failures > 0);
    const text = place.querySelector(".words");
    if (text.textContent !== words) text.textContent = words;
    banner(stale, age);
  }

  function banner(stale, age) {
    const place = document.getElementById("banner");
    const found = trouble(stale, age);
    place.hidden = !found;
    place.dataset.kind = found ? found.kind : "";
    document.getElementById("resume").hidden = mode !== "stopped";
    const text = found ? `${found.text}${found.advice ? ` ${found.advice}` : ""}` : "";
    const words = place.querySelector(".words");
    if (words.textContent !== text) words.textContent = text;
  }

  function trouble(stale, age) {
    if (mode === "stopped") {
      return { kind: "connection", text: "The server has not answered five times in a row.", advice: "Start it again, then resume." };
    }
    if (failures > 0) {
      return { kind: "connection", text: "The server does not answer.", advice: "Trying again with growing pauses." };
    }
    if (started && stale && age > 5000) {
      return { kind: "recorder", text: `No reading for ${Math.floor(age / 1000)} s: the recorder is not running or cannot keep up.`, advice: "" };
    }
    return last?.notices?.[0] ?? null;
  }

  function visibility() {
    present();
    if (document.hidden) set("poll", { disabled: true });
    else { newest = answered = now(); become(mode === "stopped" ? "polling" : mode); }
  }

  window.connection = {
    heard,
    pollEvery: (ms) => { pollEvery = ms; },
    mode: () => mode,
  };
  document.addEventListener("visibilitychange", visibility);
  document.addEventListener("click", (event) => {
    if (event.target.closest("#resume")) { answered = now(); become("polling"); }
  });
  setInterval(look, LOOK_EVERY);
})();
