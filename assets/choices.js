// What a person chose: GPU, one or all, theme, pace. Kept in this browser; the first two are in the
// address as well, which wins where it names them.
window.dash_clientside = window.dash_clientside || {};

(() => {
  const MODES = ["single", "compare"];
  const set = (id, props) => window.dash_clientside.set_props(id, props);

  let known = { gpus: [], compares: false }; // [[UUID, name in addresses], …]
  let chosen = null; // the UUID of the GPU in view
  let mode = "single";
  let begun = false;
  let asked = fromAddress(); // what the address says, until a person chooses otherwise

  // An address that names GPUs of the charts is older than the toggle: it compares them.
  function fromAddress() {
    const address = new URLSearchParams(location.search);
    const implied = address.has("gpus") ? "compare" : address.has("gpu") ? "single" : null;
    return { gpu: address.get("gpu"), mode: address.get("mode") ?? implied };
  }

  const named = (text) => known.gpus.find((pair) => pair.includes(text))?.[0];
  const nameOf = (device) => known.gpus.find(([one]) => one === device)?.[1] ?? "";

  // The address, or else what was chosen before, as far as it is there.
  function resolve(gpuBefore, modeBefore) {
    chosen = named(asked.gpu) ?? known.gpus.find(([device]) => device === gpuBefore)?.[0] ?? known.gpus[0]?.[0] ?? null;
    mode = !known.compares ? "single" : [asked.mode, modeBefore].find((one) => MODES.includes(one)) ?? "single";
  }

  function problems() {
    const found = [];
    if (!known.gpus.length) return found;
    if (asked.gpu && !named(asked.gpu)) found.push(`There is no GPU ${asked.gpu.slice(0, 80)}; there are: ${known.gpus.map(([, name]) => name).join(", ")}.`);
    if (asked.mode && !MODES.includes(asked.mode)) found.push(`There is no mode '${asked.mode.slice(0, 40)}'; there are: ${MODES.join(", ")}.`);
    if (asked.mode === "compare" && !known.compares) found.push("There is one GPU, so there is nothing to compare.");
    if (window.compare.problem()) found.push(window.compare.problem());
    return found;
  }

  // What an address says of it. A slip stays there, as what is told of it does.
  function written() {
    return {
      gpu: known.gpus.length < 2 ? "" : asked.gpu && !named(asked.gpu) ? asked.gpu : nameOf(chosen),
      mode: asked.mode && !MODES.includes(asked.mode) ? asked.mode : mode === "compare" ? mode : "",
    };
  }

  function apply() {
    document.documentElement.dataset.mode = mode;
    for (const cell of document.querySelectorAll("[data-choose-gpu]")) {
      cell.setAttribute("aria-pressed", String(mode === "single" && cell.dataset.chooseGpu === chosen));
      if (cell.dataset.chooseGpu === chosen) {
        document.getElementById("gpu-column").style.setProperty("--gpu", cell.style.getPropertyValue("--accent"));
      }
    }
    window.cells.follow();
    if (!chosen) return;
    for (const part of document.querySelectorAll('[data-follows="gpu"]')) part.dataset.device = chosen;
    for (const card of document.querySelectorAll("[data-gpu-card]")) card.hidden = card.dataset.gpuCard !== chosen;
  }

  function tell() {
    const notice = document.getElementById("choice-notice");
    notice.textContent = problems().join(" ");
    notice.hidden = !notice.textContent;
  }

  // Everything that shows the choice; `push` is what window.trends.choose takes.
  function show(push) {
    tell();
    set("gpu-select", { value: chosen });
    set("mode-toggle", { value: mode });
    if (document.documentElement.dataset.mode !== mode || push === false) window.connection.present();
    apply();
    window.live.paint();
    window.trends.choose(push);
  }

  // Also called when `show` has set the controls: then there is nothing new.
  function choose(value, toggled, there, gpuBefore, modeBefore) {
    const by = window.dash_clientside.callback_context.triggered.map((input) => input.prop_id);
    const first = !begun;
    if (first || by.includes("choice.data")) {
      begun = true;
      known = there ?? known;
      if (first) window.compare.read();
      resolve(chosen ?? gpuBefore, chosen ? mode : modeBefore);
      show(false);
    } else {
      pick(by.includes("gpu-select.value") ? value ?? null : chosen, by.includes("mode-toggle.value") ? toggled : mode);
    }
    if (!known.gpus.length) return [gpuBefore ?? null, modeBefore ?? null];
    return [chosen, mode];
  }

  // A person's choice.
  function pick(device, nextMode) {
    if (device === chosen && nextMode === mode) return;
    if (device !== chosen) asked.gpu = null;
    asked.mode = null;
    chosen = device;
    mode = nextMode;
    show(true);
  }

  // The address or the choice of before has been painted: only a click makes another one.
  function theme(clicks) {
    if (!clicks) return window.dash_clientside.no_update;
    const next = document.documentElement.dataset.bsTheme === "light" ? "dark" : "light";
    document.documentElement.dataset.bsTheme = next;
    window.live.paint();
    return next;
  }

  function pollSeconds(seconds) {
    const ms = 1000 * (seconds ?? 1);
    window.connection.pollEvery(ms);
    return ms;
  }

  document.addEventListener("click", (event) => {
    const cell = event.target.closest("[data-choose-gpu]");
    if (cell) pick(cell.dataset.chooseGpu, "single");
  });
  // The charts, whose address it is as well, ask after this.
  window.addEventListener("popstate", () => {
    asked = fromAddress();
    resolve(chosen, mode);
    show();
  });
  window.choices = { apply, pick, tell, written, mode: () => mode, gpu: () => nameOf(chosen) };
  window.dash_clientside.choices = { gpu: choose, theme, pollSeconds };
})();
