// Runs before the first paint, so that theme and mode of the address, or else those that a person
// chose, do not flash the other ones.
(() => {
  const address = new URLSearchParams(location.search);
  const embeds = location.pathname.endsWith("/embed");
  if (embeds) embed(address.get("panel") ?? "");
  const asked = address.get("theme");
  const known = asked === "light" || asked === "dark";
  let theme = asked;
  let mode = address.get("mode") ?? (address.has("gpus") ? "compare" : address.has("gpu") ? "single" : null);
  try {
    // Where the page's store of it looks, too. An address is for this look only.
    if (!known) theme = JSON.parse(localStorage.getItem("theme"));
    mode ??= JSON.parse(localStorage.getItem("mode"));
  } catch {
    // Storage is switched off: the dark theme stands, but for an address that names one.
  }
  document.documentElement.dataset.mode = mode === "compare" ? mode : "single";
  if (theme === "light") document.documentElement.dataset.bsTheme = "light";

  // assets/embed.js shows this panel alone, which needs the mode and the chart that it is of.
  function embed(panel) {
    document.documentElement.dataset.embed = panel;
    address.set("mode", panel === "compare" ? "compare" : "single");
    const chart = /^history-([\w-]+)$/.exec(panel);
    if (chart) address.set("charts", chart[1]);
    history.replaceState(null, "", `${location.pathname}?${address}`);
  }
})();
