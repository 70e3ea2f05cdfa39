import { createWriteStream, existsSync, type WriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { finished } from "node:stream/promises";
import { UserError } from "../../errors.ts";
import { buildKey, filesOf, type BuildAnswer, type BuildRequest } from "../../model/build.ts";
import type { BuildProgress } from "../../model/build-progress.ts";
import { PROTOCOL } from "../../model/protocol.ts";
import type { BuildStore } from "../../stores/build-store.ts";
import { DiskFullError, diskIsFull } from "../../system/disk.ts";
import { linesOf } from "../../system/files.ts";
import { acquireLock } from "../../system/lock.ts";
import { endProcessesOf, MARKER } from "../../system/marked-processes.ts";
import { checkOut } from "../../project/git/checkout.ts";
import { runLogged } from "../../system/program.ts";
import { endOfFile } from "../../system/regular-file.ts";
import { removeTree } from "../../system/remove-tree.ts";
import { compilerCache, withCompilerCache } from "./compiler-cache.ts";
import { ownCompilers, sharedCompilers } from "./compilers.ts";
import { Compilations } from "./compilations.ts";
import { lastBuildTime, noteBuildTime } from "./build-times.ts";
import { filesIn, findProducts, stampTree } from "./build-products.ts";
import type { Dependencies, ProvidedDependency } from "../tree/dependencies.ts";
import { ageDerivedFiles } from "./derived-files.ts";
import { projectEnvironment } from "../tree/environment.ts";
import { checkOmnetpp } from "../tree/omnetpp.ts";
import { freeDiskSpace } from "../tree/free-disk-space.ts";
import { isBeingRemoved } from "../tree/being-removed.ts";
import { isMachineFault } from "../tree/fault-kinds.ts";
import { TreeLost } from "../tree/slot-tree.ts";
import { buildSteps, type Step } from "./recipe.ts";
import type { Repositories } from "../tree/repositories.ts";

/** Length of the part of a log, counted from its end, that the client receives. */
const LOG_BYTES = 1 << 20;
const LOCK_TIMEOUT_MS = 4 * 3600_000;

export interface BuildPlace {
  /** Contains the working trees of builds in progress. */
  directory: string;
  builds: BuildStore;
  repositories: Repositories;
  dependencies: Dependencies;
  /** Name of the service that compiles on other nodes; undefined to compile only on this machine. */
  compilers?: string | undefined;
}

/**
 * Executes a build and stores its products. Does nothing if the build is already stored.
 * A failing build is reported in the answer, with the end of its log.
 * @param report called with the progress of the build, at most twice a second.
 * @throws {DiskFullError}, and other errors that are this machine's fault and not the project's.
 */
export async function build(
  request: BuildRequest,
  where: BuildPlace,
  signal: AbortSignal,
  report: (progress: BuildProgress) => void = () => undefined,
): Promise<BuildAnswer> {
  const startedAt = performance.now();
  const key = buildKey(request);
  await mkdir(where.directory, { recursive: true });
  const lock = path.join(where.directory, `${key}.lock`);
  await using _ = await acquireLock(lock, { timeoutMs: LOCK_TIMEOUT_MS, signal });
  const took = (): number => Math.round(performance.now() - startedAt);
  if (await where.builds.find(key)) return { ok: true, tookMs: took() };
  await freeDiskSpace(where.directory, [
    where.builds,
    where.repositories,
    compilerCache(cacheIn(where.directory)),
  ]);
  const place = path.join(where.directory, key);
  await removeTree(place); // a killed builder may have left a tree
  const isRemoved = async (): Promise<boolean> =>
    !signal.aborted && (await isBeingRemoved(() => ![lock, place].every((file) => existsSync(file))));
  try {
    using compilations = new Compilations(await lastBuildTime(where.directory, request), report);
    const tree = path.join(place, request.checkoutName);
    const failure = await buildIn(tree, key, request, where, { signal, compilations });
    if (failure !== undefined && (await isRemoved())) throw treeRemoved();
    if (failure !== undefined) return failure;
    await noteBuildTime(where.directory, request, took());
    return { ok: true, tookMs: took() };
  } catch (error) {
    throw !isMachineFault(error) && (await isRemoved()) ? treeRemoved({ cause: error }) : error;
  } finally {
    await endProcessesOf(place);
    await removeTree(place);
  }
}

/** Where compiled files are kept for later builds. */
function cacheIn(directory: string): string {
  return path.join(directory, "ccache");
}

/** How a build is stopped, and where its progress is counted. */
interface Course {
  signal: AbortSignal;
  compilations: Compilations;
}

async function buildIn(
  tree: string,
  key: string,
  request: BuildRequest,
  { directory, builds, repositories, dependencies: shared, compilers: name }: BuildPlace,
  course: Course,
): Promise<BuildAnswer | undefined> {
  const { source } = request;
  const { signal } = course;
  const gitDirectory = await repositories.open(source, signal);
  await checkOut({ gitDirectory, commit: source.commit }, tree, signal);
  await ageDerivedFiles(tree, await filesIn(tree)); // before the products of other builds are linked into the tree
  const project = path.join(tree, request.project);
  const dependencies = await shared.provide(request.dependencies ?? [], tree, signal);
  for (const [name, content] of Object.entries(request.stateFiles ?? {}))
    await writeFile(path.join(project, name), content);
  const { omnetpp, environment, namedEnvironment: named, clientEnvironment: client } = request;
  const env = await projectEnvironment({ project, omnetpp, environment, named, client, dependencies });
  await checkOmnetpp(omnetpp, env);
  const cached = await withCompilerCache(env, tree, cacheIn(directory));
  using compilers = name === undefined ? ownCompilers(cached) : await sharedCompilers(cached, name);
  const logFile = builds.logFile(key);
  await mkdir(path.dirname(logFile), { recursive: true });
  const steps = await buildSteps(request, tree, { jobs: compilers.jobs, dependencies });
  const before = await stampTree(tree);
  const marked = { ...compilers.env, [MARKER]: path.dirname(tree) };
  const failed = await runSteps(steps, marked, logFile, course);
  if (failed !== undefined) {
    const log = await endOf(logFile);
    throwIfMachineFault(tree, log);
    return { ok: false, command: failed, log };
  }
  const inherited = inheritedFrom(dependencies);
  const found = await findProducts(tree, request.mode, before, { inherited, env });
  const nedExclusions = request.nedExclusions ?? (await linesOf(path.join(project, ".nedexclusions")));
  await builds.put(key, tree, { protocol: PROTOCOL, ...found, nedExclusions });
  return undefined;
}

function treeRemoved(options?: { cause: unknown }): TreeLost {
  return new TreeLost("the working tree was removed during the build", options);
}

/**
 * Throws if a build failed because of this machine, not because of the project.
 * @throws {DiskFullError} if the disk is full or read-only, {TreeLost} if the tree no longer exists.
 */
function throwIfMachineFault(tree: string, log: string): void {
  if (!existsSync(tree)) throw treeRemoved();
  const [reason] = /No space left on device|Disk quota exceeded|Read-only file system/.exec(log) ?? [];
  if (reason !== undefined || diskIsFull(tree))
    throw new DiskFullError(`${tree}: ${reason ?? "the disk is full"}`);
}

/** Returns the build products of needed projects in the same checkout. */
function inheritedFrom(dependencies: readonly ProvidedDependency[]): Set<string> {
  const inside = dependencies.filter(({ dependency }) => dependency.source === undefined);
  return new Set(inside.flatMap(({ manifest }) => filesOf(manifest)));
}

/** Executes the steps of a build and returns the title of the one that failed; undefined if all succeeded. */
async function runSteps(
  steps: readonly Step[],
  env: NodeJS.ProcessEnv,
  logFile: string,
  course: Course,
): Promise<string | undefined> {
  const log = createWriteStream(logFile);
  try {
    return await failedStep(steps, env, log, course);
  } finally {
    log.end();
    await finished(log);
  }
}

async function failedStep(
  steps: readonly Step[],
  env: NodeJS.ProcessEnv,
  log: WriteStream,
  course: Course,
): Promise<string | undefined> {
  for (const step of steps) {
    if (await succeeds(step, env, log, course)) continue;
    if (step.orElse === undefined) return titleOf(step);
    const failed = await failedStep(step.orElse, env, log, course);
    if (failed !== undefined) return failed;
  }
  return undefined;
}

async function succeeds(
  step: Step,
  env: NodeJS.ProcessEnv,
  log: WriteStream,
  { signal, compilations }: Course,
): Promise<boolean> {
  log.write(`$ ${titleOf(step)}\n`);
  const { command, args, folder: cwd } = step;
  if (command === "make") await compilations.expect(cwd);
  const onOutput = (text: string): void => compilations.write(text);
  const ended = await runLogged(command, args, { cwd, env: { ...env, ...step.env }, log, signal, onOutput });
  if (ended === "missing") throw new UserError(`${command}: command not found`, missing(command));
  return ended === "succeeded";
}

function titleOf({ title, command, args }: Step): string {
  return title ?? [command, ...args].join(" ");
}

function missing(command: string): { hint: string } {
  if (command === "make")
    return { hint: "install make and a C++ compiler (Debian: apt-get install build-essential)" };
  return { hint: "set up OMNeT++ on the worker's machine: source its setenv script" };
}

async function endOf(file: string): Promise<string> {
  const printed = await endOfFile(file, LOG_BYTES);
  if (printed === undefined) throw new Error(`the log ${file} was removed during the build`);
  return printed.end.toString();
}
