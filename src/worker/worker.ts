import { mkdir } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { BuildRequestSchema, type BuildAnswer } from "../model/build.ts";
import { runJobId, RunJobSchema, type Campaign, type RunJob } from "../model/campaign.ts";
import type { Held } from "../model/outcome.ts";
import type { RunResult } from "../model/result.ts";
import { openCampaignState, type CampaignState } from "../queue/campaign-state.ts";
import { consume } from "../queue/consumer.ts";
import { openLiveOutput, type LiveOutput } from "../queue/live-output.ts";
import { BUILD_QUEUE, RUN_QUEUE, type QueueConnection } from "../queue/names.ts";
import type { HeldJob, JoinedJob, TakenJob } from "../queue/taken-job.ts";
import type { BuildStore } from "../results/build-store.ts";
import type { SourceStore } from "../results/source-store.ts";
import type { ResultStore } from "../results/store.ts";
import { isDiskFullError } from "../system/disk.ts";
import { parseOrExplain } from "../system/json.ts";
import { acquireLock } from "../system/lock.ts";
import { remoteText } from "../system/system-error.ts";
import { makeBatch } from "./batch.ts";
import { Batches } from "./batches.ts";
import { build } from "./builder.ts";
import { Dependencies } from "./dependencies.ts";
import { Repositories } from "./repositories.ts";
import { makeRun, withoutRunning, type RunnerDependencies, type Surroundings } from "./runner.ts";
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
        return { ok: false, command: "preparing the build", log: "", reason: remoteText(error) };
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
  const deps = {
    builds: options.builds,
    results: options.results,
    batches: new Batches(options.concurrency),
    graceMs: GRACE_MS,
  };
  await consume({
    ...options,
    queue: RUN_QUEUE,
    slots: slots.length,
    mayTake: room.mayBegin,
    handle: (job, slot) => handleRun(job, slots[slot]!, { campaigns, output, room, deps, ...options }),
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

interface RunContext extends WorkerOptions {
  campaigns: CampaignState;
  output: LiveOutput;
  room: Room;
  deps: RunnerDependencies;
}

/**
 * Whatever goes wrong on this side is an answer, not an error: a job that throws would come again for ever.
 * Only where the disk is full it is handed back, to be made when there is room or by another worker.
 */
async function handleRun(taken: TakenJob, slot: Slot, context: RunContext): Promise<RunResult> {
  try {
    const job = parseJob(taken);
    using watch = context.campaigns.watch(job.campaign);
    if (await context.campaigns.isCancelled(job.campaign)) return withoutRunning("cancelled", "cancelled");
    const campaign = await context.campaigns.find(job.campaign);
    if (taken.lost > campaign.retries) {
      const often = taken.lost === 1 ? "" : ` ${taken.lost} times`;
      return withoutRunning("lost", `its worker vanished${often}`);
    }
    const where = {
      campaign,
      slot,
      release: taken.release,
      cancelled: watch.signal,
      abandoned: taken.signal,
    };
    const result =
      (await runBatch(taken, job, where, context)) ?? (await runAlone(taken, job, where, context));
    if (campaign.stopOnError && result.outcome.state !== "done") await context.campaigns.cancel(campaign.id);
    return result;
  } catch (error) {
    if (taken.signal.aborted) throw error;
    if (isDiskFullError(error) && taken.attempt < DISK_FULL_TRIES) {
      context.room.diskWasFull();
      taken.report({ held: remoteText(error) } satisfies Held);
      throw error;
    }
    context.onError(error as Error);
    return withoutRunning("crashed", `the worker could not run it: ${remoteText(error)}`);
  }
}

function parseJob(held: HeldJob): RunJob {
  return parseOrExplain(RunJobSchema, held.data, "queued run");
}

async function runAlone(
  { id, attempt, report }: TakenJob,
  job: RunJob,
  where: Surroundings,
  { output, deps }: RunContext,
): Promise<RunResult> {
  await using live = output.open(id);
  const print = (text: string): void => live.write(text);
  return await makeRun({ ...where, job, attempt, report, print }, deps);
}

/**
 * Makes a run together with others that wait, where they are short enough. One whose worker has vanished may be the
 * reason for that: it goes by itself.
 * @returns undefined where it is to be made alone; the others are in the queue again then.
 */
async function runBatch(
  taken: TakenJob,
  job: RunJob,
  where: Surroundings,
  { deps }: RunContext,
): Promise<RunResult | undefined> {
  const { campaign } = where;
  if (taken.lost > 0 || deps.batches.size(campaign, Infinity) === 1) return undefined;
  const others = await joinOthers(taken, campaign, deps.batches);
  if (others.length === 0) return undefined;
  const abandoned = AbortSignal.any([taken.signal, ...others.map((other) => other.signal)]);
  const jobs = others.map((other) => ({ job: parseJob(other), attempt: other.attempt }));
  const batch = { ...where, abandoned, jobs: [{ job, attempt: taken.attempt }, ...jobs] as const };
  const results = await makeBatch(batch, deps).catch((error: unknown) => {
    if (abandoned.aborted && !taken.signal.aborted) return undefined; // one of the others was lost
    throw error;
  });
  if (results === undefined) {
    if (!abandoned.aborted) deps.batches.forbid(campaign);
    await Promise.all(others.map((other) => other.handBack()));
    return undefined;
  }
  await Promise.all(others.map((other, at) => other.complete(results[at + 1]!)));
  return results[0];
}

/** Those that do not pass for ordinary runs are handed back: each tells by itself what is wrong with it. */
async function joinOthers(taken: TakenJob, campaign: Campaign, batches: Batches): Promise<JoinedJob[]> {
  const prefix = runJobId(campaign.id, 0).slice(0, -1);
  const size = (waiting: number): number => batches.size(campaign, waiting) - 1;
  const others = await taken.join(size, (id) => id.startsWith(prefix));
  const ordinary = others.filter(({ lost, data }) => lost === 0 && v.is(RunJobSchema, data));
  const strange = others.filter((other) => !ordinary.includes(other));
  await Promise.all(strange.map((other) => other.handBack()));
  return ordinary;
}
