import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { benchEnvironment, print, project, toolsIn } from "./bench-tools.js";
import { findProgram, ROOT, runScript, setUp, SetupError } from "./setup.js";

// npm run bench:dashboard [-- --runs N] [--wide N] [--minutes N]: measures the dashboard of a local swarm with a
// campaign of 12,900 runs and with one of 2,400 runs that record 110 kB each, and the page in a browser.

/** @typedef {import("./bench-tools.js").Row} Row */
/** @typedef {import("./bench-tools.js").Tools} Tools */
/** @typedef {{ address: string, stop: () => Promise<void> }} Served */

/** A scalar file of so many scalars has about 110 kB. */
const SCALARS = 2000;
const POLL_MS = 20;
const LIMIT_MS = 120_000;
const SAMPLE_MS = 30_000;

await runScript(async () => {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "12900" },
      wide: { type: "string", default: "2400" },
      minutes: { type: "string", default: "0" },
    },
  });
  await setUp({ system: ["redis-server", "git", "make", "cc", "chromium"] });
  const place = mkdtempSync(path.join(tmpdir(), "swarm-dashboard-"));
  const tools = toolsIn(benchEnvironment(place));
  try {
    tools.swarmTool(["init", "--local", "--runners", "2"]);
    const study = project("test/bench/tiny", place, ["make"], ["-s"]);
    const many = campaign(study, tools, [`--runs=${values.runs}`, "--ms=0"]);
    print([await coldRow(many, Number(values.runs), tools), await pageRow(many, Number(values.runs), tools)]);
    const wide = project("test/bench/tiny", path.join(place, "wide"), ["make"], ["-s"]);
    const scalars = ["--ms=0", `--scalars=${SCALARS}`];
    print([
      await scalarRow(campaign(wide, tools, [`--runs=${values.wide}`, ...scalars]), values.wide, tools),
    ]);
    if (Number(values.minutes) > 0) print([await memoryRow(study, tools, Number(values.minutes))]);
  } finally {
    tools.swarmTool(["remove", "local", "--force"]);
    rmSync(place, { recursive: true, force: true });
  }
  return 0;
});

/** Executes a campaign and returns its id. @param {string} study @param {Tools} tools @param {string[]} options */
function campaign(study, tools, options) {
  tools.runall(study, ["--quiet", "./tiny", "-c", "Bench", ...options]);
  return newest(tools);
}

/** @param {Tools} tools */
function newest(tools) {
  const { stdout } = tools.runall(ROOT, ["list", "--json"]);
  /** @type {(text: string) => { campaign: { id: string } }[]} */
  const parse = JSON.parse;
  return parse(stdout)[0]?.campaign.id ?? "";
}

/** Starts a dashboard, which knows nothing yet. @param {Tools} tools @returns {Promise<Served>} */
async function serve({ env }) {
  const args = [path.join(ROOT, "bin/swarm-tool.js"), "dashboard", "local", "--port", "0"];
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  process.once("exit", () => child.kill()); // also after an error
  for await (const line of createInterface(child.stdout)) {
    const address = /http:\S+/.exec(line)?.[0];
    if (address === undefined) continue;
    const stop = async () => {
      child.kill("SIGINT");
      await ended;
    };
    return { address, stop };
  }
  throw new SetupError("the dashboard did not start");
}

/** Returns a URL of the API. @param {string} path @param {string} address of the dashboard, with its token */
function apiUrl(path, address) {
  const url = new URL(address);
  url.pathname = `/api/${path}`;
  return url;
}

/** Returns whether the dashboard has read all records. @param {{ campaigns: { reading?: object }[] }} overview */
function hasReadAll({ campaigns }) {
  return campaigns.every(({ reading }) => reading === undefined);
}

/**
 * Requests an answer until it is complete, and returns the time in ms that this takes.
 * @param {URL} url with the token behind "#" @param {(answer: any) => boolean} isComplete
 */
async function timeUntil(url, isComplete) {
  const headers = { Authorization: `Bearer ${new URLSearchParams(url.hash.slice(1)).get("token")}` };
  const startedAt = performance.now();
  for (;;) {
    const response = await fetch(new URL(url.pathname + url.search, url), { headers });
    if (response.ok && isComplete(await response.json())) return performance.now() - startedAt;
    if (performance.now() - startedAt > LIMIT_MS)
      throw new SetupError(`${url.pathname}: incomplete after ${LIMIT_MS / 1000} s`);
    await delay(POLL_MS);
  }
}

/** @param {string} id @param {number} runs @param {Tools} tools @returns {Promise<Row>} */
async function coldRow(id, runs, tools) {
  const { address, stop } = await serve(tools);
  const url = apiUrl(`campaigns/${id}`, address);
  const done = (/** @type {{ rows: unknown[][] }} */ { rows }) => rows.length === runs;
  const cold = await timeUntil(url, done);
  const warm = await timeUntil(url, done);
  await stop();
  return {
    what: `first answer with ${runs} records`,
    figure: `${(cold / 1000).toFixed(2)} s`,
    limit: "2 s",
    details: `${(warm / 1000).toFixed(2)} s when asked again`,
  };
}

