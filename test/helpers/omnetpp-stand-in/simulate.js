import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { setImmediate, setTimeout } from "node:timers/promises";
import process from "node:process";
import { OppError } from "./errors.js";
import { evaluate, quantity } from "./expression.js";
import { simTime } from "./format.js";
import { Progress } from "./progress.js";
import { ModelError, QueueModel } from "./queue-model.js";
import { openEventlog } from "./eventlog.js";
import { VectorFiles, removeOldScalars, writeScalars } from "./results.js";

/** @typedef {import("./config.js").ActiveRun} ActiveRun */
/** @typedef {import("./console.js").Console} Console */

/** Cmdenv checks the clock once in so many events. */
const EVENTS_BETWEEN_CHECKS = 256;

/** Network of examples/mm1: the only one that the stand-in can simulate. */
const NETWORK = "Mm1";

/**
 * Sets up and simulates one run, and leaves its result files.
 * @param {ActiveRun} run @param {Console} console
 * @param {{ index: number, runs: number }} batch
 * @param {{ networks: ReadonlySet<string>, hasCode: boolean, interrupted: () => boolean }} program
 * @throws {OppError} if the run fails
 */
export async function simulate(run, console, batch, program) {
  const network = run.option("network");
  if (network === "")
    throw new OppError("No network specified (missing or empty network= configuration option)");
  if (!program.networks.has(network))
    throw new OppError(`Network '${network}' not found, check .ini and .ned files`);
  console.verbose(`Setting up network "${network}"...\n`);
  const closeEventlog = openEventlog(run);
  try {
    await simulateNetwork(run, console, batch, program);
  } finally {
    closeEventlog();
  }
}

/**
 * @param {ActiveRun} run @param {Console} console
 * @param {{ index: number, runs: number }} batch
 * @param {{ hasCode: boolean, interrupted: () => boolean }} program
 */
async function simulateNetwork(run, console, batch, program) {
  if (!program.hasCode)
    throw new OppError(
      `Class "mm1::Source" not found -- perhaps its code was not linked in, or the class wasn't registered with Register_Class(), or in the case of modules and channels, with Define_Module()/Define_Channel() -- in module (omnetpp::cModule) ${NETWORK} (id=1), during network setup`,
    );
  const arrivalRate = parameter(run, "Mm1.source", "arrivalRate", undefined);
  const serviceRate = parameter(run, "Mm1.queue", "serviceRate", "1");
  const limits = {
    simTime: limit(run, "sim-time-limit"),
    realTime: limit(run, "real-time-limit"),
    cpuTime: limit(run, "cpu-time-limit"),
  };
  console.verbose("Initializing...\n");
  const vectors = new VectorFiles(run);
  try {
    removeOldScalars(run);
    const model = initialize(run, { arrivalRate, serviceRate, limit: limits.simTime }, vectors);
    console.verbose("\nRunning simulation...\n");
    const progress = new Progress(limits, batch, run.isOn("cmdenv-performance-display"));
    const reason = await runToEnd(run, model, progress, limits, console, program.interrupted);
    console.out(`\n<!> ${reason} -- at t=${simTime(model.time)}s, event #${model.events}\n`);
    console.verbose(`\nCalling finish() at end of Run #${run.runNumber}...\n`);
    checkFingerprint(run, model, console);
    if (run.isOn("record-scalar-results")) writeScalars(run, model, { arrivalRate, serviceRate });
  } finally {
    vectors.close();
  }
}

/** @param {ActiveRun} run @param {{ arrivalRate: string, serviceRate: string, limit: number }} parameters @param {VectorFiles} vectors */
function initialize(run, { arrivalRate, serviceRate, limit: end }, vectors) {
  const warmup = run.option("warmup-period");
  try {
    return new QueueModel(
      {
        arrivalRate: Number(arrivalRate),
        serviceRate: Number(serviceRate),
        seed: Number(run.option("seed-set")),
        warmup: warmup === "" ? 0 : quantity(warmup),
        limit: end,
      },
      vectors,
    );
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new OppError(`${error.message} -- in ${error.place}, during network initialization`);
  }
}

/** @param {ActiveRun} run @param {string} key */
function limit(run, key) {
  const value = run.option(key);
  return value === "" ? Infinity : quantity(value);
}

/**
 * @param {ActiveRun} run @param {string} module @param {string} name @param {string | undefined} defaultValue
 * @returns {string} its value as a number's text
 */
function parameter(run, module, name, defaultValue) {
  const place =
    module === "Mm1.source"
      ? "module (mm1::Source) Mm1.source (id=2)"
      : "module (mm1::Queue) Mm1.queue (id=3)";
  const text = run.ofObject(`${module}.${name}`) ?? defaultValue;
  if (text === undefined || text === "ask")
    throw new OppError(
      `The simulation attempted to prompt for user input, set cmdenv-interactive=true to allow it: "Enter parameter '${module}.${name}' (unassigned):" -- in ${place}, during network setup`,
    );
  const value = evaluateParameter(text === "default" ? (defaultValue ?? "") : text, name, place);
  if (typeof value !== "number")
    throw new OppError(
      `Cannot assign '${text}' to parameter '${module}.${name}': Cannot cast ${JSON.stringify(value)} from type ${typeof value === "string" ? "string" : "bool"} to double -- in ${place}, during network setup`,
    );
  return String(value);
}

