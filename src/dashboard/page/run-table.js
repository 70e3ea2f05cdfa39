import { amount, count, duration, element, kind, size } from "./dom.js";
import { patch } from "./patch.js";

/** @typedef {import("./campaign.js").Row} Row */
/** @typedef {import("./heat-map.js").CellChoice} CellChoice */

/** Number of rows per page, which a browser draws quickly. */
const PAGE_ROWS = 200;
const STATES = ["all", "running", "failed", "done", "queued", "cancelled", "limited"];
/** Interval at which the output of a running simulation is fetched. */
const OUTPUT_MS = 2000;

/** The table of runs, in pages. */
export class RunTable {
  /** @param {ReadonlyMap<number, Row>} rows @param {(run: number) => Promise<string>} output */
  constructor(rows, output) {
    this.rows = rows;
    this.output = output;
    this.page = 0;
    /** Number of the run whose output is shown. @type {number | undefined} */
    this.open = undefined;
    this.text = "";
    /** Identifies the latest request in progress. @type {symbol | undefined} */
    this.asking = undefined;
    /** @type {string[]} */
    this.variables = [];
    /** The selected cell of the heat map. @type {CellChoice | undefined} */
    this.cell = undefined;
    const states = STATES.map((state) => element("option", { value: state }, state));
    this.filter = /** @type {HTMLSelectElement} */ (element("select", { "aria-label": "state" }, ...states));
    this.filter.onchange = () => this.turn(-this.page);
    this.whole = element("button", { type: "button", onclick: () => this.narrow(undefined) });
    this.previous = element(
      "button",
      { type: "button", "aria-label": "previous page", onclick: () => this.turn(-1) },
      "‹",
    );
    this.next = element(
      "button",
      { type: "button", "aria-label": "next page", onclick: () => this.turn(1) },
      "›",
    );
    this.place = element("span", { class: "quiet" });
    this.head = element("thead");
    this.body = element("tbody");
    this.body.onclick = ({ target }) => this.clicked(/** @type {Element} */ (target));
    const heading = element("h2", {}, "Runs");
    const pages = element("span", { class: "pages" }, this.previous, this.place, this.next);
    const bar = element("div", { class: "bar-line" }, heading, this.filter, this.whole, pages);
    const table = element("table", { class: "runs" }, this.head, this.body);
    this.section = element("section", {}, bar, element("div", { class: "scroll" }, table));
  }

  /** @param {string[]} variables */
  update(variables) {
    this.variables = variables;
    const columns = ["Run", "State", ...variables.map((name) => `$${name}`), "Repetition"];
    patch(
      this.head,
      element(
        "tr",
        {},
        ...columns.map((text) => element("th", {}, text)),
        element("th", { class: "number" }, "Time"),
        ...["CPU", "Memory", "Events/s"].map((text) => element("th", { class: "number minor" }, text)),
        element("th", {}, ""),
      ),
    );
    this.draw();
  }

  /** Moves by some pages. @param {number} by */
  turn(by) {
    this.page += by;
    this.draw();
  }

  /** Shows only the runs of one cell; all runs for undefined. @param {CellChoice | undefined} cell */
  narrow(cell) {
    this.cell = cell;
    this.turn(-this.page);
    if (cell !== undefined) this.section.scrollIntoView({ block: "nearest" });
  }

  draw() {
    const wanted = this.filter.value;
    const matching = [...this.rows.values()]
      .filter(({ state }) => wanted === "all" || kind(state) === wanted)
      .filter((row) => this.cell?.has(row) ?? true)
      .sort((a, b) => a.runNumber - b.runNumber);
    const pages = Math.max(1, Math.ceil(matching.length / PAGE_ROWS));
    this.page = Math.min(this.page, pages - 1);
    const shown = matching.slice(this.page * PAGE_ROWS, (this.page + 1) * PAGE_ROWS);
    const page = pages > 1 ? `, page ${this.page + 1} of ${pages}` : "";
    this.place.textContent = `${count(matching.length)} ${matching.length === 1 ? "run" : "runs"}${page}`;
    this.previous.toggleAttribute("disabled", this.page === 0);
    this.next.toggleAttribute("disabled", this.page >= pages - 1);
    for (const button of [this.previous, this.next]) button.toggleAttribute("hidden", pages === 1);
    this.whole.textContent = `${this.cell?.text ?? ""} ×`;
    this.whole.toggleAttribute("hidden", this.cell === undefined);
    const atEnd = isAtEnd(this.body.querySelector("pre"));
    patch(this.body, ...shown.flatMap((row) => this.lines(row)));
    const output = this.body.querySelector("pre");
    if (output && atEnd) output.scrollTop = output.scrollHeight;
  }

  /** Returns the lines of a run: its values, and below them its error and output. @param {Row} row */
  lines(row) {
    const { runNumber, state, values, repetition, percent, wallTimeMs, startedAt } = row;
    const time =
      wallTimeMs ?? (state === "running" && startedAt !== null ? Date.now() - startedAt : undefined);
    const stateText = state === "running" && percent !== null ? `running, ${Math.round(percent)} %` : state;
    const open = this.open === runNumber;
    const more = [duration(row.cpuTimeMs), size(row.memoryBytes), amount(row.eventsPerSecond)];
    const button = element(
      "button",
      { type: "button", "aria-expanded": String(open) },
      open ? "Hide output" : "Show output",
    );
    const line = element(
      "tr",
      { "data-run": runNumber, "data-key": `run ${runNumber}` },
      element("td", {}, `#${runNumber}`),
      element("td", {}, element("span", { class: `state is-${kind(state)}` }, stateText)),
      ...this.variables.map((_, index) => element("td", {}, values[index] ?? "")),
      element("td", {}, String(repetition)),
      element("td", { class: "number" }, duration(time)),
      ...more.map((text) => element("td", { class: "number minor" }, text)),
      element("td", { class: "last" }, state === "queued" ? "" : button),
    );
    const below = [];
    if (row.supersededBy)
      below.push(element("div", { class: "minor" }, `superseded by campaign ${row.supersededBy}`));
    if (row.error) below.push(element("div", { class: "error" }, row.error));
    if (open) below.push(element("pre", { tabindex: 0 }, this.text));
    if (below.length === 0) return [line];
    const columns = this.variables.length + 8;
    return [
      line,
      element("tr", { "data-key": `more ${runNumber}` }, element("td", { colspan: columns }, ...below)),
    ];
  }

  /** @param {Element} target */
  clicked(target) {
    const line = /** @type {HTMLElement | null} */ (target.closest("button")?.closest("tr"));
    const run = Number(line?.dataset["run"]);
    if (Number.isNaN(run)) return;
    this.open = this.open === run ? undefined : run;
    this.text = "…";
    this.draw();
    if (this.open !== undefined) void this.showOutput(run);
  }

  /**
   * Shows the output of a run and follows it until the run has ended or another output is shown.
   * @param {number} run
   */
  async showOutput(run) {
    const request = (this.asking = Symbol());
    for (let isRunning = true; isRunning;) {
      isRunning = this.rows.get(run)?.state === "running";
      const text = await this.output(run).catch(messageOf);
      if (this.asking !== request || this.open !== run) return;
      this.text = text;
      this.draw();
      if (isRunning) await new Promise((resolve) => setTimeout(resolve, OUTPUT_MS));
    }
  }
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Returns whether the output is scrolled to its end, so that new text should stay visible.
 * @param {Element | null} place
 */
function isAtEnd(place) {
  return place === null || place.scrollTop + place.clientHeight >= place.scrollHeight - 4;
}
