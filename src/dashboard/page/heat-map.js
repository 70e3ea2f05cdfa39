import { ask, json } from "./api.js";
import { amount, element } from "./dom.js";
import { key, paint, range } from "./heat-cells.js";
import { patch } from "./patch.js";

/**
 * @typedef {import("./campaign.js").Row} Row
 * @typedef {import("./heat-cells.js").Cell} Cell
 * @typedef {{ text: string, has: (row: Row) => boolean }} CellChoice the runs of one cell
 */

const STATE = "state";
/** Interval at which the scalars of newly collected runs are fetched. */
const REFRESH_MS = 5000;
/** Number of values of a variable that are still readable in a map, and that a browser draws quickly. */
const MAX_VALUES = 100;
/** Number of names from which on the filter is shown. */
const MANY_NAMES = 20;

/** A table of runs by two iteration variables, with their states or the mean of a scalar in each cell. */
export class HeatMap {
  /**
   * @param {ReadonlyMap<number, Row>} rows @param {string} path the campaign's path in the API
   * @param {(cell: CellChoice) => void} choose called with the cell that the user clicks
   */
  constructor(rows, path, choose) {
    this.rows = rows;
    this.path = path;
    this.choose = choose;
    /** @type {string[]} */
    this.variables = [];
    /** Values of the selected scalar by run number. @type {Map<number, number>} */
    this.values = new Map();
    this.askedAt = 0;
    /** Identifies the latest request in progress. @type {symbol | undefined} */
    this.asking = undefined;
    this.across = this.chooser("columns");
    this.down = this.chooser("rows");
    this.what = this.chooser("colour");
    /** @type {string[]} */
    this.scalars = [];
    this.part = /** @type {HTMLInputElement} */ (
      element("input", {
        type: "search",
        placeholder: "filter scalars",
        "aria-label": "filter scalars",
        hidden: true,
      })
    );
    this.part.oninput = () => this.listScalars();
    this.listScalars();
    this.place = element("div", { class: "scroll map-place" });
    this.place.onclick = ({ target }) => this.clicked(/** @type {Element} */ (target));
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
      this.part,
      this.legend,
    );
    this.section = element("section", {}, bar, this.place);
  }

  /** @param {string} label */
  chooser(label) {
    const select = /** @type {HTMLSelectElement} */ (element("select", { "aria-label": label }));
    select.onchange = () => void this.refresh(true);
    return select;
  }

  /** @param {string[]} variables */
  update(variables) {
    if (variables.length !== this.variables.length) this.offer(variables);
    void this.refresh(false);
  }

  /** Lists the variables in both choosers. @param {string[]} variables */
  offer(variables) {
    this.variables = [...variables];
    [this.down, this.across].forEach((chooser, index) => {
      const names = [...variables.map((name) => `$${name}`), "repetition"];
      chooser.replaceChildren(...names.map((name, at) => element("option", { value: at }, name)));
      chooser.value = String(Math.min(index, names.length - 1));
    });
  }

  /** Draws the map and fetches values. @param {boolean} immediately even if REFRESH_MS have not passed */
  async refresh(immediately) {
    if (immediately) this.values = new Map();
    this.draw();
    if (!immediately && (this.asking !== undefined || Date.now() - this.askedAt < REFRESH_MS)) return;
    const request = (this.asking = Symbol());
    this.askedAt = Date.now();
    try {
      if (this.scalars.length === 0) await this.askScalars();
      const values = await this.askValues(this.what.value);
      if (this.asking !== request) return;
      this.values = values;
      this.draw();
    } catch (error) {
      this.legend.textContent = /** @type {Error} */ (error).message;
    } finally {
      if (this.asking === request) this.asking = undefined;
    }
  }

  /** @param {string} scalar @returns {Promise<Map<number, number>>} */
  async askValues(scalar) {
    if (scalar === STATE) return new Map();
    const answer = await ask(`${this.path}/scalars?name=${encodeURIComponent(scalar)}`);
    return new Map(/** @type {[number, number][]} */ (await json(answer)));
  }

  async askScalars() {
    this.scalars = /** @type {string[]} */ (await json(await ask(`${this.path}/scalars`)));
    this.part.toggleAttribute("hidden", this.scalars.length < MANY_NAMES);
    this.listScalars();
  }

  /** Lists the scalars that match the filter, and the selected one. */
  listScalars() {
    const chosen = this.what.value || STATE;
    const part = this.part.value.toLowerCase();
    const names = this.scalars.filter((name) => name === chosen || name.toLowerCase().includes(part));
    const options = [STATE, ...names].map((name) => element("option", { value: name }, name));
    this.what.replaceChildren(...options);
    this.what.value = chosen;
  }

  draw() {
    const [down, across] = [Number(this.down.value), Number(this.across.value)];
    const cells = this.cells(down, across);
    const [lines, columns] = [this.valuesOf(down), down === across ? [""] : this.valuesOf(across)];
    const means = this.what.value === STATE ? undefined : range(cells);
    const truncated = Math.max(lines.length, columns.length) > MAX_VALUES;
    this.legend.textContent = [
      means && `mean, from ${amount(means.low)} to ${amount(means.high)}`,
      truncated && `only the first ${MAX_VALUES} values of each variable`,
    ]
      .filter(Boolean)
      .join("; ");
    const shown = columns.slice(0, MAX_VALUES);
    const head = element("tr", {}, element("th", {}), ...shown.map((value) => element("th", {}, value)));
    const body = lines.slice(0, MAX_VALUES).map((line) => {
      const row = shown.map((column) =>
        paint(cells.get(key(line, column)), means, this.nameOf(down, line, across, column)),
      );
      return element("tr", {}, element("th", {}, line), ...row);
    });
    patch(this.place, element("table", { class: "map" }, element("tbody", {}, head, ...body)));
  }

  /**
   * Returns the variables of a cell with their values.
   * @param {number} down @param {string} line @param {number} across @param {string} column
   */
  nameOf(down, line, across, column) {
    const assignment = (/** @type {number} */ variable, /** @type {string} */ value) =>
      `${variable === this.variables.length ? "repetition" : `$${this.variables[variable] ?? ""}`}=${value}`;
    return down === across
      ? assignment(down, line)
      : `${assignment(down, line)}, ${assignment(across, column)}`;
  }

  /** @param {Element} target */
  clicked(target) {
    const cell = /** @type {HTMLTableCellElement | null} */ (target.closest("button")?.closest("td"));
    const line = /** @type {HTMLTableRowElement | null} */ (cell?.closest("tr"));
    if (!cell || !line) return;
    const [down, across] = [Number(this.down.value), Number(this.across.value)];
    const wanted = this.valuesOf(down)[line.rowIndex - 1] ?? "";
    const column = down === across ? "" : (this.valuesOf(across)[cell.cellIndex - 1] ?? "");
    this.choose({
      text: this.nameOf(down, wanted, across, column),
      has: (row) => this.keyOf(row, down, across) === key(wanted, column),
    });
  }

  /** Returns the key of the cell of a run. @param {Row} row @param {number} down @param {number} across */
  keyOf(row, down, across) {
    return key(this.valueOf(row, down), down === across ? "" : this.valueOf(row, across));
  }

  /**
   * Returns the value of a variable; the index after the last variable is the repetition.
   * @param {Row} row
   * @param {number} variable
   */
  valueOf({ values, repetition }, variable) {
    return variable === this.variables.length ? String(repetition) : (values[variable] ?? "");
  }

  /**
   * Returns the values of a variable: numbers sorted, other values in the order of the runs.
   * @param {number} variable
   */
  valuesOf(variable) {
    const values = [...new Set([...this.rows.values()].map((row) => this.valueOf(row, variable)))];
    return values.sort((a, b) => parseFloat(a) - parseFloat(b) || 0);
  }

  /** @param {number} down @param {number} across */
  cells(down, across) {
    /** @type {Map<string, Cell>} */
    const cells = new Map();
    for (const row of this.rows.values()) {
      const key = this.keyOf(row, down, across);
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
