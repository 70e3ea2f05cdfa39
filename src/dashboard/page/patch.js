/**
 * Makes the content of a place like this, but keeps the nodes that are there: what somebody is clicking, has
 * selected, scrolled or given the focus stays as it is on a live page. Elements with `data-key` are known by it.
 * Listeners are not taken over, so they belong to the place.
 * @param {Element} place @param {Node[]} wanted
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
  // the policy allows styles that scripts set, but not as an attribute
  if (known.style.cssText !== node.style.cssText) known.style.cssText = node.style.cssText;
  patch(known, ...node.childNodes);
}
