import { amount, element, stateBar, statesText } from "./dom.js";

/** @typedef {{ states: Record<string, number>, sum: number, count: number }} Cell what the runs of a cell have in all */

/** @param {string} line @param {string} column */
export function key(line, column) {
  return `${line}\0${column}`;
}

/** @param {Cell | undefined} cell @param {{ low: number, high: number } | undefined} means @param {string} name */
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

/** From dark blue to yellow, ever lighter: also told apart without seeing colours. @param {number} share */
function colour(share) {
  const lightness = 28 + 55 * share;
  const hue = 250 - 165 * share;
  return { back: `oklch(${lightness}% 0.12 ${hue})`, front: lightness > 58 ? "#111" : "#fff" };
}

/** @param {Map<string, Cell>} cells */
export function range(cells) {
  let [low, high] = [Infinity, -Infinity];
  for (const { sum, count } of cells.values()) {
    if (count === 0) continue;
    low = Math.min(low, sum / count);
    high = Math.max(high, sum / count);
  }
  return low > high ? { low: 0, high: 0 } : { low, high };
}
