// Builds DOM nodes. Content only ever enters as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Creates an element.
 * @param {string} tag
 * @param {object} [props] attributes; `on` holds listeners, `data` the dataset; null and false
 *   are left out.
 * @param {...(Node|string|null|Array)} children strings become text nodes.
 */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") {
      for (const [name, listener] of Object.entries(value)) node.addEventListener(name, listener);
    } else if (key === "data") {
      Object.assign(node.dataset, value);
    } else if (key === "value" || key === "checked" || key === "disabled" || key === "hidden") {
      node[key] = value;
    } else {
      node.setAttribute(key, value === true ? "" : String(value));
    }
  }
  append(node, children);
  return node;
}

/** Appends nodes and strings, flattening arrays and skipping what is empty. */
export function append(parent, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    parent.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return parent;
}

/** Replaces everything in `parent`. */
export function fill(parent, ...children) {
  parent.replaceChildren();
  return append(parent, children);
}

/** One glyph of the sprite; silent for screen readers, since the control around it has a name. */
export function icon(name, extra = "") {
  return sprite("/static/icons.svg", name, `icon ${extra}`.trim());
}

/** A `<use>` of a sprite on this host. */
export function sprite(file, name, className) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${file}#${name}`);
  svg.append(use);
  return svg;
}

let counter = 0;

/** An id no other node of the page has. */
export function uniqueId(prefix = "n") {
  counter += 1;
  return `${prefix}-${counter}`;
}
