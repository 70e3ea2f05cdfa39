import path from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "./setup.js";

/** @import { Run } from "../src/model/run.ts" */
/** @import { RunTimes } from "../src/model/run-times.ts" */
/** @typedef {import("./bench-tools.js").Row} Row */
/** @typedef {{ run: Run, ms: number }} TimedRun */
/** @typedef {{ RunTimes: typeof import("../src/model/run-times.ts").RunTimes, longestFirst: typeof import("../src/model/run-order.ts").longestFirst }} Rules */

const RUNNERS = [2, 16, 128];
/** How often a client orders the waiting runs, in ms. */
const INTERVAL_MS = 2000;
/** From this fraction of a run on, its time is predicted from its progress. */
const RELIABLE = 0.05;

/**
 * CPU time in ms of the 42 runs of OMNeT++'s sample Aloha, PureAlohaExperiment: numHosts 10, 15, 20, for each iaMean
 * 1, 2, 3, 4, 5, 7, 9, for each two repetitions. Recorded with OMNeT++ 6.2.0.
 */
const ALOHA = [
  [274, 214, 121, 146, 98, 96, 97, 93, 74, 70, 46, 68, 63, 62],
  [373, 352, 219, 211, 171, 155, 130, 113, 102, 66, 52, 59, 50, 81],
  [398, 395, 288, 276, 120, 125, 131, 161, 95, 140, 74, 72, 91, 67],
];
/** As if the time limit were so many times longer. */
const ALOHA_FACTOR = 100;

/**
 * Simulates campaigns on 2, 16 and 128 runners, and returns how long each takes compared with the lower bound
 * max(longest run, sum / runners): in the order of run numbers, with this program's order in a first campaign, and in a
 * second one, whose runs were executed before on machines of half the speed.
 * @returns {Promise<Row[]>}
 */
export async function orderRows() {
  const rules = await loadRules();
  return Object.entries(studies()).map(([name, study]) => {
    const figures = RUNNERS.map((runners) => {
      const total = study.reduce((sum, { ms }) => sum + ms, 0);
      const bound = Math.max(total / runners, ...study.map(({ ms }) => ms));
      const known = new rules.RunTimes();
      for (const { run, ms } of study) known.addEarlier(run, 2 * ms);
      const fifo = makespan(study, runners) / bound;
      const first = makespan(study, runners, { rules, times: new rules.RunTimes() }) / bound;
      const second = makespan(study, runners, { rules, times: known }) / bound;
      return { runners, fifo, first, second };
    });
    const worst = Math.max(...figures.map(({ second }) => second));
    const details = figures.map(
      ({ runners, fifo, first, second }) =>
        `${runners} runners: ${[fifo, first, second].map((figure) => figure.toFixed(2)).join(", ")}`,
    );
    return {
      what: `order, ${name}: by number, first campaign, second one`,
      figure: `${worst.toFixed(2)} x`,
      limit: "1.05 x",
      details: details.join("; "),
    };
  });
}

/** @returns {Promise<Rules>} */
async function loadRules() {
  const [times, order] = ["run-times", "run-order"].map(
    (name) => pathToFileURL(path.join(ROOT, "dist", "model", `${name}.js`)).href,
  );
  /** @type {Pick<Rules, "RunTimes">} */
  const { RunTimes } = await import(String(times)); // eslint-disable-line @typescript-eslint/no-unsafe-assignment -- typed above
  /** @type {Pick<Rules, "longestFirst">} */
  const { longestFirst } = await import(String(order)); // eslint-disable-line @typescript-eslint/no-unsafe-assignment -- typed above
  return { RunTimes, longestFirst };
}

