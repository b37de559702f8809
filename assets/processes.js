// GPU processes: the grid's library is loaded after the readings; a process began in the viewer's own
// time; they are asked for where a snapshot says that there are others.
window.dashAgGridFunctions = window.dashAgGridFunctions || {};

(() => {
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const DAY = 86_400_000;
  const APART = 500; // ms over which pages spread what they ask for
  let asked = null; // what the snapshot said of them then
  const midnight = () => new Date().setHours(0, 0, 0, 0);

  const said = ({ data, colDef, value }) => data.text[colDef.field] ?? value ?? "–";

  // 09:14 today, Mon 08:02 in the last six days, 24 Nov before, with the year where it is another.
  function started(seconds) {
    if (seconds === null) return "–";
    const began = new Date(1000 * seconds);
    const clock = began.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    if (began >= midnight()) return clock;
    if (began >= midnight() - 6 * DAY) return `${began.toLocaleDateString("en-GB", { weekday: "short" })} ${clock}`;
    const year = began.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
    return began.toLocaleDateString("en-GB", { day: "numeric", month: "short", year });
  }

  const startedInFull = (seconds) => (seconds === null ? "Not reported" : new Date(1000 * seconds).toLocaleString());

  function load() {
    const library = document.createElement("script");
    library.src = `${window.connection.prefix()}_dash-component-suites/dash_ag_grid/dash_ag_grid.min.js`;
    library.addEventListener("load", () => { asked = window.live.snapshot().processes; ask(); });
    document.head.append(library);
  }

  const ask = () => set("process-wanted", { data: Date.now() });

  function paint({ processes }) {
    if (asked === null || asked === processes) return;
    asked = processes;
    setTimeout(ask, Math.random() * APART);
  }

  function awaitReadings() {
    if (!window.embed.wants("processes")) return;
    if (window.live?.snapshot() && document.getElementById("processes")) load();
    else setTimeout(awaitReadings, 50);
  }

  Object.assign(window.dashAgGridFunctions, { said, started, startedInFull });
  awaitReadings();
  window.processes = { paint };
})();
