// A process of the grid is signalled: only after a question that names it, and by those who may.
window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {};

(() => {
  const api = (path) => `${window.connection.prefix()}api/v1/system/${path}`;
  const dialog = () => document.getElementById("process-dialog");
  const part = (selector) => dialog().querySelector(selector);
  let row = null; // of the grid, as it was when it was asked about

  // The button at the end of a row; none where nobody here can signal the process.
  function act({ data }) {
    if (data.state !== "visible" || data.started === null) return null;
    const label = `Signal process ${data.pid} (${data.name})`;
    return window.React.createElement(
      "button",
      { className: "process-act", type: "button", title: "Pause, resume or end it", "aria-label": label, onClick: () => ask(data) },
      window.React.createElement("i", { className: "bi bi-three-dots", "aria-hidden": "true" }),
    );
  }

  function ask(data) {
    row = data;
    part("h3").textContent = `${data.name} · PID ${data.pid}`;
    const facts = { user: data.user, gpu: data.text.gpu, started: window.dashAgGridFunctions.startedInFull(data.started), command: data.command };
    for (const [name, value] of Object.entries(facts)) {
      part(`[data-fact="${name}"]`).textContent = value ?? "–";
      part(`[data-fact="${name}"]`).title = value ?? "";
    }
    part(".process-dialog-answer").textContent = "";
    choose(part("[data-action]"));
    dialog().showModal();
  }

  const chosen = () => part('[data-action][aria-checked="true"]');

  function choose(button) {
    for (const other of dialog().querySelectorAll("[data-action]")) {
      other.setAttribute("aria-checked", String(other === button));
      other.tabIndex = other === button ? 0 : -1;
      other.classList.toggle("chosen", other === button);
    }
    part(".process-dialog-means").textContent = `${button.dataset.signal}: ${button.dataset.means}`;
    const confirm = part("[data-confirm]");
    confirm.textContent = `${button.textContent} ${row.name} (${row.pid})`;
    confirm.dataset.confirm = button.dataset.action;
    confirm.disabled = false;
  }

  async function confirm() {
    part("[data-confirm]").disabled = true;
    part(".process-dialog-answer").dataset.state = "";
    const { pid, started } = row;
    const { action, signal } = chosen().dataset;
    let told = "The server does not answer.";
    let sent = false;
    try {
      const answer = await fetch(api(`gpu-processes/${pid}/signal`), {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ action, started }),
      });
      sent = answer.ok;
      told = sent ? `${signal} was sent to process ${pid}.` : (await answer.json()).detail;
    } catch { /* said below */ }
    part(".process-dialog-answer").textContent = told;
    part(".process-dialog-answer").dataset.state = sent ? "ok" : "critical";
    part("[data-confirm]").disabled = sent;
  }

  // Arrow keys go from one action to the next, as in every group of radio buttons.
  function step(event) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const button = event.target.closest?.("#process-dialog [data-action]");
    if (!by || !button) return;
    const all = [...dialog().querySelectorAll("[data-action]")];
    const next = all[(all.indexOf(button) + by + all.length) % all.length];
    event.preventDefault();
    choose(next);
    next.focus();
  }

  function click(event) {
    if (!event.target.closest("#process-dialog")) return;
    const button = event.target.closest("button");
    if (event.target === dialog() || button?.dataset.close !== undefined) dialog().close();
    else if (button?.dataset.action) choose(button);
    else if (button?.dataset.confirm) confirm();
  }

  // The grid has the buttons only for those who may: the server is asked once.
  async function permit() {
    if (!document.getElementById("process-dialog")) { setTimeout(permit, 100); return; }
    const answer = await fetch(api("permissions"));
    if (answer.ok && (await answer.json()).signals) window.dash_clientside.set_props("process-signals", { data: true });
  }

  window.dashAgGridComponentFunctions.act = act;
  document.addEventListener("click", click);
  document.addEventListener("keydown", step);
  if (!window.embed.alone) permit().catch(() => undefined);
})();
