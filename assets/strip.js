// The status cells, where they are wider than the window: the chosen GPU's is brought into view, and
// the side on which there is more fades.
(() => {
  let seen = null; // the cell that was brought into view

  const strip = () => document.getElementById("strip");

  function follow() {
    const cell = strip()?.querySelector('[aria-pressed="true"]');
    if (cell && cell !== seen) {
      const place = strip().getBoundingClientRect(), box = cell.getBoundingClientRect();
      strip().scrollLeft += box.left + box.width / 2 - place.left - place.width / 2;
    }
    seen = cell ?? null;
    fade();
  }

  function fade() {
    const { scrollLeft, scrollWidth, clientWidth } = strip();
    const more = [scrollLeft > 1 && "before", scrollLeft + clientWidth < scrollWidth - 1 && "after"].filter(Boolean).join(" ");
    if (strip().dataset.more !== more) strip().dataset.more = more;
  }

  document.addEventListener("scroll", ({ target }) => { if (target === strip()) fade(); }, { capture: true, passive: true });
  window.addEventListener("resize", () => { if (strip()) { seen = null; follow(); } });
  window.cells = { follow };
})();
