import { ask, json } from "./api.js";
import { amount, element, stateBar } from "./dom.js";

/** @typedef {import("./campaign.js").Row} Row */

const STATE = "state";
/** While runs are made, the scalars of those that were collected meanwhile come in this often. */
const REFRESH_MS = 5000;

/** The runs over two of the iteration variables: their states, or the mean of a scalar. */
export class HeatMap {
  /** @param {ReadonlyMap<number, Row>} rows @param {string} path of the campaign */
  constructor(rows, path) {
    this.rows = rows;
    this.path = path;
    /** @type {string[]} */
    this.variables = [];
    /** Of the chosen scalar, by run. @type {Map<number, number>} */
    this.values = new Map();
    this.askedAt = 0;
    this.across = this.chooser("columns");
    this.down = this.chooser("rows");
    this.what = this.chooser("colour");
    this.what.append(element("option", { value: STATE }, STATE));
    this.place = element("div", { class: "scroll" });
    this.legend = element("span", { class: "quiet" });
    const bar = element(
      "div",
      { class: "bar-line" },
      element("h2", {}, "Heat map"),
      this.down,
      "×",
      this.across,
      "of",
      this.what,
      this.legend,
    );
    this.section = element("section", {}, bar, this.place);
  }

  /** @param {string} label */
  chooser(label) {
    const made = /** @type {HTMLSelectElement} */ (element("select", { "aria-label": label }));
    made.onchange = () => void this.refresh(true);
    return made;
  }

  /** @param {string[]} variables */
  update(variables) {
    if (variables.length !== this.variables.length) this.offer(variables);
    void this.refresh(false);
  }

  /** @param {string[]} variables */
  offer(variables) {
    this.variables = [...variables];
    [this.down, this.across].forEach((chooser, index) => {
      const names = [...variables.map((name) => `$${name}`), "repetition"];
      chooser.replaceChildren(...names.map((name, at) => element("option", { value: at }, name)));
      chooser.value = String(Math.min(index, names.length - 1));
    });
  }

  /** @param {boolean} anew even if it was asked just before */
  async refresh(anew) {
    if (anew) this.values = new Map();
    this.draw();
    if (!anew && Date.now() - this.askedAt < REFRESH_MS) return;
    this.askedAt = Date.now();
    try {
      if (this.what.options.length === 1) await this.offerScalars();
      const chosen = this.what.value;
      if (chosen === STATE) return;
      const answer = await ask(`${this.path}/scalars?name=${encodeURIComponent(chosen)}`);
      if (chosen === this.what.value)
        this.values = new Map(/** @type {[number, number][]} */ (await json(answer)));
      this.draw();
    } catch (error) {
      this.legend.textContent = /** @type {Error} */ (error).message;
    }
  }

  async offerScalars() {
    const names = /** @type {string[]} */ (await json(await ask(`${this.path}/scalars`)));
    this.what.append(...names.map((name) => element("option", { value: name }, name)));
  }

  draw() {
    const [down, across] = [Number(this.down.value), Number(this.across.value)];
    const cells = this.cells(down, across);
    const [lines, columns] = [this.valuesOf(down), this.valuesOf(across)];
    const one = down === across;
    const means = this.what.value === STATE ? undefined : range(cells);
    this.legend.textContent = means ? `mean, from ${amount(means.low)} to ${amount(means.high)}` : "";
    const heads = one ? [element("th", {}, "")] : columns.map((value) => element("th", {}, value));
    this.place.replaceChildren(
      element(
        "table",
        { class: "map" },
        element("tr", {}, element("th", {}, ""), ...heads),
        ...lines.map((line) =>
          element(
            "tr",
            {},
            element("th", {}, line),
            ...(one ? [line] : columns).map((column) => paint(cells.get(`${line}\0${column}`), means)),
          ),
        ),
      ),
    );
  }

  /** The one after the last variable is the repetition. @param {Row} row @param {number} variable */
  valueOf({ values, repetition }, variable) {
    return variable === this.variables.length ? String(repetition) : (values[variable] ?? "");
  }

  /** Numbers in their order, other values as they come. @param {number} variable */
  valuesOf(variable) {
    const values = [...new Set([...this.rows.values()].map((row) => this.valueOf(row, variable)))];
    return values.sort((a, b) => parseFloat(a) - parseFloat(b) || 0);
  }

  /** @param {number} down @param {number} across */
  cells(down, across) {
    /** @type {Map<string, Cell>} */
    const cells = new Map();
    for (const row of this.rows.values()) {
      const key = `${this.valueOf(row, down)}\0${this.valueOf(row, across)}`;
      const cell = cells.get(key) ?? { states: {}, sum: 0, count: 0 };
      cell.states[row.state] = (cell.states[row.state] ?? 0) + 1;
      const value = this.values.get(row.runNumber);
      if (value !== undefined) {
        cell.sum += value;
        cell.count++;
      }
      cells.set(key, cell);
    }
    return cells;
  }
}

/** @typedef {{ states: Record<string, number>, sum: number, count: number }} Cell */

/** @param {Cell | undefined} cell @param {{ low: number, high: number } | undefined} means */
function paint(cell, means) {
  if (cell === undefined) return element("td", { class: "none" });
  if (means === undefined) return element("td", { class: "states" }, stateBar(cell.states, "cell-bar"));
  if (cell.count === 0) return element("td", { class: "none", title: "not there yet" });
  const mean = cell.sum / cell.count;
  const td = element("td", { title: `mean of ${cell.count} runs` }, amount(mean));
  const { back, front } = colour(
    means.high > means.low ? (mean - means.low) / (means.high - means.low) : 0.5,
  );
  td.style.background = back;
  td.style.color = front;
  return td;
}

/** From dark blue to yellow, ever lighter: also told apart without seeing colours. @param {number} share */
function colour(share) {
  const lightness = 28 + 55 * share;
  const hue = 250 - 165 * share;
  return { back: `oklch(${lightness}% 0.12 ${hue})`, front: lightness > 58 ? "#111" : "#fff" };
}

/** @param {Map<string, Cell>} cells */
function range(cells) {
  const means = [...cells.values()].filter(({ count }) => count > 0).map(({ sum, count }) => sum / count);
  return means.length === 0 ? { low: 0, high: 0 } : { low: Math.min(...means), high: Math.max(...means) };
}
