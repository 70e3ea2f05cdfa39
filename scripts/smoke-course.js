import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { release, tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { copySample } from "./sample.js";
import { findProgram, ROOT } from "./setup.js";
import { formatReport } from "./smoke-report.js";
import { runTool } from "./smoke-tool.js";

/** The name of the swarm. */
export const SWARM = "smoke";
/** The shortest idle time that init permits. */
const IDLE_MINUTES = 10;
/** When the swarm must have halted itself: the idle time, and what CloudWatch and AWS take. */
const HALTED_MINUTES = 40;
/** How often the swarm is removed, if AWS refuses at first. */
const REMOVALS = 2;
/** Lines of output that an error shows. */
const SHOWN_LINES = 40;
const HOUR_MS = 3600_000;

/** Configurations of the sample, and how many runs each has. */
const WATCHED = { config: "Quick", runs: 8 };
const UNWATCHED = { config: "Load", runs: 12 };

/**
 * @typedef {object} Settings
 * @property {string | undefined} profile of AWS.
 * @property {string | undefined} region
 * @property {string} report the file of the report.
 * @property {boolean} hasCampaign
 * @property {number} maxCost in US dollars.
 * @property {number} maxHours
 * @property {number} pollMs
 * @property {readonly string[]} initOptions further options of init.
 */
/** @typedef {import("./smoke-tool.js").Ended} Ended */
/** @typedef {import("./smoke-report.js").Step} Step */
/** @typedef {{ region: string, types: string, hourly: number }} Quote hourly: at most, in US dollars */
/** @typedef {{ name: string, region: string, state: string, machines: { role: string, type: string }[], warnings: string[], jobs?: { uncollected: number } }} Status */

/** A step of the test failed. */
class StepError extends Error {
  /** @override */
  name = "StepError";
}

/**
 * Creates a swarm, uses and removes it, and writes a report. Returns the exit code: 0 if every step succeeded.
 * @param {Settings} settings
 * @param {AbortSignal} stop ends the test; the swarm is removed all the same.
 */
export async function smokeTest(settings, stop) {
  const place = mkdtempSync(path.join(tmpdir(), "swarm-smoke-"));
  const smoke = new Smoke(settings, stop);
  try {
    await smoke.run(place);
  } finally {
    rmSync(place, { recursive: true, force: true });
    const report = formatReport({ facts: smoke.facts(), steps: smoke.steps, billing: smoke.billing() });
    writeFileSync(settings.report, report);
    console.log(`\n${report}\nthis report is in ${path.resolve(settings.report)}`);
  }
  if (stop.aborted) return 130;
  return smoke.steps.every(({ outcome }) => outcome === "ok" || outcome === "skipped") ? 0 : 1;
}

class Smoke {
  /** @type {Step[]} */
  steps = [];
  #settings;
  #stop;
  /** @type {Quote | undefined} */
  #quote;
  /** @type {number | undefined} */
  #createdAt;
  /** Whether the account may have something of the swarm. */
  #mayExist = false;

  /** @param {Settings} settings @param {AbortSignal} stop */
  constructor(settings, stop) {
    this.#settings = settings;
    this.#stop = stop;
  }

  /** Takes all steps. Errors become steps of the report. @param {string} place an empty folder */
  async run(place) {
    try {
      if (!(await this.#prepare())) return;
      this.#mayExist = true; // init continues a creation that somebody else has begun, even if only its price is asked for
      await this.#live(place);
    } finally {
      if (this.#mayExist) await this.#remove();
    }
  }

  /** Returns whether the test may begin. */
  async #prepare() {
    const { profile, region } = this.#settings;
    const account = [...option("--profile", profile), ...option("--region", region)];
    return (
      (await this.#step("check this machine and the account", () =>
        this.#tool("swarm-tool", ["doctor", "--aws", ...account]).then(() => ""),
      )) && (await this.#step(`there is no swarm ${SWARM} yet`, () => this.#expectNone()))
    );
  }

  async #expectNone() {
    const known = await runTool("swarm-tool", ["status", SWARM, "--json"], {
      signal: this.#stop,
      quiet: true,
    });
    if (isUnknown(known)) return await this.#expectNothingLeft(this.#stop);
    throw new StepError(
      `a swarm ${SWARM} exists; if an earlier test has left it, remove it with: swarm-tool remove ${SWARM}\n${known.output}`,
    );
  }

  /** @param {string} place */
  async #live(place) {
    const study = path.join(place, "mm1", "simulations");
    const { hasCampaign } = this.#settings;
    const isRunning =
      (await this.#step("price of the swarm", () => this.#askPrice())) &&
      (await this.#step("create the swarm", () => this.#create())) &&
      (await this.#step("its state", () => this.#describe())) &&
      (await this.#step("execute a campaign", () => this.#campaign(place), hasCampaign)) &&
      (await this.#step("queue a campaign that nobody watches", () => this.#queue(study), hasCampaign));
    if (!isRunning) return;
    const hasHalted = await this.#step("halts itself when idle", () => this.#awaitHalt());
    if (!hasHalted && !(await this.#step("halt the swarm", () => this.#swarmTool("halt", "--yes")))) return;
    if (await this.#step("resume the swarm", () => this.#swarmTool("resume")))
      await this.#step("collect the results of the second campaign", () => this.#attach(study), hasCampaign);
  }

  /** Shows what init would create: without --yes and a terminal, it creates nothing. */
  async #askPrice() {
    const { maxCost, maxHours } = this.#settings;
    const ended = await runTool("swarm-tool", this.#init(), { signal: this.#stop });
    this.#quote = readQuote(ended);
    const { hourly } = this.#quote;
    const most = 2 * maxHours * hourly;
    if (most > maxCost) {
      throw new StepError(
        `the test could cost ${dollars(most)}: ${dollars(hourly)} an hour for ${maxHours} hours, and as long again if this machine died after the swarm was resumed; --max-cost is ${dollars(maxCost)}`,
      );
    }
    return `at most ${dollars(hourly)} an hour`;
  }

  /** @param {string[]} more */
  #init(...more) {
    const { profile, region, initOptions, maxHours } = this.#settings;
    const limits = ["--max-hours", `${maxHours}`, "--idle-minutes", `${IDLE_MINUTES}`];
    const account = [...option("--profile", profile), ...option("--region", region)];
    // The last of several equal options counts: the limits cannot be changed by further ones.
    return ["init", SWARM, "--aws", "--workers", "1", ...initOptions, ...account, ...limits, ...more];
  }

  async #create() {
    this.#createdAt = Date.now();
    await this.#tool("swarm-tool", this.#init("--yes"));
    return "";
  }

  /** Returns the state of the swarm in a line. */
  async #describe() {
    const { state, machines, warnings } = await this.#status();
    if (state !== "running") throw new StepError(`the swarm is ${state}`);
    const counted = machines.map(({ role, type }) => `${role} ${type}`).join(", ");
    return [`${state}: ${counted}`, ...warnings.map((text) => `warning: ${text}`)].join("; ");
  }

  /** @param {string} place */
  async #campaign(place) {
    const study = copySample(path.join(place, "mm1"));
    await this.#tool("runall-swarm", ["--swarm", SWARM, "-c", WATCHED.config], study);
    return expectResults(study, WATCHED);
  }

  /** @param {string} study */
  async #queue(study) {
    await this.#tool("runall-swarm", ["--swarm", SWARM, "-c", UNWATCHED.config, "--detach"], study);
    return "";
  }

  /** @param {string} study */
  async #attach(study) {
    await this.#tool("runall-swarm", ["attach", "last", "--swarm", SWARM], study);
    return expectResults(study, UNWATCHED);
  }

  async #awaitHalt() {
    const limit = Date.now() + HALTED_MINUTES * 60_000;
    for (;;) {
      const { state } = await this.#status();
      if (state === "halted") return `after ${IDLE_MINUTES} minutes idle`;
      if (Date.now() > limit) throw new StepError(`after ${HALTED_MINUTES} minutes, it is still ${state}`);
      console.log(`waiting until the swarm halts itself; it is ${state}`);
      await delay(this.#settings.pollMs, undefined, { signal: this.#stop });
    }
  }

  async #status() {
    const ended = await runTool("swarm-tool", ["status", SWARM, "--json"], {
      signal: this.#stop,
      quiet: true,
    });
    if (!ended.stdout.startsWith("[")) throw failure(ended);
    return parseStatus(ended.stdout)[0];
  }

  /** Removes the swarm, and looks for what is left. Nothing interrupts this. */
  async #remove() {
    let isRemoved = false;
    for (let attempt = 1; attempt <= REMOVALS && !isRemoved; attempt++) {
      const what = attempt === 1 ? "remove the swarm" : "remove the swarm, once more";
      isRemoved = await this.#step(what, removeSwarm, true);
    }
    const isEmpty = await this.#step("nothing is left", () => this.#expectNothingLeft());
    this.#mayExist = !isRemoved || !isEmpty;
  }

  /** Looks in all regions of the account. @param {AbortSignal} [signal] */
  async #expectNothingLeft(signal) {
    const args = ["status", "--all-regions", "--json", ...option("--profile", this.#settings.profile)];
    const ended = await runTool("swarm-tool", args, { ...(signal && { signal }) });
    if (!ended.stdout.startsWith("[")) throw failure(ended);
    if (parseStatus(ended.stdout).some(({ name }) => name === SWARM))
      throw new StepError(`AWS has something of a swarm ${SWARM}\n${ended.output}`);
    const unknown = ended.output.split("\n").filter((line) => /^[a-z0-9-]+: unknown: /.test(line));
    if (unknown.some((line) => line.startsWith(`${this.#quote?.region ?? ""}:`))) throw failure(ended);
    return unknown.length === 0 ? "in all regions" : `regions that could not be asked: ${unknown.length}`;
  }

  /** @param {string} command @param {string[]} args */
  async #swarmTool(command, ...args) {
    await this.#tool("swarm-tool", [command, SWARM, ...args]);
    return "";
  }

  /** @param {"swarm-tool" | "runall-swarm"} tool @param {string[]} args @param {string} [cwd] @throws {StepError} */
  async #tool(tool, args, cwd = ROOT) {
    const ended = await runTool(tool, args, { cwd, signal: this.#stop });
    if (ended.exitCode !== 0) throw failure(ended);
    return ended;
  }

  /**
   * Takes a step, and notes how it ended. Returns whether the test may go on.
   * @param {string} what @param {() => Promise<string>} action returns details. @param {boolean} [isWanted]
   */
  async #step(what, action, isWanted = true) {
    const startedAt = new Date();
    /** @param {Pick<Step, "outcome" | "details" | "error">} result */
    const note = (result) => {
      const seconds = (Date.now() - startedAt.getTime()) / 1000;
      this.steps.push({ what, startedAt, seconds, ...result });
      return result.outcome === "ok" || result.outcome === "skipped";
    };
    if (!isWanted) return note({ outcome: "skipped", details: "" });
    const wasStopped = this.#stop.aborted;
    try {
      return note({ outcome: "ok", details: await action() });
    } catch (error) {
      const text =
        error instanceof StepError ? error.message : String(error instanceof Error ? error.stack : error);
      console.error(`\n${what}: ${text.split("\n", 1)[0] ?? ""}`);
      if (!wasStopped && this.#stop.aborted)
        return note({
          outcome: "interrupted",
          details: /** @type {{ reason: Error }} */ (this.#stop).reason.message,
        });
      return note({ outcome: "failed", details: text.split("\n", 1)[0] ?? "", error: text });
    }
  }

  /** Returns what describes the test and where it ran. @returns {[string, string][]} */
  facts() {
    const { maxCost, maxHours, initOptions } = this.#settings;
    /** @type {(text: string) => { version: string }} */
    const parse = JSON.parse;
    const { version } = parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));
    const simulator = ["opp_run", "opp_run_release"].find((name) => findProgram(name) !== undefined);
    const omnetpp =
      simulator === undefined ? "not on PATH" : answer(simulator, ["-v"], /^Version: ([^,\s]+)/m);
    return [
      ["date", new Date().toISOString().slice(0, 10)],
      ["inet-swarm", `${version}, commit ${answer("git", ["-C", ROOT, "rev-parse", "--short=12", "HEAD"])}`],
      ["client", `${process.platform} ${release()} ${process.arch}, Node.js ${process.versions.node}`],
      ["programs", [`OMNeT++ ${omnetpp}`, answer("docker", ["--version"]), answer("ssh", ["-V"])].join("; ")],
      ["region", this.#quote?.region ?? "not known"],
      ["machines", this.#quote?.types ?? "not known"],
      ["limits", `--max-cost ${maxCost}, --max-hours ${maxHours}, --idle-minutes ${IDLE_MINUTES}`],
      ["options of init", initOptions.join(" ") || "none"],
    ];
  }

  /** Returns whether something may still be billed, and how to look. */
  billing() {
    if (this.#mayExist) {
      return `**Something may still be billed.** Look with \`swarm-tool status ${SWARM}\` and \`swarm-tool status --all-regions\`, remove it with \`swarm-tool remove ${SWARM}\`, or by hand: see "Checking by hand that nothing is running" in docs/aws.md.`;
    }
    if (this.#createdAt === undefined) return "Nothing was created, so nothing is billed.";
    const hours = (Date.now() - this.#createdAt) / HOUR_MS;
    const cost =
      this.#quote === undefined ? "not known" : `at most about ${dollars(hours * this.#quote.hourly)}`;
    return `The swarm is removed, and nothing of it is billed from now on. Cost of the test: ${cost}.`;
  }
}

/** @type {(text: string) => [Status, ...Status[]]} the output of swarm-tool status --json */
const parseStatus = JSON.parse;

async function removeSwarm() {
  const ended = await runTool("swarm-tool", ["remove", SWARM, "--yes"]);
  if (isUnknown(ended)) return "nothing had been created";
  if (ended.exitCode !== 0) throw failure(ended);
  return "";
}

/** Returns whether this machine knows no such swarm. @param {Ended} ended */
function isUnknown({ exitCode, output }) {
  return exitCode === 2 && output.includes(`no swarm named ${SWARM}`);
}

/**
 * Reads what init prints before it asks for approval.
 * @param {Ended} ended @returns {Quote} @throws {StepError} if it failed for another reason, or the price is unknown.
 */
export function readQuote(ended) {
  const { output } = ended;
  const region = new RegExp(`^a swarm ${SWARM} in (\\S+),`, "m").exec(output)?.[1];
  if (ended.exitCode !== 2 || region === undefined || !output.includes("costs money from now"))
    throw failure(ended);
  const hourly = /costs about \$([\d.]+) an hour/.exec(output)?.[1];
  if (hourly === undefined) throw new StepError(`the price of these machines is not known\n${output}`);
  const surplus = /up to \$([\d.]+) an hour more/.exec(output)?.[1] ?? "0";
  const types = [...output.matchAll(/^ {2}(manager|workers) +(.+)$/gm)].map(
    ([, role, type]) => `${role}: ${type}`,
  );
  return { region, types: types.join("; "), hourly: Number(hourly) + Number(surplus) };
}

/** @param {Ended} ended */
function failure({ command, exitCode, output }) {
  const lines = output.trimEnd().split("\n");
  const last = lines.findLast((line) => line.trim() !== "" && !line.startsWith("hint:")) ?? "";
  return new StepError(
    [`exit code ${exitCode}: ${last}`, `$ ${command}`, ...lines.slice(-SHOWN_LINES)].join("\n"),
  );
}

/** @param {string} study @param {{ config: string, runs: number }} campaign @throws {StepError} */
function expectResults(study, { config, runs }) {
  const files = readdirSync(path.join(study, "results")).filter(
    (file) => file.startsWith(`${config}-`) && file.endsWith(".sca"),
  );
  if (files.length === runs) return `${runs} runs`;
  throw new StepError(`${files.length} of ${runs} scalar files are in results: ${files.join(", ")}`);
}

/** Returns what a program prints about itself. @param {string} program @param {string[]} args @param {RegExp} [pattern] */
function answer(program, args, pattern = /^(.+)$/m) {
  const { stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  return (error === undefined ? pattern.exec(stdout + stderr)?.[1] : undefined) ?? `${program}: not known`;
}

/** @param {string} name @param {string | undefined} value */
const option = (name, value) => (value === undefined ? [] : [name, value]);
/** @param {number} amount */
const dollars = (amount) => `$${amount.toFixed(2)}`;
