import { hostname } from "node:os";
import { errorText } from "../errors.ts";
import type { Campaign, RunJob } from "../model/campaign.ts";
import type { RunReport } from "../model/outcome.ts";
import type { RunResult } from "../model/result.ts";
import { YES } from "../model/verdict.ts";
import type { Rebuilder } from "../queue/build-requests.ts";
import { Postponed } from "../queue/postponed.ts";
import type { TakenJob } from "../queue/taken-job.ts";
import { MissingBuild } from "../stores/build-store.ts";
import { diskHasSpace, isDiskFullError } from "../system/disk.ts";
import { firstExisting, remoteText } from "../system/system-error.ts";
import type { Health } from "./health.ts";
import type { DiskSpace } from "./tree/disk-space.ts";
import { isMachineFault, isOfServers, isOfStores } from "./tree/fault-kinds.ts";
import { withoutRunning } from "./execute/runner.ts";
import type { Slot } from "./tree/slot.ts";
import { SharedFilesChanged } from "./tree/slot-tree.ts";

export interface FaultContext {
  health: Pick<Health, "judge" | "isWell">;
  rebuilder: Rebuilder;
  diskSpace: Pick<DiskSpace, "diskWasFull">;
  onError: (error: Error) => void;
}

/** A run that was taken from the queue and cannot be executed here now. */
export interface TroubledRun {
  taken: TakenJob;
  job: RunJob;
  campaign: Campaign;
  slot: Slot;
}

/** Changes to the data of a job, and whether a source or build is missing in the swarm. */
type Changes = { lacks?: boolean } & Pick<RunJob, "troubles" | "diskFull" | "isPrivate">;

/** Pause before a requeued job may be taken again, so that another machine can take it first. */
export const HAND_OVER_MS = 1000;
/** Pause after the first failed attempt to start a run; each further pause is DELAY_FACTOR times as long. */
const FIRST_DELAY_MS = 1000;
const DELAY_FACTOR = 4;
const LONGEST_DELAY_MS = 60_000;
/** Interval at which a runner checks whether a build in progress has finished. */
export const BUILD_DELAY_MS = 3000;
/**
 * Minimum number of retries for a run that could not start, even if the user wants fewer retries after lost
 * workers.
 */
export const LEAST_RETRIES = 3;
/** Maximum number of attempts that fill the disk: the run itself may be the cause. */
const DISK_FULL_TRIES = 3;

/**
 * Requeues a run that could not be executed here. If this machine is the cause, the attempt does not count
 * against the run. Otherwise the run is retried after growing pauses, until the limit is reached.
 * @returns the result of a run that is not retried any more.
 * @throws {Postponed} if the run is to be retried.
 */
export async function requeueRun(
  error: unknown,
  run: TroubledRun,
  context: FaultContext,
): Promise<RunResult> {
  const { health, onError } = context;
  onError(error as Error);
  if (isDiskFullError(error)) return await requeueForDiskSpace(error, run, context);
  const renewed = isOfServers(error)
    ? undefined
    : await run.slot.renew().catch((failure: unknown) => failure);
  const here = isOfStores(error) ? YES : await health.judge(renewed ?? error, isMachineFault(error));
  if (!here.ok) throw postponed(run, here.reason, HAND_OVER_MS);
  if (!isMachineFault(error)) return notStarted(error);
  const obstacle = await obstacleOf(error, context);
  if (obstacle.state === "building") throw postponed(run, errorText(error), BUILD_DELAY_MS, { lacks: true });
  return retry(run, obstacle.reason, {
    ...(isOfStores(error) && { lacks: true }),
    ...(error instanceof SharedFilesChanged && { isPrivate: true }),
  });
}

/** What prevents a job from being executed. While a missing build is in progress, nothing counts against a run. */
type Obstacle = { state: "building" } | { state: "trouble"; reason: string };

