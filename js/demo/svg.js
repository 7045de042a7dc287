// js/demo/svg.js: elements of an SVG picture.

/** @param {Element} parent @param {string} name @param {Record<string, string | number>} [attributes] @param {string} [text] */
export function draw(parent, name, attributes = {}, text = '') {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const key in attributes) element.setAttribute(key, String(attributes[key]));
  element.textContent = text;
  return parent.appendChild(element);
}
