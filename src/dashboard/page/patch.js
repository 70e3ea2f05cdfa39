/**
 * Changes the content of an element into the wanted nodes, but reuses existing nodes, so that focus,
 * selection and scroll position survive updates of a live page. Elements with a `data-key` are identified by
 * it. Event listeners of the wanted nodes are lost, so add them to the element itself.
 * @param {Element} place
 * @param {Node[]} wanted
 */
export function patch(place, ...wanted) {
  /** @type {Map<string, ChildNode>} */
  const keyed = new Map();
  for (const child of place.childNodes) {
    const key = keyOf(child);
    if (key !== undefined) keyed.set(key, child);
  }
  let next = place.firstChild;
  for (const node of wanted) {
    const key = keyOf(node);
    const known = key === undefined ? next : keyed.get(key);
    if (known && isAlike(known, node)) {
      if (known === next) next = next.nextSibling;
      else place.insertBefore(known, next);
      update(known, node);
    } else place.insertBefore(node, next);
  }
  while (next) {
    const rest = next.nextSibling;
    next.remove();
    next = rest;
  }
}

/** @param {Node} node */
function keyOf(node) {
  return node instanceof HTMLElement ? node.dataset["key"] : undefined;
}

/** @param {Node} known @param {Node} node */
function isAlike(known, node) {
  return known.nodeName === node.nodeName && keyOf(known) === keyOf(node);
}

/** @param {ChildNode} known @param {Node} node */
function update(known, node) {
  if (!(known instanceof HTMLElement && node instanceof HTMLElement)) {
    if (known.nodeValue !== node.nodeValue) known.nodeValue = node.nodeValue;
    return;
  }
  for (const { name, value } of node.attributes)
    if (name !== "style" && known.getAttribute(name) !== value) known.setAttribute(name, value);
  for (const name of known.getAttributeNames()) if (!node.hasAttribute(name)) known.removeAttribute(name);
  // the Content-Security-Policy forbids setting the style attribute, but not the style property
  if (known.style.cssText !== node.style.cssText) known.style.cssText = node.style.cssText;
  patch(known, ...node.childNodes);
}
