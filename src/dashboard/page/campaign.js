import { ask, change, follow, hasToken } from "./api.js";
import { duration, element, stateBar, statesText } from "./dom.js";
import { HeatMap } from "./heat-map.js";
import { rate } from "./overview.js";
import { RunTable } from "./run-table.js";

/**
 * @typedef {object} Row a run
 * @property {number} runNumber @property {string} state @property {string[]} values @property {number} repetition
 * @property {number | null} startedAt @property {number | null} finishedAt
 * @property {number | null} wallTimeMs @property {number | null} cpuTimeMs @property {number | null} memoryBytes
 * @property {number | null} eventsPerSecond @property {number | null} percent @property {string | null} error
 *
 * @typedef {object} News what has changed
 * @property {import("./overview.js").Summary} summary
 * @property {string[]} variables @property {string[]} columns @property {unknown[][]} rows
 */

/** A campaign with its runs. @param {HTMLElement} main @param {string} id */
export function showCampaign(main, id) {
  /** @type {Map<number, Row>} */
  const rows = new Map();
  const path = `/api/campaigns/${encodeURIComponent(id)}`;
  const head = element("div");
  const actions = actionBar(id);
  const map = new HeatMap(rows, path);
  const table = new RunTable(rows, async (run) => (await ask(`${path}/runs/${run}/output`)).text());
  follow(path, (/** @type {News} */ { summary, variables, columns, rows: changed }) => {
    document.title = `${summary.config} – ${id}`;
    for (const values of changed) {
      const row = /** @type {Row} */ (
        Object.fromEntries(columns.map((name, index) => [name, values[index]]))
      );
      rows.set(row.runNumber, row);
    }
    head.replaceChildren(...describe(summary));
    actions.update(summary);
    if (changed.length > 0) {
      map.update(variables);
      table.update(variables);
    }
    if (!head.isConnected) main.replaceChildren(head, actions.bar, map.section, table.section);
  });
}

/** @param {import("./overview.js").Summary} summary */
function describe({ id, config, study, user, states, runs, leftMs, uncollected, ...rates }) {
  const facts = [
    study,
    `by ${user}`,
    `${runs} runs`,
    rate(rates),
    leftMs ? `about ${duration(leftMs)} left` : "",
  ];
  const line = [statesText(states)];
  if (uncollected > 0) line.push(`${uncollected} wait to be collected: runall-swarm attach ${id}`);
  return [
    element("h1", {}, `${config} `, element("span", { class: "quiet" }, id)),
    element("div", { class: "quiet" }, facts.filter((fact) => fact !== "").join(" · ")),
    stateBar(states),
    element("div", { "data-states": true }, line.join("; ")),
  ];
}

/** @param {string} id */
function actionBar(id) {
  const answer = element("span", { role: "status" });
  /** @param {"cancel" | "retry"} deed @param {string} question */
  const act = async (deed, question) => {
    if (!confirm(question)) return;
    try {
      const runs = await change(id, deed);
      answer.textContent =
        deed === "cancel"
          ? `cancelled; ${runs} queued runs are gone`
          : `${runs} runs are queued again; collect them with: runall-swarm attach ${id}`;
    } catch (error) {
      answer.textContent = /** @type {Error} */ (error).message;
    }
  };
  const [cancel, retry] = [
    element(
      "button",
      { type: "button", onclick: () => void act("cancel", "Cancel what is queued, and end what runs?") },
      "Cancel",
    ),
    element(
      "button",
      { type: "button", onclick: () => void act("retry", "Make the failed runs again?") },
      "Retry failed runs",
    ),
  ];
  const hint = hasToken()
    ? undefined
    : element(
        "span",
        { class: "quiet" },
        "open the address that swarm-tool dashboard prints, to cancel or retry",
      );
  return {
    bar: element("div", { class: "bar-line" }, cancel, retry, hint, answer),
    /** @param {import("./overview.js").Summary} summary */
    update({ states, cancelled }) {
      const open = (states["queued"] ?? 0) + (states["running"] ?? 0);
      const ended = Object.entries(states).some(
        ([state, count]) => count > 0 && !["queued", "running", "done", "unknown"].includes(state),
      );
      cancel.toggleAttribute("disabled", !hasToken() || open === 0 || cancelled);
      retry.toggleAttribute("disabled", !hasToken() || !ended);
    },
  };
}
