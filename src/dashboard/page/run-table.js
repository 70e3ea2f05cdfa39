import { amount, duration, element, kind, size } from "./dom.js";

/** @typedef {import("./campaign.js").Row} Row */

/** So many rows a browser draws without a pause. */
const PAGE = 200;
const STATES = ["all", "running", "failed", "done", "queued", "cancelled", "limited"];

/** The runs as a table, a page at a time. */
export class RunTable {
  /** @param {ReadonlyMap<number, Row>} rows @param {(run: number) => Promise<string>} output */
  constructor(rows, output) {
    this.rows = rows;
    this.output = output;
    this.page = 0;
    /** The run whose output is shown. @type {number | undefined} */
    this.open = undefined;
    this.text = "";
    /** @type {string[]} */
    this.variables = [];
    this.filter = /** @type {HTMLSelectElement} */ (
      element(
        "select",
        { "aria-label": "state" },
        ...STATES.map((state) => element("option", { value: state }, state)),
      )
    );
    this.filter.onchange = () => this.turn(-this.page);
    this.back = element("button", { type: "button", onclick: () => this.turn(-1) }, "‹");
    this.forth = element("button", { type: "button", onclick: () => this.turn(1) }, "›");
    this.place = element("span", { class: "quiet" });
    this.head = element("thead");
    this.body = element("tbody");
    const bar = element(
      "div",
      { class: "bar-line" },
      element("h2", {}, "Runs"),
      this.filter,
      this.back,
      this.place,
      this.forth,
    );
    const table = element(
      "div",
      { class: "scroll" },
      element("table", { class: "runs" }, this.head, this.body),
    );
    this.section = element("section", {}, bar, table);
  }

  /** @param {string[]} variables */
  update(variables) {
    this.variables = variables;
    const columns = ["Run", "State", ...variables.map((name) => `$${name}`), "rep."];
    const numbers = ["Time", "CPU", "Memory", "Events/s"];
    this.head.replaceChildren(
      element(
        "tr",
        {},
        ...columns.map((text) => element("th", {}, text)),
        ...numbers.map((text) => element("th", { class: "number" }, text)),
        element("th", {}, ""),
      ),
    );
    this.draw();
  }

  /** @param {number} by */
  turn(by) {
    this.page += by;
    this.draw();
  }

  draw() {
    const wanted = this.filter.value;
    const chosen = [...this.rows.values()]
      .filter(({ state }) => wanted === "all" || kind(state) === wanted)
      .sort((a, b) => a.runNumber - b.runNumber);
    const pages = Math.max(1, Math.ceil(chosen.length / PAGE));
    this.page = Math.min(this.page, pages - 1);
    const shown = chosen.slice(this.page * PAGE, (this.page + 1) * PAGE);
    this.place.textContent = `${chosen.length} runs, page ${this.page + 1} of ${pages}`;
    this.back.toggleAttribute("disabled", this.page === 0);
    this.forth.toggleAttribute("disabled", this.page >= pages - 1);
    this.body.replaceChildren(...shown.flatMap((row) => this.lines(row)));
  }

  /** @param {Row} row */
  lines(row) {
    const { runNumber, state, values, repetition, percent, wallTimeMs, startedAt } = row;
    const time =
      wallTimeMs ?? (state === "running" && startedAt !== null ? Date.now() - startedAt : undefined);
    const stateText = state === "running" && percent !== null ? `running, ${Math.round(percent)} %` : state;
    const open = this.open === runNumber;
    const columns = this.variables.length + 8;
    const line = element(
      "tr",
      { "data-run": runNumber },
      element("td", {}, `#${runNumber}`),
      element("td", {}, element("span", { class: `state is-${kind(state)}` }, stateText)),
      ...this.variables.map((_, index) => element("td", {}, values[index] ?? "")),
      element("td", {}, String(repetition)),
      ...[duration(time), duration(row.cpuTimeMs), size(row.memoryBytes), amount(row.eventsPerSecond)].map(
        (text) => element("td", { class: "number" }, text),
      ),
      element(
        "td",
        {},
        state === "queued"
          ? ""
          : element(
              "button",
              { type: "button", onclick: () => void this.toggle(runNumber) },
              open ? "hide" : "output",
            ),
      ),
    );
    const more = [];
    if (row.error) more.push(element("div", { class: "error" }, row.error));
    if (open) more.push(element("pre", {}, this.text));
    return more.length === 0
      ? [line]
      : [line, element("tr", {}, element("td", { colspan: columns }, ...more))];
  }

  /** @param {number} runNumber */
  async toggle(runNumber) {
    this.open = this.open === runNumber ? undefined : runNumber;
    this.text = "…";
    this.draw();
    if (this.open === undefined) return;
    try {
      this.text = await this.output(runNumber);
    } catch (error) {
      this.text = /** @type {Error} */ (error).message;
    }
    this.draw();
  }
}