/** @param {string} id @param {string} runs @param {Tools} tools @returns {Promise<Row>} */
async function scalarRow(id, runs, tools) {
  const { address, stop } = await serve(tools);
  await timeUntil(apiUrl("campaigns", address), hasReadAll); // other campaigns are not what is measured
  const all = (/** @type {{ rows: unknown[][] }} */ { rows }) => rows.length === Number(runs);
  await timeUntil(apiUrl(`campaigns/${id}`, address), all);
  const values = apiUrl(`campaigns/${id}/values`, address);
  values.searchParams.set("pattern", "Bench.host[1999].app.delay:mean");
  const hasAll = (/** @type {{ series: { values: unknown[] }[] }} */ { series }) =>
    series[0]?.values.length === Number(runs);
  const first = await timeUntil(values, hasAll);
  const again = await timeUntil(values, hasAll);
  await stop();
  return {
    what: `one scalar of ${runs} runs of 110 kB`,
    figure: `${(first / 1000).toFixed(2)} s`,
    limit: "1 s",
    details: `${(again / 1000).toFixed(2)} s when asked again`,
  };
}

/** Opens a page in a browser. @param {string} address */
async function openPage(address) {
  const browser = await chromium.launch({
    executablePath: findProgram("chromium") ?? "",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.addInitScript(
    "longest = 0; new PerformanceObserver((list) => { for (const each of list.getEntries()) longest = Math.max(longest, each.duration); }).observe({ type: 'longtask', buffered: true })",
  );
  await page.goto(address);
  return { browser, page };
}

/** @param {string} id @param {number} runs @param {Tools} tools @returns {Promise<Row>} */
async function pageRow(id, runs, tools) {
  const middle = Math.floor(runs / 2);
  const { address, stop } = await serve(tools);
  await timeUntil(
    apiUrl(`campaigns/${id}`, address),
    (/** @type {{ rows: unknown[][] }} */ { rows }) => rows.length > 0,
  );
  const startedAt = performance.now();
  const { browser, page } = await openPage(address.replace(/\/(#.*)?$/, `/campaigns/${id}$1`));
  const loadedAt = performance.now();
  await page.getByText("#0", { exact: true }).first().waitFor();
  const shown = performance.now() - loadedAt;
  await page.getByRole("searchbox").first().fill(`run>=${middle}`);
  await page.getByText(`#${middle}`, { exact: true }).first().waitFor();
  const filtered = performance.now() - loadedAt;
  const longest = Number(await page.evaluate("longest"));
  await browser.close();
  await stop();
  return {
    what: "page of that campaign: rows shown and filtered",
    figure: `${(filtered / 1000).toFixed(2)} s`,
    limit: "2 s",
    details: `shown after ${(shown / 1000).toFixed(2)} s, longest task ${longest.toFixed(0)} ms, browser started in ${((loadedAt - startedAt) / 1000).toFixed(1)} s`,
  };
}

/** Watches a campaign on its page while it runs. @param {string} study @param {Tools} tools @param {number} minutes @returns {Promise<Row>} */
async function memoryRow(study, tools, minutes) {
  rmSync(path.join(study, "results"), { recursive: true, force: true });
  const runs = minutes * 60 * 4; // two runners, half a second each
  const options = [`--runs=${runs}`, "--ms=0", "--idle-ms=450"];
  tools.runall(study, ["--detach", "--quiet", "./tiny", "-c", "Bench", ...options]);
  const id = newest(tools);
  const { address, stop } = await serve(tools);
  const { browser, page } = await openPage(address.replace(/\/(#.*)?$/, `/campaigns/${id}$1`));
  const session = await page.context().newCDPSession(page);
  const heap = async () => {
    await session.send("HeapProfiler.collectGarbage");
    return (await session.send("Runtime.getHeapUsage")).usedSize / 1e6;
  };
  await page.getByText("#0", { exact: true }).first().waitFor();
  /** @type {number[]} */
  const sizes = [];
  for (const until = performance.now() + minutes * 60_000; performance.now() < until;) {
    sizes.push(await heap());
    await delay(SAMPLE_MS);
  }
  await browser.close();
  await stop();
  tools.runall(study, ["cancel", id]);
  const quarter = Math.ceil(sizes.length / 4);
  const mean = (/** @type {number[]} */ some) => some.reduce((sum, size) => sum + size, 0) / some.length;
  return {
    what: `memory of the page over ${minutes} min of updates: last quarter / second quarter`,
    figure: `${(mean(sizes.slice(-quarter)) / mean(sizes.slice(quarter, 2 * quarter))).toFixed(2)} x`,
    limit: "1 x",
    details: sizes.map((size) => size.toFixed(1)).join(", ") + " MB",
  };
}
