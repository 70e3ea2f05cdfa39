/**
 * Creates an element. Strings in its content become text, never HTML.
 * @param {string} tag
 * @param {Record<string, string | number | boolean | undefined | (() => void)>} [properties] attributes, and
 *   functions as event listeners (`onclick`)
 * @param {(Node | string | undefined)[]} content
 */
export function element(tag, properties = {}, ...content) {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") created.addEventListener(name.slice(2), value);
    else if (value === true) created.setAttribute(name, "");
    else if (value !== undefined && value !== false) created.setAttribute(name, String(value));
  }
  created.append(...content.filter((each) => each !== undefined));
  return created;
}

/** Returns a duration with its unit. @param {number | null | undefined} ms */
export function duration(ms) {
  if (ms === undefined || ms === null) return "";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} d`;
}

/** Returns an estimated duration: rounded up to whole seconds. @param {number} ms */
export function estimate(ms) {
  return ms < 60_000 ? `${Math.max(1, Math.ceil(ms / 1000))} s` : duration(ms);
}

/** @param {number | null | undefined} bytes */
export function size(bytes) {
  if (bytes === undefined || bytes === null) return "";
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** Returns a value with about four significant digits. @param {number | null | undefined} value */
export function amount(value) {
  if (value === undefined || value === null) return "";
  if (value !== 0 && (Math.abs(value) < 0.001 || Math.abs(value) >= 1e12)) return value.toExponential(2);
  if (Math.abs(value) >= 1e6) return compact.format(value);
  return Number(value.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 4 });
}

/** Returns an integer with all digits, in groups. @param {number} number */
export function count(number) {
  return number.toLocaleString("en");
}

/** Returns the state by which a state is coloured and filtered. @param {string} state */
export function kind(state) {
  if (["failed", "crashed", "out-of-memory", "timeout", "lost"].includes(state)) return "failed";
  return state;
}

/** The order of states in a bar. */
const ORDER = ["done", "limited", "failed", "cancelled", "running"];

/**
 * Returns a bar with a part for each kind of states, proportional to the number of runs.
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

/**
 * Returns the number of runs in each state, in the colours of the bar.
 * @param {Record<string, number>} states
 */
export function stateCounts(states) {
  return inOrder(states).map(([state, runs]) =>
    element("span", { class: `state is-${kind(state)}` }, `${count(runs)} ${state}`),
  );
}

/** Returns the number of runs in each state as a text. @param {Record<string, number>} states */
export function statesText(states) {
  return inOrder(states)
    .map(([state, runs]) => `${count(runs)} ${state}`)
    .join(", ");
}

/** @param {Record<string, number>} states */
function inOrder(states) {
  const rank = (/** @type {string} */ state) => ORDER.indexOf(kind(state)) + 1 || ORDER.length + 1;
  return Object.entries(states).sort(([a], [b]) => rank(a) - rank(b));
}
