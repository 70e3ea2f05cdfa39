import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { mkdir, open, readFile, rm } from "node:fs/promises";
import path from "node:path";
import type { Mode } from "../../model/build.ts";
import type { Run } from "../../model/run.ts";
import { simulatorLibrary, simulatorsFor } from "../../omnetpp/simulator.ts";
import { installedFile } from "../../system/installation.ts";
import { findProgram, runProgram } from "../../system/program.ts";

const SOURCE = "native/fork-runs.cc";
const COMPILERS = ["c++", "g++", "clang++"];
const OPTIONS = ["-O1", "-shared", "-fPIC", "-fno-threadsafe-statics", "-Wl,--as-needed,-z,initfirst"];
const COMPILE_MS = 60_000;
/** The function of OMNeT++ in which the library copies the process; from 5.4 on, but not in 7. */
const HOOK = "_ZN7omnetpp5envir9EnvirBase16resolveRunFilterEPKcS3_";
/** The first bytes of a program that no shell or interpreter executes. @see elf(5) */
const ELF = Buffer.from("\x7fELF", "latin1");
const MOST_PRINTED = 4 << 20;
const LOOK_INTERVAL_MS = 200;
/** What separates the libraries in LD_PRELOAD; there is no way to quote it. */
const SEPARATORS = /[\s:]/;

/** How one process executes several runs, each in a copy of itself. */
export interface Forking {
  /** The library that does it. */
  library: string;
  /** A folder for what the runs print, and for what each of them took. */
  folder: string;
  /** Aborted if a run prints so much that it has to be executed alone: of its output, the middle is then omitted. */
  flood: AbortSignal;
}

/** What a run in a copy of a process took, and what it printed. */
export interface ForkedRun {
  runNumber: number;
  startedAt: number;
  wallMs: number;
  cpuTimeMs: number;
  peakMemoryBytes: number;
  printed: Buffer;
}

/**
 * The library with which a simulation process, when it has loaded all code and NED files, continues in a copy for each of
 * several runs. Each finds the process as if it were its only run; only the start is shared. If a process has already done
 * something in which its copies would differ from separate processes, it executes no run: see native/watched-calls.h.
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
   * Returns the path of the library; undefined if there is no compiler, or the simulation program cannot be used with it.
   * It is compiled when it is first needed.
   * @param program the project's own program; undefined for that of OMNeT++. A script would be executed only once for all
   *   runs.
   */
  async find(mode: Mode, env: NodeJS.ProcessEnv, program?: string): Promise<string | undefined> {
    if (process.platform !== "linux") return undefined;
    const simulator = await findProgram(simulatorsFor(mode), env["PATH"]);
    if (simulator === undefined || !(await isCompiled(program ?? simulator))) return undefined;
    const library = await simulatorLibrary(simulator, "envir", mode);
    const known = this.#hooks.get(library) ?? hasHook(library);
    this.#hooks.set(library, known);
    if (!(await known)) return undefined;
    this.#compiled ??= compile(this.#folder, env);
    return await this.#compiled;
  }
}

async function isCompiled(program: string): Promise<boolean> {
  await using file = await open(program);
  const { buffer } = await file.read(Buffer.alloc(ELF.length), 0, ELF.length, 0);
  return buffer.equals(ELF);
}

async function hasHook(library: string): Promise<boolean> {
  return (await readFile(library).catch(() => Buffer.alloc(0))).includes(HOOK);
}

/** Compiles the library; undefined if this fails, or programs cannot load it, for example from this file system. */
async function compile(folder: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const compiler = await findProgram(COMPILERS, env["PATH"]);
  const library = path.join(folder, "fork-runs.so");
  if (compiler === undefined || SEPARATORS.test(library)) return undefined;
  await rm(folder, { recursive: true, force: true }); // what another version compiled, or was interrupted in doing so
  await mkdir(folder, { recursive: true });
  const limited = { env, signal: AbortSignal.timeout(COMPILE_MS) };
  const compiled = await runProgram(
    compiler,
    [...OPTIONS, "-o", library, installedFile(SOURCE), "-ldl"],
    limited,
  );
  if (compiled.exitCode !== 0) return undefined;
  const loaded = await runProgram("true", [], { env: { PATH: env["PATH"], LD_PRELOAD: library } });
  return loaded.exitCode === 0 && loaded.stderr === "" ? library : undefined;
}

/** Creates the folder for a process whose copies execute runs. It is removed at the end of the block. */
export function openForking(library: string, folder: string): Forking & Disposable {
  const flood = new AbortController();
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  remove(); // left by a worker that was killed
  mkdirSync(folder);
  const look = (): void => {
    if (readdirSync(folder).some((name) => statSync(path.join(folder, name)).size > MOST_PRINTED))
      flood.abort();
  };
  const timer = setInterval(look, LOOK_INTERVAL_MS);
  const end = (): void => {
    clearInterval(timer);
    remove();
  };
  return { library, folder, flood: flood.signal, [Symbol.dispose]: end };
}

/**
 * Returns the environment in which a process that is started for the first of these runs executes all of them.
 * @see ld.so(8), LD_PRELOAD
 */
export function forkingEnvironment(
  env: NodeJS.ProcessEnv,
  { library, folder }: Pick<Forking, "library" | "folder">,
  runs: readonly Run[],
): NodeJS.ProcessEnv {
  return {
    ...env,
    LD_PRELOAD: [library, ...(env["LD_PRELOAD"] ? [env["LD_PRELOAD"]] : [])].join(":"),
    INET_SWARM_FORKED_RUNS: runs.map((run) => run.runNumber).join(),
    INET_SWARM_FORK_REPORT: reportIn(folder),
  };
}

/**
 * Returns what each of these runs took and printed.
 * @returns undefined if other runs succeeded, one of them has printed very much, or one has removed a file: the next would
 *   not have found it.
 */
export function readForkedRuns(
  { folder }: Pick<Forking, "folder">,
  runs: readonly Run[],
): ForkedRun[] | undefined {
  try {
    const lines = readFileSync(reportIn(folder), "utf8").trimEnd().split("\n");
    const numbers = lines.map((line) => line.split(" ", 1)[0]);
    if (numbers.join() !== runs.map((run) => run.runNumber).join()) return undefined;
    if (runs.some((run) => statSync(outputIn(folder, run.runNumber)).size > MOST_PRINTED)) return undefined;
    return lines.map((line) => parseLine(line, folder));
  } catch {
    return undefined; // the process has not executed any run
  }
}

function parseLine(line: string, folder: string): ForkedRun {
  const [runNumber, startedAt, finishedAt, cpuTimeMs, peak] = line.split(" ").map(Number);
  return {
    runNumber: runNumber!,
    startedAt: startedAt!,
    wallMs: finishedAt! - startedAt!,
    cpuTimeMs: cpuTimeMs!,
    peakMemoryBytes: peak! * 1024,
    printed: readFileSync(outputIn(folder, runNumber!)),
  };
}

function outputIn(folder: string, runNumber: number): string {
  return `${reportIn(folder)}.${runNumber}`;
}

function reportIn(folder: string): string {
  return path.join(folder, "report");
}
