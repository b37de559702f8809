// What a person chose: GPU, theme, pace. Kept in this browser.
window.dash_clientside = window.dash_clientside || {};

(() => {
  let chosen = null;

  function apply() {
    if (!chosen) return;
    for (const part of document.querySelectorAll('[data-follows="gpu"]')) part.dataset.device = chosen;
    for (const card of document.querySelectorAll("[data-gpu-card]")) card.hidden = card.dataset.gpuCard !== chosen;
    for (const cell of document.querySelectorAll("[data-choose-gpu]")) {
      const pressed = cell.dataset.chooseGpu === chosen;
      cell.setAttribute("aria-pressed", String(pressed));
      if (pressed) {
        document.getElementById("gpu-column").style.setProperty("--gpu", cell.style.getPropertyValue("--accent"));
      }
    }
  }

  function gpu(value, options, layout, stored) {
    const known = (options ?? []).map((option) => option.value);
    const triggered = window.dash_clientside.callback_context.triggered.map((input) => input.prop_id);
    const byHand = chosen !== null && triggered.includes("gpu-select.value");
    const wanted = !byHand && known.includes(stored) ? stored : value;
    chosen = known.includes(wanted) ? wanted : known[0] ?? null;
    if (chosen && chosen !== value) window.dash_clientside.set_props("gpu-select", { value: chosen });
    apply();
    window.live.paint();
    return chosen ?? stored ?? null;
  }

  function theme(clicks, stored) {
    const next = clicks ? (stored === "light" ? "dark" : "light") : stored ?? "dark";
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
    if (cell) window.dash_clientside.set_props("gpu-select", { value: cell.dataset.chooseGpu });
  });
  window.choices = { apply };
  window.dash_clientside.choices = { gpu, theme, pollSeconds };
})();
