import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { RunResult } from "../model/result.ts";
import { openRebuilder } from "../queue/build-requests.ts";
import { openCampaignState } from "../queue/campaign-state.ts";
import { consume } from "../queue/consumer.ts";
import { openLiveOutput } from "../queue/live-output.ts";
import { BUILD_QUEUE, RUN_QUEUE, type QueueConnection } from "../queue/names.ts";
import { openRunLimits } from "../queue/run-limit.ts";
import { openMemoryRecords } from "../queue/memory-records.ts";
import { openTroubleReport } from "../queue/troubles.ts";
import type { BuildStore } from "../stores/build-store.ts";
import type { SourceStore } from "../stores/source-store.ts";
import type { ResultStore } from "../stores/store.ts";
import { removeLeftovers } from "../system/files.ts";
import { acquireLock } from "../system/lock.ts";
import { endProcessesOf } from "../system/marked-processes.ts";
import { Batches } from "./execute/batches.ts";
import { ForkLibrary } from "./execute/forking.ts";
import { concurrentBuilds } from "./build/compilers.ts";
import { Dependencies } from "./tree/dependencies.ts";
import { handleBuild } from "./handle-build.ts";
import { handleRun } from "./handle-run.ts";
import { Health } from "./health.ts";
import { Repositories } from "./tree/repositories.ts";
import { RunMemory } from "./run-memory.ts";
import { watchDiskSpace } from "./tree/disk-space.ts";
import { Slot, slotsDirectory } from "./tree/slot.ts";

export interface WorkerOptions {
  connection: QueueConnection;
  /** Contains the working trees. */
  directory: string;
  builds: BuildStore;
  sources: SourceStore;
  results: ResultStore;
  /** Name of the service that compiles for the builder on other nodes, if there is one. */
  compilers?: string | undefined;
  /** Time without a heartbeat after which another worker may take a job. */
  lockMs: number;
  onError: (error: Error) => void;
  signal: AbortSignal;
}

const GRACE_MS = 10_000;
const SLOT_LOCK_TIMEOUT_MS = 30_000;

/** Executes jobs of the queue `build` until the signal is aborted. */
export async function runBuilder(options: WorkerOptions): Promise<void> {
  const { connection, builds, compilers, onError, signal } = options;
  const directory = path.join(options.directory, "builder");
  const repositories = repositoriesOf(options);
  const dependencies = new Dependencies(options.directory, builds, repositories);
  await using report = openTroubleReport(connection, "builder", onError);
  await using rebuilder = openRebuilder(connection, onError);
  const directories = [directory, folderOf(builds)];
  const health = new Health({ directories, checkStores: () => Promise.resolve(), report, signal });
  await health.untilWell();
  await endProcessesOf(directory); // left by a builder that was killed
  const place = { directory, builds, repositories, dependencies, compilers };
  await consume({
    ...options,
    queue: BUILD_QUEUE,
    concurrency: concurrentBuilds(compilers),
    slots: concurrentBuilds(compilers),
    mayTake: () => health.mayStart(),
    onRefused: () => Promise.resolve(),
    handle: (job) => handleBuild(job, place, { health, rebuilder, onError }),
  });
}

/** Returns the repositories that builder and runner of this machine share. */
function repositoriesOf({ directory, sources }: WorkerOptions): Repositories {
  return new Repositories(path.join(directory, "repositories"), sources);
}

/** Returns the folder in which a store keeps builds on this machine. */
function folderOf(builds: BuildStore): string {
  return path.dirname(builds.logFile("any"));
}

/**
 * Executes jobs of the queue `run` until the signal is aborted.
 * @param options.concurrency number of simulations that run concurrently.
 */
export async function runRunner(options: WorkerOptions & { concurrency: number }): Promise<void> {
  const { connection, concurrency, builds, results, onError, signal } = options;
  const directory = slotsDirectory(options.directory);
  await using report = openTroubleReport(connection, "runner", onError);
  const directories = [options.directory, directory, folderOf(builds)];
  const health = new Health({ directories, checkStores: () => results.check(), report, signal });
  await health.untilWell();
  if (signal.aborted) return;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await using _ = await acquireLock(path.join(directory, "lock"), {
    timeoutMs: SLOT_LOCK_TIMEOUT_MS,
    signal,
  });
  await endProcessesOf(directory);
  const repositories = repositoriesOf(options);
  const slots = await Promise.all(
    Array.from({ length: concurrency + spareSlots(concurrency) }, (_, slot) =>
      Slot.take(path.join(directory, String(slot)), builds, repositories, onError),
    ),
  );
  await removeLeftovers(directory).catch(onError); // folders that a slot could not remove
  await using output = openLiveOutput(connection, onError);
  await using campaigns = await openCampaignState(connection, onError);
  await using limits = openRunLimits(connection, onError);
  await using memoryReport = openTroubleReport(connection, "runner", onError);
  using records = openMemoryRecords(connection, onError);
  using memory = new RunMemory({ records, campaigns, report: memoryReport, signal });
  await using rebuilder = openRebuilder(connection, onError);
  const diskSpace = watchDiskSpace({ ...options, directory, caches: [builds, repositories] });
  const forking = new ForkLibrary(path.join(options.directory, "forking"));
  const deps = { builds, results, batches: new Batches(concurrency, forking), graceMs: GRACE_MS };
  const context = { campaigns, limits, memory, output, rebuilder, diskSpace, health, deps, onError };
  await consume({
    ...options,
    queue: RUN_QUEUE,
    slots: slots.length,
    mayTake: async () => {
      await diskSpace.mayStart();
      await health.mayStart();
      await memory.mayTake();
    },
    handle: (job, slot) => handleRun(job, slots[slot]!, context),
    onRefused: async (value) => {
      const { stored } = value as RunResult;
      if (stored !== undefined) await results.remove(stored);
    },
  });
}

/** Returns the number of extra slots for runs that have ended and whose files are being collected and stored. */
function spareSlots(concurrency: number): number {
  return Math.ceil(concurrency / 2);
}
