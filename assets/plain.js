// Makes the elements that a component carries in data-plain, as layouts/plain.py writes them:
// texts and [tag, attributes, children …]. An observer is called before anything is painted.
(() => {
  function made(part) {
    if (typeof part === "string") return part;
    const [tag, attributes, ...children] = part;
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "style") Object.entries(value).forEach(([property, to]) => element.style.setProperty(property, to));
      else element.setAttribute(name, value);
    }
    element.append(...children.map(made));
    return element;
  }

  function fill(element) {
    const told = element.dataset.plain;
    if (told === undefined) return;
    delete element.dataset.plain;
    element.replaceChildren(...JSON.parse(told).map(made));
  }

  new MutationObserver((changes) => {
    for (const { target, type, addedNodes } of changes) {
      if (type === "attributes") fill(target);
      for (const node of addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        fill(node);
        node.querySelectorAll("[data-plain]").forEach(fill);
      }
    }
  }).observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ["data-plain"] });
})();
