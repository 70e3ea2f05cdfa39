import { follow } from "./api.js";
import { amount, duration, element, stateBar, statesText } from "./dom.js";

/**
 * @typedef {object} Summary as the server's `Summary`
 * @property {string} id @property {string} user @property {string} study @property {string} config
 * @property {number} createdAt @property {number} runs @property {boolean} cancelled
 * @property {Record<string, number>} states @property {number} uncollected
 * @property {number} [runsPerSecond] @property {number} [eventsPerSecond] @property {number} [leftMs]
 */

/** One row for each campaign. @param {HTMLElement} main */
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
          ...["Rate", "Time left", "Queued"].map((text) => element("th", { class: "number" }, text)),
        ),
      ),
      body,
    ),
  );
  follow("/api/campaigns", (/** @type {{ campaigns: Summary[] }} */ { campaigns }) => {
    if (campaigns.length === 0) return main.replaceChildren(nothing());
    body.replaceChildren(...campaigns.map(row));
    if (!table.isConnected) main.replaceChildren(element("h1", {}, "Campaigns"), table);
  });
}

function nothing() {
  return element(
    "p",
    { class: "quiet" },
    "No campaign yet. In a study's folder: ",
    element("code", {}, "runall-swarm -c Config"),
  );
}

/** @param {Summary} summary */
function row(summary) {
  const { id, config, study, user, states, cancelled, uncollected, leftMs, createdAt } = summary;
  const notes = [statesText(states)];
  if (uncollected > 0) notes.push(`${uncollected} to collect: runall-swarm attach ${id}`);
  return element(
    "tr",
    { "data-campaign": id },
    element(
      "td",
      {},
      element("a", { href: `/campaigns/${encodeURIComponent(id)}` }, config),
      element("div", { class: "quiet" }, cancelled ? `${id}, cancelled` : id),
    ),
    element("td", { class: "minor" }, study),
    element("td", { class: "minor" }, user),
    element("td", { class: "wide" }, stateBar(states), element("div", { class: "quiet" }, notes.join("; "))),
    element("td", { class: "number minor" }, rate(summary)),
    element("td", { class: "number" }, duration(leftMs)),
    element("td", { class: "number minor" }, new Date(createdAt).toLocaleString()),
  );
}

/** @param {Pick<Summary, "runsPerSecond" | "eventsPerSecond">} summary */
export function rate({ runsPerSecond, eventsPerSecond }) {
  const runs = runsPerSecond === undefined ? "" : perMinute(runsPerSecond);
  const events = eventsPerSecond === undefined ? "" : `${amount(eventsPerSecond)} ev/s`;
  return [runs, events].filter((text) => text !== "").join(", ");
}

/** @param {number} runsPerSecond */
function perMinute(runsPerSecond) {
  return runsPerSecond >= 1 ? `${amount(runsPerSecond)} runs/s` : `${amount(runsPerSecond * 60)} runs/min`;
}