/** @returns {Record<string, TimedRun[]>} */
function studies() {
  const random = randomNumbers(21);
  const noise = () => Math.exp(0.1 * (random() + random() + random() - 1.5));
  const hosts = [1, 2, 5, 10, 25, 50];
  return {
    "Aloha (42 runs)": study({ numHosts: [10, 15, 20], iaMean: [1, 2, 3, 4, 5, 7, 9] }, 2, (_, number) => {
      return (ALOHA.flat()[number] ?? NaN) * ALOHA_FACTOR;
    }),
    "1:50 (120 runs)": study({ hosts, mode: ["a", "b"] }, 10, ({ hosts: n, mode }) => {
      return 1000 * Number(n) * (mode === "b" ? 1 : 0.9) * noise();
    }),
    "1:50 (600 runs)": study({ hosts, load: [1, 2, 3, 4, 5], mode: ["a", "b"] }, 10, ({ hosts: n, load }) => {
      return 200 * Number(n) * (4 + Number(load)) * noise();
    }),
    "1:50 without repetitions (300 runs)": study(
      { hosts: Array.from({ length: 50 }, (_, index) => index + 1), load: [1, 2, 3], mode: ["a", "b"] },
      1,
      ({ hosts: n, load }) => 200 * Number(n) * (4 + Number(load)) * noise(),
    ),
    "unpredictable 1:50 (300 runs)": study(
      { seed: Array.from({ length: 300 }, (_, index) => index) },
      1,
      () => {
        return 1000 * 50 ** random();
      },
    ),
  };
}

/**
 * @param {Record<string, readonly (string | number)[]>} variables
 * @param {number} repetitions
 * @param {(values: Record<string, string>, runNumber: number) => number} time in ms
 * @returns {TimedRun[]}
 */
function study(variables, repetitions, time) {
  /** @type {Record<string, string>[]} */
  let combinations = [{}];
  for (const [name, values] of Object.entries(variables))
    combinations = combinations.flatMap((each) =>
      values.map((value) => ({ ...each, [name]: String(value) })),
    );
  return combinations
    .flatMap((iterationVariables) =>
      Array.from({ length: repetitions }, (_, repetition) => ({ iterationVariables, repetition })),
    )
    .map((run, runNumber) => ({
      run: { config: "General", runNumber, ...run },
      ms: time(run.iterationVariables, runNumber),
    }));
}

/**
 * Returns the time in ms in which all runs of a study are executed.
 * @param {readonly TimedRun[]} study
 * @param {number} runners
 * @param {{ rules: Rules, times: RunTimes }} [order] without it, runs are executed in the order of their numbers.
 */
function makespan(study, runners, order) {
  const msOf = (/** @type {Run} */ { runNumber }) => study[runNumber]?.ms ?? NaN;
  const sorted = (/** @type {Run[]} */ runs) =>
    order === undefined ? runs : order.rules.longestFirst(runs, order.times).runs;
  let waiting = sorted(study.map(({ run }) => run));
  /** @type {{ run: Run, startedAt: number, endsAt: number }[]} */
  let running = [];
  let now = 0;
  let nextOrderAt = INTERVAL_MS;
  while (waiting.length + running.length > 0) {
    for (const run of waiting.splice(0, runners - running.length))
      running.push({ run, startedAt: now, endsAt: now + msOf(run) });
    const nextEnd = Math.min(...running.map(({ endsAt }) => endsAt));
    now = waiting.length > 0 && order !== undefined ? Math.min(nextEnd, nextOrderAt) : nextEnd;
    for (const { run, endsAt } of running) if (endsAt <= now) order?.times.add(run, msOf(run));
    running = running.filter(({ endsAt }) => endsAt > now);
    if (now < nextOrderAt) continue;
    nextOrderAt += INTERVAL_MS;
    for (const { run, startedAt, endsAt } of running)
      if (now - startedAt >= RELIABLE * (endsAt - startedAt)) order?.times.expect(run, endsAt - startedAt);
    waiting = sorted(waiting);
  }
  return now;
}

/** Returns a function that returns the same numbers from 0 to 1 each time. @param {number} seed @see Park, Miller: "Random Number Generators" (CACM 1988) */
function randomNumbers(seed) {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
