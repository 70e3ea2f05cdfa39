import { amount, element, stateBar, statesText } from "./dom.js";

/**
 * @typedef {{ states: Record<string, number>, sum: number, count: number }} Cell totals of the runs of a
 *   cell: runs by state, sum of the scalar, and number of runs that have the scalar
 */

/** Returns the key of a cell. @param {string} line @param {string} column */
export function key(line, column) {
  return `${line}\0${column}`;
}

/**
 * Returns the table cell for some runs: a bar of their states, or the mean of a scalar in the colour of its
 * value.
 * @param {Cell | undefined} cell
 * @param {{ low: number, high: number } | undefined} means
 * @param {string} name
 */
export function paint(cell, means, name) {
  if (cell === undefined) return element("td", { class: "none" });
  const title = `${name}: ${statesText(cell.states)}`;
  const button = element("button", { type: "button", title, "aria-label": title });
  if (means === undefined) button.append(stateBar(cell.states, "cell-bar"));
  else if (cell.count === 0) button.className = "none";
  else {
    const mean = cell.sum / cell.count;
    button.append(amount(mean));
    button.title = `${name}: mean of ${cell.count} ${cell.count === 1 ? "run" : "runs"}`;
    button.setAttribute("aria-label", `${button.title}: ${amount(mean)}`);
    const share = means.high > means.low ? (mean - means.low) / (means.high - means.low) : 0.5;
    const { back, front } = colour(share);
    button.style.background = back;
    button.style.color = front;
  }
  return element("td", {}, button);
}

/**
 * Returns a colour from dark blue to light yellow, distinguishable by lightness alone.
 * @param {number} share 0 to 1
 */
function colour(share) {
  const lightness = 28 + 55 * share;
  const hue = 250 - 165 * share;
  return { back: `oklch(${lightness}% 0.12 ${hue})`, front: lightness > 58 ? "#111" : "#fff" };
}

/** Returns the lowest and the highest mean. @param {Map<string, Cell>} cells */
export function range(cells) {
  let [low, high] = [Infinity, -Infinity];
  for (const { sum, count } of cells.values()) {
    if (count === 0) continue;
    low = Math.min(low, sum / count);
    high = Math.max(high, sum / count);
  }
  return low > high ? { low: 0, high: 0 } : { low, high };
}