/** @param {string} text @param {string} name @param {string} place */
function evaluateParameter(text, name, place) {
  try {
    return evaluate(text);
  } catch (error) {
    if (!(error instanceof OppError)) throw error;
    throw new OppError(
      `Cannot assign parameter '${name}': ${error.message} -- in ${place}, during network setup`,
    );
  }
}

/**
 * @param {ActiveRun} run @param {QueueModel} model @param {Progress} progress
 * @param {import("./progress.js").Limits} limits @param {Console} console @param {() => boolean} interrupted
 * @returns {Promise<string>} why the run ended
 */
async function runToEnd(run, model, progress, limits, console, interrupted) {
  const frequency = quantity(run.option("cmdenv-status-frequency"));
  const pace = pacing(limits);
  const status = () => console.out(progress.status(model));
  status();
  /** @type {Buffer[]} */
  let blocks = [];
  let lastYield = performance.now();
  let finished = false;
  try {
    while (isHeld(run.runNumber) && !interrupted()) await setTimeout(20);
    if (interrupted()) return "SIGINT or SIGTERM received, exiting";
    blocks = await allocate(run.runNumber);
    for (;;) {
      finished ||= model.advance(pace.eventsAtOnce);
      if (progress.secondsSinceUpdate >= frequency) status();
      const ahead = pace.secondsAhead(model, progress.elapsedSeconds);
      if (finished && ahead <= 0) return "Simulation time limit reached";
      if (ahead > 0.005 || finished) await setTimeout(Math.min(ahead * 1000, 20));
      else if (performance.now() - lastYield > 5)
        await setImmediate(); // signals are handled only between turns
      else continue;
      lastYield = performance.now();
      if (interrupted()) return "SIGINT or SIGTERM received, exiting";
      if (progress.elapsedSeconds >= limits.realTime) return "Realtime limit reached";
      if (progress.cpuSeconds >= limits.cpuTime) return "CPU time limit reached";
    }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new OppError(
      `${error.message} -- in ${error.place}, at t=${simTime(model.time)}s, event #${model.events}`,
    );
  } finally {
    status();
    blocks.length = 0;
  }
}

/**
 * How `STAND_IN_RUN_MS` slows a run down: its events are spread over so many milliseconds of wall time. A run without any
 * limit pauses a hundredth of a second after every few events, so that a long test does not occupy a processor.
 * @param {import("./progress.js").Limits} limits
 */
function pacing(limits) {
  const seconds = Number(process.env["STAND_IN_RUN_MS"] ?? 0) / 1000;
  if (!(seconds > 0)) return { eventsAtOnce: EVENTS_BETWEEN_CHECKS, secondsAhead: () => 0 };
  const limited = limits.simTime < Infinity;
  const endless = Object.values(limits).every((each) => each === Infinity);
  return {
    eventsAtOnce: limited ? 4 : EVENTS_BETWEEN_CHECKS,
    /** @param {QueueModel} model @param {number} elapsed seconds */
    secondsAhead: (model, elapsed) =>
      limited ? (model.time / limits.simTime) * seconds - elapsed : endless ? 0.01 : 0,
  };
}

/**
 * Allocates the memory that `STAND_IN_MEMORY` names for this run, in a tenth of a second for each 20 MB.
 * @param {number} runNumber @returns {Promise<Buffer[]>}
 */
async function allocate(runNumber) {
  const sizes = (process.env["STAND_IN_MEMORY"] ?? "").split(",");
  const megabytes = Number(sizes[runNumber % sizes.length] ?? 0);
  const blocks = [];
  for (let left = megabytes; left > 0; left -= 20) {
    blocks.push(Buffer.alloc(Math.min(left, 20) * 1e6, 1));
    await setTimeout(100);
  }
  return blocks;
}

/** Whether the file `STAND_IN_HOLD` exists, and names this run or an earlier one. @param {number} runNumber */
function isHeld(runNumber) {
  const file = process.env["STAND_IN_HOLD"];
  if (file === undefined) return false;
  try {
    return runNumber >= Number(readFileSync(file, "utf8"));
  } catch {
    return false;
  }
}

/** @param {ActiveRun} run @param {QueueModel} model @param {Console} console */
function checkFingerprint(run, model, console) {
  const expected = run.option("fingerprint");
  if (expected === "") return;
  const hex = (model.fingerprint >>> 0).toString(16).padStart(8, "0");
  const calculated = `${hex.slice(0, 4)}-${hex.slice(4)}/${expected.split("/")[1] ?? "tplx"}`;
  const verified = expected === calculated || expected === calculated.split("/")[0];
  console.out(
    verified
      ? `\n<!> Fingerprint successfully verified: ${calculated}\n\n`
      : `\n<!> Fingerprint mismatch! calculated: ${calculated}, expected: ${expected}\n\n`,
  );
}
