// Saves what is in view as a file, by way of the API.
(() => {
  const trends = window.trends;
  const { iso } = trends.words;

  async function save(table, format) {
    if (!trends.data) return;
    const columns = [...trends.charts.values()].filter((chart) => chart.card.dataset.table === table).flatMap((chart) => chart.lines.map((line) => line.column));
    if (!columns.length) { progress(`Not exported: no chart of the ${table === "gpu" ? "GPUs" : "machine"} is in view.`, 0); return; }
    const asked = new URLSearchParams({
      metrics: [...new Set(columns)].join(","), start: iso(trends.data.from), end: iso(trends.data.to), resolution: trends.data.tier, format,
    });
    if (table === "gpu") for (const gpu of trends.data.gpus) asked.append("gpu", gpu);
    const path = table === "gpu" ? "gpu-metrics/history" : "metrics/history";
    progress("Asking", null);
    try {
      const answer = await fetch(`${window.connection.prefix()}api/v1/system/${path}?${asked}`);
      if (!answer.ok) throw new Error((await answer.json()).detail);
      const expected = Number(answer.headers.get("Estimated-Length")) || null;
      const parts = [];
      let size = 0;
      for (const reader = answer.body.getReader(); ;) {
        const { done, value } = await reader.read();
        if (done) break;
        parts.push(value);
        size += value.length;
        progress(`${(size / 2 ** 20).toFixed(1)} MiB`, expected && Math.min(0.99, size / expected));
      }
      const name = /filename="?([^";]+)/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? `${table}-${iso(trends.data.from)}-${trends.data.tier}.${format}`;
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(parts, { type: answer.headers.get("Content-Type") }));
      link.download = name.replaceAll(":", "");
      link.click();
      URL.revokeObjectURL(link.href);
      progress(`Saved ${link.download}, ${(size / 2 ** 20).toFixed(1)} MiB`, 1);
    } catch (error) {
      progress(`Not exported: ${error.message}`, 0);
    }
  }

  function progress(words, share) {
    const place = document.querySelector(".trend-progress");
    if (!place) return;
    place.hidden = false;
    place.dataset.open = String(share === null);
    place.querySelector(".words").textContent = words;
    place.querySelector(".fill").style.width = `${100 * (share ?? 0.3)}%`;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-export]");
    if (button) save(button.dataset.export, button.dataset.format);
  });
})();
