// Puts components into the page that nothing calls back to, as plain elements: Dash looks at each
// of its own whenever anything changes, and takes long to replace hundreds.
window.dash_clientside = window.dash_clientside || {};

(() => {
  function made(part) {
    if (typeof part !== "object") return String(part);
    const { children, className, ...attributes } = part.props;
    const element = document.createElement(part.type.toLowerCase());
    if (className) element.className = className;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...[children ?? []].flat().filter((child) => child !== null).map(made));
    return element;
  }

  function put(part, id) {
    if (part) document.getElementById(id).replaceChildren(made(part));
    return undefined;
  }

  window.dash_clientside.plain = { put };
})();
