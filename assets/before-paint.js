// Runs before the first paint, so that a person's theme does not flash the other one.
try {
  const theme = JSON.parse(localStorage.getItem("theme"));
  if (theme === "light") document.documentElement.dataset.bsTheme = "light";
} catch {
  // Storage is switched off: the dark theme stands.
}
