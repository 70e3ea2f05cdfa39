import { ask, change, follow, hasToken } from "./api.js";
import { count, element, estimate, stateBar, stateCounts } from "./dom.js";
import { HeatMap } from "./heat-map.js";
import { rate } from "./overview.js";
import { patch } from "./patch.js";
import { RunTable } from "./run-table.js";

/**
 * @typedef {object} Row a run
 * @property {number} runNumber @property {string} state @property {string[]} values
 * @property {number} repetition @property {number | null} startedAt @property {number | null} finishedAt
 * @property {number | null} wallTimeMs @property {number | null} cpuTimeMs
 * @property {number | null} memoryBytes @property {number | null} eventsPerSecond
 * @property {number | null} percent @property {string | null} error @property {string | null} supersededBy
 *
 * @typedef {object} Update the rows that have changed
 * @property {import("./overview.js").Summary} summary
 * @property {string[]} variables @property {string[]} columns @property {unknown[][]} rows
 */

/** Shows a campaign with its runs. @param {HTMLElement} main @param {string} id */
export function showCampaign(main, id) {
  /** @type {Map<number, Row>} */
  const rows = new Map();
  const path = `/api/campaigns/${encodeURIComponent(id)}`;
  const head = element("div");
  const actions = actionBar(id);
  const table = new RunTable(rows, async (run) => (await ask(`${path}/runs/${run}/output`)).text());
  const noRecords = element(
    "p",
    { class: "quiet" },
    "No records of this campaign's runs are stored here: their results were collected on another machine, replaced or removed.",
  );
  const map = new HeatMap(rows, path, (cell) => table.narrow(cell));
  follow(path, (/** @type {Update} */ { summary, variables, columns, rows: changed }) => {
    document.title = `${summary.config} – ${id}`;
    for (const values of changed) {
      const row = /** @type {Row} */ (
        Object.fromEntries(columns.map((name, index) => [name, values[index]]))
      );
      rows.set(row.runNumber, row);
    }
    patch(head, ...describe(summary));
    actions.update(summary);
    if (changed.length > 0) {
      map.update(variables);
      table.update(variables);
    }
    noRecords.toggleAttribute("hidden", rows.size > 0);
    for (const { section } of [map, table]) section.toggleAttribute("hidden", rows.size === 0);
    if (!head.isConnected) main.replaceChildren(head, actions.bar, noRecords, map.section, table.section);
  });
}

/** @param {import("./overview.js").Summary} summary */
function describe({ id, config, study, user, states, runs, leftMs, uncollected, ...rates }) {
  const facts = [
    study,
    `by ${user}`,
    `${count(runs)} runs`,
    rate(rates),
    leftMs ? `about ${estimate(leftMs)} left` : "",
  ];
  const collect =
    uncollected > 0
      ? element(
          "span",
          { class: "quiet" },
          `${count(uncollected)} to collect; run: runall-swarm attach ${id}`,
        )
      : undefined;
  return [
    element("h1", {}, `${config} `, element("span", { class: "quiet" }, id)),
    element("div", { class: "quiet" }, facts.filter((fact) => fact !== "").join(" · ")),
    stateBar(states),
    element("div", { "data-states": true, class: "counts" }, ...stateCounts(states), collect),
  ];
}

/** @param {string} id */
function actionBar(id) {
  const answer = element("span", { role: "status" });
  /** @param {"cancel" | "retry"} action @param {string} question */
  const act = async (action, question) => {
    if (!confirm(question)) return;
    try {
      const runs = await change(id, action);
      answer.textContent =
        action === "cancel"
          ? `cancelled ${count(runs)} queued runs`
          : `requeued ${count(runs)} runs; to collect them, run: runall-swarm attach ${id}`;
    } catch (error) {
      answer.textContent = /** @type {Error} */ (error).message;
    }
  };
  const [cancel, retry] = [
    element(
      "button",
      {
        type: "button",
        onclick: () => void act("cancel", "Cancel queued runs and stop running simulations?"),
      },
      "Cancel",
    ),
    element(
      "button",
      { type: "button", onclick: () => void act("retry", "Rerun all failed and cancelled runs?") },
      "Retry failed runs",
    ),
  ];
  const hint = hasToken()
    ? undefined
    : element(
        "span",
        { class: "quiet" },
        "to cancel or retry, open the address printed by swarm-tool dashboard",
      );
  return {
    bar: element("div", { class: "bar-line" }, cancel, retry, hint, answer),
    /** @param {import("./overview.js").Summary} summary */
    update({ states, cancelled }) {
      const open = (states["queued"] ?? 0) + (states["running"] ?? 0);
      const ended = Object.entries(states).some(
        ([state, number]) => number > 0 && !["queued", "running", "done", "without a record"].includes(state),
      );
      cancel.toggleAttribute("disabled", !hasToken() || open === 0 || cancelled);
      retry.toggleAttribute("disabled", !hasToken() || !ended);
    },
  };
}
