// Runs before the first paint, so that the theme of the address, or else the one that a person
// chose, does not flash the other one.
(() => {
  const asked = new URLSearchParams(location.search).get("theme");
  const known = asked === "light" || asked === "dark";
  let theme = asked;
  try {
    // Where the page's store of it looks, too.
    if (known) localStorage.setItem("theme", JSON.stringify(asked));
    else theme = JSON.parse(localStorage.getItem("theme"));
  } catch {
    // Storage is switched off: the dark theme stands, but for an address that names one.
  }
  if (theme === "light") document.documentElement.dataset.bsTheme = "light";
})();
