/**
 * An element; texts are never read as HTML.
 * @param {string} tag
 * @param {Record<string, string | number | boolean | undefined | (() => void)>} [properties] `class`, `data-…` and the like as attributes, `onclick` and the like as they are
 * @param {(Node | string | undefined)[]} content
 */
export function element(tag, properties = {}, ...content) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== undefined && value !== false) made.setAttribute(name, String(value));
  }
  made.append(...content.filter((each) => each !== undefined));
  return made;
}

/** @param {number | null | undefined} ms */
export function duration(ms) {
  if (ms === undefined || ms === null) return "";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} d`;
}

/** A duration that is guessed: no finer than it can be. @param {number} ms */
export function estimate(ms) {
  return ms < 60_000 ? `${Math.max(1, Math.ceil(ms / 1000))} s` : duration(ms);
}

/** @param {number | null | undefined} bytes */
export function size(bytes) {
  if (bytes === undefined || bytes === null) return "";
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** @param {number | null | undefined} value */
export function amount(value) {
  if (value === undefined || value === null) return "";
  if (value !== 0 && (Math.abs(value) < 0.001 || Math.abs(value) >= 1e12)) return value.toExponential(2);
  if (Math.abs(value) >= 1e6) return compact.format(value);
  return Number(value.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 4 });
}

/** A number of things, with every digit. @param {number} things */
export function count(things) {
  return things.toLocaleString("en");
}

/** What states have in common to the eye. @param {string} state */
export function kind(state) {
  if (["failed", "crashed", "out-of-memory", "timeout", "lost"].includes(state)) return "failed";
  return state;
}

/** States in the order in which a bar shows them. */
const ORDER = ["done", "limited", "failed", "cancelled", "running"];

/**
 * How many of each kind, as a bar.
 * @param {Record<string, number>} states @param {string} [style]
 */
export function stateBar(states, style = "bar") {
  const all = Object.values(states).reduce((sum, runs) => sum + runs, 0);
  /** @type {Record<string, number>} */
  const kinds = {};
  for (const [state, runs] of Object.entries(states)) kinds[kind(state)] = (kinds[kind(state)] ?? 0) + runs;
  const bar = element("div", { class: style });
  for (const each of ORDER) {
    if (!kinds[each]) continue;
    const part = element("i", { class: `is-${each}` });
    part.style.width = `${(100 * kinds[each]) / all}%`;
    bar.append(part);
  }
  return bar;
}

/** How many runs are in each state, with the colours of the bar. @param {Record<string, number>} states */
export function stateCounts(states) {
  return inOrder(states).map(([state, runs]) =>
    element("span", { class: `state is-${kind(state)}` }, `${count(runs)} ${state}`),
  );
}

/** @param {Record<string, number>} states */
export function statesText(states) {
  return inOrder(states)
    .map(([state, runs]) => `${count(runs)} ${state}`)
    .join(", ");
}

/** @param {Record<string, number>} states */
function inOrder(states) {
  const place = (/** @type {string} */ state) => ORDER.indexOf(kind(state)) + 1 || ORDER.length + 1;
  return Object.entries(states).sort(([a], [b]) => place(a) - place(b));
}
