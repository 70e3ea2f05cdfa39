import { mkdir } from "node:fs/promises";
import path from "node:path";
import { errorText } from "../errors.ts";
import { BuildRequestSchema, type BuildAnswer } from "../model/build.ts";
import { RunJobSchema } from "../model/campaign.ts";
import type { Held } from "../model/outcome.ts";
import type { RunResult } from "../model/result.ts";
import { openCampaignState, type CampaignState } from "../queue/campaign-state.ts";
import { consume, type TakenJob } from "../queue/consumer.ts";
import { openLiveOutput, type LiveOutput } from "../queue/live-output.ts";
import { BUILD_QUEUE, RUN_QUEUE, type QueueConnection } from "../queue/names.ts";
import type { BuildStore } from "../results/build-store.ts";
import type { SourceStore } from "../results/source-store.ts";
import type { ResultStore } from "../results/store.ts";
import { isDiskFullError } from "../system/disk.ts";
import { parseOrExplain } from "../system/json.ts";
import { acquireLock } from "../system/lock.ts";
import { build } from "./builder.ts";
import { Dependencies } from "./dependencies.ts";
import { Repositories } from "./repositories.ts";
import { makeRun, withoutRunning } from "./runner.ts";
import { roomFor, type Room } from "./room.ts";
import { Slot, slotsDirectory } from "./slot.ts";

export interface WorkerOptions {
  connection: QueueConnection;
  /** Where working trees lie. */
  directory: string;
  builds: BuildStore;
  sources: SourceStore;
  results: ResultStore;
  /** Name of the service that compiles for the builder on other nodes, if there is one. */
  compilers?: string | undefined;
  /** Until another worker may take the job of one that shows no sign of life. */
  lockMs: number;
  onError: (error: Error) => void;
  signal: AbortSignal;
}

const GRACE_MS = 10_000;
const SLOT_LOCK_TIMEOUT_MS = 30_000;
/** It may be the run itself that fills the disk: not more often than this. */
const DISK_FULL_TRIES = 3;

/** Works on the queue `build`, one build at a time, until the signal. */
export async function runBuilder(options: WorkerOptions): Promise<void> {
  const directory = path.join(options.directory, "builder");
  const repositories = repositoriesOf(options);
  const dependencies = new Dependencies(options.directory, options.builds, repositories);
  await consume({
    ...options,
    queue: BUILD_QUEUE,
    concurrency: 1,
    slots: 1,
    onRefused: () => Promise.resolve(),
    handle: async (job): Promise<BuildAnswer> => {
      try {
        const request = parseOrExplain(BuildRequestSchema, job.data, "queued build");
        const { builds, compilers } = options;
        return await build(request, { directory, builds, repositories, dependencies, compilers }, job.signal);
      } catch (error) {
        if (job.signal.aborted) throw error;
        return { ok: false, command: "preparing the build", log: "", reason: errorText(error) };
      }
    },
  });
}

/** Builder and runner of a machine share them. */
function repositoriesOf({ directory, sources }: WorkerOptions): Repositories {
  return new Repositories(path.join(directory, "repositories"), sources);
}

/** Works on the queue `run`, as many runs at once as told, until the signal. */
export async function runRunner(options: WorkerOptions & { concurrency: number }): Promise<void> {
  const directory = slotsDirectory(options.directory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await using _ = await acquireLock(path.join(directory, "lock"), {
    timeoutMs: SLOT_LOCK_TIMEOUT_MS,
    signal: options.signal,
  });
  const repositories = repositoriesOf(options);
  const slots = await Promise.all(
    Array.from({ length: options.concurrency + spareSlots(options.concurrency) }, (_, slot) =>
      Slot.take(path.join(directory, String(slot)), options.builds, repositories),
    ),
  );
  await using output = openLiveOutput(options.connection, options.onError);
  await using campaigns = await openCampaignState(options.connection, options.onError);
  const room = roomFor({ ...options, directory, caches: [options.builds, repositories] });
  await consume({
    ...options,
    queue: RUN_QUEUE,
    slots: slots.length,
    mayTake: room.mayBegin,
    handle: (job, slot) => handleRun(job, slots[slot]!, { campaigns, output, room, ...options }),
    onRefused: async (value) => {
      const { stored } = value as RunResult;
      if (stored !== undefined) await options.results.remove(stored);
    },
  });
}

/** Room for the runs that have ended and whose files are being looked for and stored. */
function spareSlots(concurrency: number): number {
  return Math.ceil(concurrency / 2);
}

/**
 * Whatever goes wrong on this side is an answer, not an error: a job that throws would come again for ever.
 * Only where the disk is full it is handed back, to be made when there is room or by another worker.
 */
async function handleRun(
  taken: TakenJob,
  slot: Slot,
  context: WorkerOptions & { campaigns: CampaignState; output: LiveOutput; room: Room },
): Promise<RunResult> {
  try {
    const job = parseOrExplain(RunJobSchema, taken.data, "queued run");
    using watch = context.campaigns.watch(job.campaign);
    if (await context.campaigns.isCancelled(job.campaign)) return withoutRunning("cancelled", "cancelled");
    const campaign = await context.campaigns.find(job.campaign);
    if (taken.lost > campaign.retries) {
      const often = taken.lost === 1 ? "" : ` ${taken.lost} times`;
      return withoutRunning("lost", `its worker vanished${often}`);
    }
    const { attempt, signal: abandoned, report, release } = taken;
    const deps = { builds: context.builds, results: context.results, graceMs: GRACE_MS };
    await using live = context.output.open(taken.id);
    const print = (text: string): void => live.write(text);
    const result = await makeRun(
      { job, campaign, attempt, slot, report, print, release, cancelled: watch.signal, abandoned },
      deps,
    );
    if (campaign.stopOnError && result.outcome.state !== "done") await context.campaigns.cancel(campaign.id);
    return result;
  } catch (error) {
    if (taken.signal.aborted) throw error;
    if (isDiskFullError(error) && taken.attempt < DISK_FULL_TRIES) {
      context.room.diskWasFull();
      taken.report({ held: errorText(error) } satisfies Held);
      throw error;
    }
    context.onError(error as Error);
    return withoutRunning("crashed", `the worker could not run it: ${errorText(error)}`);
  }
}
