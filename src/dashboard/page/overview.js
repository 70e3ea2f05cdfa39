import { follow } from "./api.js";
import { amount, count, element, estimate, stateBar, stateCounts } from "./dom.js";
import { patch } from "./patch.js";

/**
 * @typedef {object} Summary the server's `Summary`
 * @property {string} id @property {string} user @property {string} study @property {string} config
 * @property {number} createdAt @property {number} runs @property {boolean} cancelled
 * @property {Record<string, number>} states @property {number} uncollected
 * @property {number} [runsPerSecond] @property {number} [eventsPerSecond] @property {number} [leftMs]
 */

/** @type {Intl.DateTimeFormatOptions} */
const SHORT = { dateStyle: "short", timeStyle: "short" };

/** Shows a row for each campaign. @param {HTMLElement} main */
export function showOverview(main) {
  const body = element("tbody");
  const table = element(
    "div",
    { class: "scroll" },
    element(
      "table",
      { class: "overview" },
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          ...["Campaign", "Study", "User"].map((text) => element("th", {}, text)),
          element("th", {}, "Progress"),
          ...["Rate", "Time left", "Submitted"].map((text) => element("th", { class: "number" }, text)),
        ),
      ),
      body,
    ),
  );
  follow("/api/campaigns", (/** @type {{ campaigns: Summary[] }} */ { campaigns }) => {
    if (campaigns.length === 0) return main.replaceChildren(noCampaigns());
    patch(body, ...campaigns.map(row));
    if (!table.isConnected) main.replaceChildren(element("h1", {}, "Campaigns"), table);
  });
}

function noCampaigns() {
  return element(
    "p",
    { class: "quiet" },
    "No campaigns yet. In a study's folder, run: ",
    element("code", {}, "runall-swarm -c Config"),
  );
}

/** @param {Summary} summary */
function row(summary) {
  const { id, config, study, user, states, cancelled, uncollected, leftMs, createdAt } = summary;
  const place = `/campaigns/${encodeURIComponent(id)}`;
  const collect =
    uncollected > 0
      ? element("span", {}, `${count(uncollected)} to collect; run: runall-swarm attach ${id}`)
      : undefined;
  return element(
    "tr",
    { "data-campaign": id, "data-key": id },
    element(
      "td",
      {},
      element("a", { href: place }, config),
      element("div", { class: "quiet one-line" }, cancelled ? `${id}, cancelled` : id),
    ),
    element("td", { class: "at-study" }, study),
    element("td", { class: "at-user" }, user),
    element(
      "td",
      { class: "at-progress" },
      stateBar(states),
      element("div", { class: "counts quiet" }, ...stateCounts(states), collect),
    ),
    element("td", { class: "number at-rate" }, rate(summary)),
    element("td", { class: "number at-left" }, leftMs === undefined ? "" : estimate(leftMs)),
    element("td", { class: "number at-queued" }, new Date(createdAt).toLocaleString(undefined, SHORT)),
  );
}

/** Returns runs and events per time. @param {Pick<Summary, "runsPerSecond" | "eventsPerSecond">} summary */
export function rate({ runsPerSecond, eventsPerSecond }) {
  const runs = runsPerSecond === undefined ? "" : runRate(runsPerSecond);
  const events = eventsPerSecond === undefined ? "" : `${amount(eventsPerSecond)} ev/s`;
  return [runs, events].filter((text) => text !== "").join(", ");
}

/** @param {number} runsPerSecond */
function runRate(runsPerSecond) {
  const [runs, unit] = runsPerSecond >= 1 ? [runsPerSecond, "s"] : [runsPerSecond * 60, "min"];
  return `${amount(Number(runs.toPrecision(2)))} runs/${unit}`;
}