/** Returns what prevents a job from being executed, after requesting its missing build again. */
export async function obstacleOf(
  error: unknown,
  { rebuilder }: Pick<FaultContext, "rebuilder">,
): Promise<Obstacle> {
  const reason = errorText(error);
  if (!(error instanceof MissingBuild)) return { state: "trouble", reason };
  const rebuilding = await rebuilder.ask(error.key);
  if (rebuilding.state === "under way") return { state: "building" };
  if (rebuilding.state === "failed")
    return { state: "trouble", reason: `${reason}, and its builder reported: ${rebuilding.reason}` };
  return { state: "trouble", reason };
}

/** Returns the result of a run whose retries are used up, and postpones any other run. */
function retry(run: TroubledRun, reason: string, changes: Changes): RunResult {
  const { job, campaign } = run;
  const troubles = [...(job.troubles ?? []), withHostname(reason)];
  if (troubles.length > Math.max(campaign.retries, LEAST_RETRIES))
    return withoutRunning("lost", `no worker could start it: ${distinct(troubles)}`);
  throw postponed(run, reason, pauseAfter(troubles), { ...changes, troubles });
}

/**
 * Returns how long to wait before a job is retried, in ms.
 * @param troubles reasons of its failed attempts.
 */
export function pauseAfter(troubles: readonly string[]): number {
  return Math.min(FIRST_DELAY_MS * DELAY_FACTOR ** (troubles.length - 1), LONGEST_DELAY_MS);
}

/** Returns a reason with the name of this machine. */
export function withHostname(reason: string): string {
  return `${hostname()}: ${reason}`;
}

/**
 * Requeues a run that met a full disk. If there is free space after its files have been removed, the run
 * itself filled the disk, so the number of its attempts is limited.
 */
async function requeueForDiskSpace(
  error: unknown,
  run: TroubledRun,
  { diskSpace }: FaultContext,
): Promise<RunResult> {
  await run.slot.renew().catch(() => undefined); // may fail on a full disk
  diskSpace.diskWasFull();
  const disks = [run.slot.directory, ...placesOf(error)];
  if (!disks.every(diskHasSpace)) throw postponed(run, errorText(error), HAND_OVER_MS);
  const tries = (run.job.diskFull ?? 0) + 1;
  if (tries < DISK_FULL_TRIES) throw postponed(run, errorText(error), HAND_OVER_MS, { diskFull: tries });
  return notStarted(error);
}

/** Returns the result of a run that cannot be started, which is not the fault of this machine. */
export function notStarted(error: unknown): RunResult {
  return withoutRunning("crashed", `the worker could not start it: ${remoteText(error)}`);
}

/** Returns the paths to which an operating-system error refers: the store of results may be full, too. */
function placesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const { path: file, dest } = error as NodeJS.ErrnoException & { dest?: string };
  const places = [file, dest].filter((place) => place !== undefined).map(firstExisting);
  return [...places, ...placesOf(error.cause)];
}

/** Reports why a run is requeued, and returns the error that requeues it. */
function postponed(
  { taken, job }: TroubledRun,
  reason: string,
  delayMs: number,
  { lacks = false, ...changes }: Changes = {},
): Postponed {
  const report: RunReport = { type: "held", held: withHostname(reason), ...(lacks && { lacks: true }) };
  taken.report(report);
  return new Postponed(delayMs, Object.keys(changes).length > 0 ? { ...job, ...changes } : undefined);
}

/**
 * Returns the reason for a run whose workers were lost.
 * @param troubles reasons why other workers could not start it.
 */
export function lostReason(times: number, troubles: readonly string[] = []): string {
  const often = times === 1 ? "" : ` ${times} times`;
  const others = troubles.length === 0 ? "" : `; other problems: ${distinct(troubles)}`;
  return `its worker was lost${often}${others}`;
}

/** Returns each reason once, in the order of their first occurrence. */
export function distinct(troubles: readonly string[]): string {
  return [...new Set(troubles)].join("; ");
}
