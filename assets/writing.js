// Writes a text where it has changed. The browser lays out anew what is touched, so that a text that
// is there already is altered, not replaced by another.
(() => {
  // Into an element, if there is one, that holds nothing but text.
  function put(element, text) {
    if (!element || element.textContent === text) return;
    const only = element.firstChild;
    if (only?.nodeType === Node.TEXT_NODE && !only.nextSibling) only.data = text;
    else element.textContent = text;
  }

  window.writing = { put };
})();
