import { readFileSync, rmSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import type { Mode } from "../../model/build.ts";
import type { Run } from "../../model/run.ts";
import { simulatorLibrary, simulatorsFor } from "../../omnetpp/simulator.ts";
import { installedFile } from "../../system/installation.ts";
import { findProgram, runProgram } from "../../system/program.ts";

const SOURCE = "native/fork-runs.cc";
const COMPILERS = ["c++", "g++", "clang++"];
/** The function of OMNeT++ in which the library copies the process; from 5.4 on, but not in 7. */
const HOOK = "_ZN7omnetpp5envir9EnvirBase16resolveRunFilterEPKcS3_";
const COMPILE_MS = 60_000;
/** What separates the libraries in LD_PRELOAD; there is no way to quote it. */
const SEPARATORS = /[\s:]/;

/** How one process executes several runs, each in a copy of itself. */
export interface Forking {
  /** The library that does it. */
  library: string;
  /** File in which it reports what each run took. */
  report: string;
}

/** What a run in a copy of a process took. */
export interface ForkedUsage {
  runNumber: number;
  startedAt: number;
  wallMs: number;
  cpuTimeMs: number;
  peakMemoryBytes: number;
}

/**
 * The library with which a simulation process, when it has loaded all code and NED files, continues in a copy for each of
 * several runs. Each run finds the process as if it were its only one, so nothing carries over; only the start is shared.
 */
export class ForkLibrary {
  readonly #folder: string;
  /** Whether a library of OMNeT++ has the hook, by its path. */
  readonly #hooks = new Map<string, Promise<boolean>>();
  #compiled: Promise<string | undefined> | undefined;

  /** @param folder for the compiled library, and for nothing else. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Returns the path of the library; undefined if there is no compiler, or the OMNeT++ of the environment cannot be used
   * with it. It is compiled when it is first needed.
   */
  async find(mode: Mode, env: NodeJS.ProcessEnv): Promise<string | undefined> {
    if (process.platform !== "linux") return undefined;
    const simulator = await findProgram(simulatorsFor(mode), env["PATH"]);
    const library = simulator && (await simulatorLibrary(simulator, "envir", mode));
    if (!library) return undefined;
    const known = this.#hooks.get(library) ?? hasHook(library);
    this.#hooks.set(library, known);
    if (!(await known)) return undefined;
    this.#compiled ??= compile(this.#folder, env);
    return await this.#compiled;
  }
}

async function hasHook(library: string): Promise<boolean> {
  return (await readFile(library).catch(() => Buffer.alloc(0))).includes(HOOK);
}

async function compile(folder: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const compiler = await findProgram(COMPILERS, env["PATH"]);
  const library = path.join(folder, "fork-runs.so");
  if (compiler === undefined || SEPARATORS.test(library)) return undefined;
  await rm(folder, { recursive: true, force: true }); // what another version compiled, or was interrupted in doing so
  await mkdir(folder, { recursive: true });
  const options = ["-O1", "-shared", "-fPIC", "-Wl,--as-needed"];
  const args = [...options, "-o", library, installedFile(SOURCE), "-ldl"];
  const { exitCode } = await runProgram(compiler, args, { env, signal: AbortSignal.timeout(COMPILE_MS) });
  return exitCode === 0 ? library : undefined;
}

/**
 * Returns the environment in which a process that is started for the first of these runs executes all of them.
 * @see ld.so(8), LD_PRELOAD
 */
export function forkingEnvironment(
  env: NodeJS.ProcessEnv,
  { library, report }: Forking,
  runs: readonly Run[],
): NodeJS.ProcessEnv {
  rmSync(report, { force: true });
  return {
    ...env,
    LD_PRELOAD: [library, ...(env["LD_PRELOAD"] ? [env["LD_PRELOAD"]] : [])].join(":"),
    INET_SWARM_FORKED_RUNS: runs.map((run) => run.runNumber).join(),
    INET_SWARM_FORK_REPORT: report,
  };
}

/** Returns what each of the runs took; undefined unless they are exactly those in the report, in the same order. */
export function readReport(report: string, runs: readonly Run[]): ForkedUsage[] | undefined {
  const usages = linesOf(report).map((line): ForkedUsage => {
    const [runNumber, startedAt, finishedAt, cpuTimeMs, peak] = line.split(" ").map(Number);
    return {
      runNumber: runNumber!,
      startedAt: startedAt!,
      wallMs: finishedAt! - startedAt!,
      cpuTimeMs: cpuTimeMs!,
      peakMemoryBytes: peak! * 1024,
    };
  });
  const areTheirs = usages.map((each) => each.runNumber).join() === runs.map((run) => run.runNumber).join();
  return areTheirs ? usages : undefined;
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n");
  } catch {
    return []; // the process has not executed any run
  }
}
