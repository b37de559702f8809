// One panel alone, for a frame in another page: /embed?panel=power&gpu=0. All else stays unseen, and
// what such a panel does not show is not asked for.
(() => {
  const card = (metric) => `.panel[data-metric="${metric}"]`;
  const ofGpu = (selector) => `${selector}, .panel.no-gpu`;
  const PANELS = {
    strip: "#strip",
    answers: ".answers",
    cpu: card("host.cpu_percent"),
    ram: card("host.memory_used_bytes"),
    swap: card("host.swap_used_bytes"),
    disks: ".panel.disks",
    "disk-io": card("host.disk_io_bytes_per_second"),
    gpu: ofGpu(card("gpu.utilization_percent")),
    "gpu-memory": ofGpu(card("gpu.memory_used_bytes")),
    temperature: ofGpu(card("gpu.temperature_celsius")),
    power: ofGpu(card("gpu.power_watts")),
    device: ofGpu(".panel.device:not([hidden])"),
    compare: "#compare",
    hardware: "#hardware",
    processes: "#processes",
    health: "#health",
    history: "#trends",
  };
  const CHART = /^history-([\w-]+)$/;
  const chart = (name) => `.trend-card[data-chart="${name}"]`;

  const { embed: panel } = document.documentElement.dataset;
  const embeds = panel !== undefined;
  const selector = PANELS[panel] ?? (CHART.test(panel) ? chart(CHART.exec(panel)[1]) : "");

  // Whether this page shows it: "processes", "history" (also behind the health of GPUs), "charts".
  function wants(part) {
    if (!embeds) return true;
    const history = panel === "history" || CHART.test(panel);
    return { processes: panel === "processes", charts: history, history: history || panel === "health" }[part];
  }

  function mark() {
    const found = selector ? document.querySelector(selector) : null;
    if (found?.classList.contains("embedded")) return;
    for (const one of document.querySelectorAll(".embedded, .embeds")) one.classList.remove("embedded", "embeds");
    found?.classList.add("embedded");
    for (const shown of [found, document.getElementById("choice-notice")]) {
      for (let above = shown?.parentElement; above && above.id !== "page"; above = above.parentElement) above.classList.add("embeds");
    }
    const unknown = !(panel in PANELS) && !found && document.querySelector(".trend-card");
    if (unknown && !document.querySelector(".embed-unknown")) tell();
  }

  function tell() {
    const charts = [...document.querySelectorAll(".trend-card")].map((one) => `history-${one.dataset.chart}`);
    const words = document.createElement("p");
    words.className = "embed-unknown";
    words.role = "alert";
    words.textContent = `${panel ? `There is no panel '${panel.slice(0, 40)}'` : "No panel is named"}; there are: ${[...Object.keys(PANELS), ...charts].join(", ")}.`;
    document.body.append(words);
  }

  window.embed = { wants, alone: embeds };
  if (embeds) new MutationObserver(mark).observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ["hidden"] });
})();
