import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { copySample, STAND_IN } from "./sample.js";
import { findProgram, ROOT, runScript, setUp, SetupError } from "./setup.js";

/**
 * Demonstrates the main use case: creates a swarm on this machine, executes a parameter study of the M/M/1
 * queue on it, and compares the results with the formula.
 */

const PLACE = path.join(ROOT, ".cache", "demo");
const STUDY = path.join(PLACE, "mm1", "simulations");
/** Maximum relative difference between the mean of the runs and the formula. The longest queue varies most. */
const TOLERANCE = 0.15;

await runScript(async () => {
  const simulator = findProgram("opp_run") ?? findProgram("opp_run_release");
  const redis = mayInstall() ? ["redis-server"] : []; // otherwise, the swarm is created with a server of its own
  await setUp({ system: [...redis, "git", "make", ...(simulator === undefined ? [] : ["g++"])] });
  console.log(
    simulator === undefined
      ? "OMNeT++ is not on PATH: its stand-in simulates the queue\n(test/helpers/omnetpp-stand-in)"
      : `using OMNeT++: ${simulator}`,
  );
  const env = demoEnvironment(simulator === undefined);
  await run("swarm-tool", ["remove", "--force"], { cwd: ROOT, env, quiet: true }); // left by a demo that was killed
  copySample(path.join(PLACE, "mm1"));
  try {
    const created = await run("swarm-tool", ["init", "--local", "--yes"], { cwd: STUDY, env });
    if (created !== 0) throw new SetupError(`the demo's swarm was not created: exit code ${created}`);
    const exitCode = await run("runall-swarm", ["-c", "Load"], { cwd: STUDY, env });
    if (exitCode !== 0) throw new SetupError(`the demo's campaign ended with exit code ${exitCode}`);
    console.log(
      `\nThe result files are in ${path.relative(process.cwd(), STUDY)}/results. Their mean values:\n`,
    );
    return compareWithFormula() ? 0 : 1;
  } finally {
    await run("swarm-tool", ["remove", "--force"], { cwd: ROOT, env, quiet: true });
  }
});

/** Returns whether Redis is to be installed by the package manager: as root, and if no server is accepted already. */
function mayInstall() {
  const { REDIS_SERVER } = process.env;
  const hasServer = REDIS_SERVER || ["redis-server", "valkey-server"].some((name) => findProgram(name));
  return !hasServer && process.getuid?.() === 0 && findProgram("apt-get") !== undefined;
}

/** @param {boolean} standIn */
function demoEnvironment(standIn) {
  const searchPath = process.env["PATH"] ?? "";
  const { SWARM: _, ...inherited } = process.env;
  return {
    ...inherited,
    PATH: standIn ? `${STAND_IN}${path.delimiter}${searchPath}` : searchPath,
    XDG_STATE_HOME: path.join(PLACE, "state"),
    XDG_CACHE_HOME: path.join(PLACE, "cache"),
  };
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, quiet?: boolean }} options
 * @returns {Promise<number>}
 */
function run(program, args, { cwd, env, quiet = false }) {
  if (!quiet) console.log(`\n$ ${[program, ...args].join(" ")}`);
  return new Promise((resolve, reject) => {
    const file = path.join(ROOT, "bin", `${program}.js`);
    const child = spawn(process.execPath, [file, ...args], { cwd, env, stdio: quiet ? "ignore" : "inherit" });
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}

/** Prints the mean waiting times and those of the formula. Returns whether they agree. */
function compareWithFormula() {
  const waiting = waitingTimes();
  console.log("arrival rate   runs   mean waiting time   M/M/1 formula   difference");
  const agreeing = [...waiting].map(([arrivalRate, times]) => {
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    const formula = arrivalRate / (1 - arrivalRate); // rho / (mu - lambda) with mu = 1
    const difference = mean / formula - 1;
    const cells = [
      `${arrivalRate}`.padEnd(12),
      `${times.length}`.padEnd(4),
      `${mean.toFixed(3)} s`.padEnd(17),
      `${formula.toFixed(3)} s`.padEnd(13),
    ];
    console.log([...cells, `${(difference * 100).toFixed(1)} %`].join("   "));
    return Math.abs(difference) < TOLERANCE;
  });
  const agrees = agreeing.length === 3 && agreeing.every(Boolean);
  console.log(
    agrees
      ? "\nThe simulation agrees with the formula."
      : "\nThe simulation does NOT agree with the formula.",
  );
  return agrees;
}

/** Returns the mean waiting time of each run from the scalar files, by arrival rate. */
function waitingTimes() {
  const results = path.join(STUDY, "results");
  /** @type {Map<number, number[]>} */
  const byRate = new Map();
  for (const file of readdirSync(results)
    .filter((name) => name.endsWith(".sca"))
    .sort()) {
    const text = readFileSync(path.join(results, file), "utf8");
    const rate = Number(/^itervar arrivalRate (\S+)$/m.exec(text)?.[1]);
    const time = Number(/^scalar Mm1\.queue waitingTime:mean (\S+)$/m.exec(text)?.[1]);
    byRate.set(rate, [...(byRate.get(rate) ?? []), time]);
  }
  return byRate;
}
