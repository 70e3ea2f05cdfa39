import { spawn } from "node:child_process";
import { cp, mkdtemp, realpath, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { runProgram } from "../test/real-omnetpp/run-program.js";
import { ROOT } from "./setup.js";

/** Default number of studies for each of the two stores. */
const DEFAULT_SHAPES = 250;

/**
 * Runs the differential test (test/differential) with the OMNeT++ on PATH and the model of examples/mm1.
 * @param {string | undefined} shapes total number of studies
 * @returns {Promise<number>} the exit code
 */
export async function runDifferential(shapes) {
  const directory = await realpath(await mkdtemp(path.join(tmpdir(), "swarm-model-")));
  try {
    const source = path.join(directory, "src");
    await cp(path.join(ROOT, "examples/mm1/src"), source, {
      recursive: true,
      filter: (file) => !["out", "Makefile"].includes(path.basename(file)),
    });
    const options = { directory: source };
    await runProgram("opp_makemake", ["-f", "--deep", "--make-so", "-o", "mm1"], options);
    await runProgram("make", ["MODE=release", `-j${availableParallelism()}`], options);
    const perStore = shapes === undefined ? DEFAULT_SHAPES : Math.ceil(Number(shapes) / 2);
    const vitest = path.join(ROOT, "node_modules/vitest/vitest.mjs");
    const tests = spawn(process.execPath, [vitest, "run", "test/differential"], {
      cwd: ROOT,
      env: { ...process.env, SHAPES: `${perStore}`, SHAPE_MODEL: path.join(source, "mm1") },
      stdio: "inherit",
    });
    /** @type {number | null} */
    const code = await new Promise((resolve, reject) => {
      tests.once("error", reject).once("close", resolve);
    });
    return code ?? 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
