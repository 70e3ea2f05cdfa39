import { hostname } from "node:os";
import { errorText, UserError } from "../errors.ts";
import type { Campaign, RunJob } from "../model/campaign.ts";
import type { RunReport } from "../model/outcome.ts";
import type { RunResult } from "../model/result.ts";
import { YES } from "../model/verdict.ts";
import { CheckoutFailed } from "../project/git/checkout.ts";
import type { Rebuilder } from "../queue/build-requests.ts";
import { Postponed } from "../queue/postponed.ts";
import type { TakenJob } from "../queue/taken-job.ts";
import { MissingBuild } from "../stores/build-store.ts";
import { MissingSource } from "../stores/source-store.ts";
import { DiskFullError, diskHasSpace, isDiskFullError } from "../system/disk.ts";
import { LockedError } from "../system/lock.ts";
import { firstThere, remoteText } from "../system/system-error.ts";
import type { Health } from "./health.ts";
import { OtherOmnetpp } from "./build/omnetpp.ts";
import type { DiskSpace } from "./tree/disk-space.ts";
import { withoutRunning } from "./execute/runner.ts";
import type { Slot } from "./tree/slot.ts";
import { SharedFilesChanged, TreeLost } from "./tree/slot-tree.ts";

export interface TroubleContext {
  health: Pick<Health, "judge" | "isWell">;
  rebuilder: Rebuilder;
  diskSpace: Pick<DiskSpace, "diskWasFull">;
  onError: (error: Error) => void;
}

/** A run that has been taken from the queue and cannot be made here now. */
export interface TroubledRun {
  taken: TakenJob;
  job: RunJob;
  campaign: Campaign;
  slot: Slot;
}

/** What becomes part of the job, and whether the swarm lacks something. */
type Changes = { lacks?: boolean } & Pick<RunJob, "troubles" | "diskFull" | "isPrivate">;

/** Another machine may have the run meanwhile; where there is none, this one tries again after this time. */
export const HAND_OVER_MS = 1000;
/** Pause after the first trouble with a run; each further one is so many times as long. */
const FIRST_DELAY_MS = 1000;
const DELAY_FACTOR = 4;
const LAST_DELAY_MS = 60_000;
/** Until a runner looks again for a build that is being made. */
export const BUILD_DELAY_MS = 3000;
/** A run is tried so often at least, whatever the user says of lost workers: nothing of it has been executed yet. */
export const LEAST_RETRIES = 3;
/** It may be the run itself that fills the disk: not more often than this. */
const DISK_FULL_TRIES = 3;

/**
 * Whether an error says nothing of the run, but of this machine, its servers or what they keep. What else the user is
 * to be told (a program that cannot be started, say) is the end of the run.
 */
export function isOwnTrouble(error: unknown): boolean {
  const own = [
    MissingBuild,
    MissingSource,
    CheckoutFailed,
    DiskFullError,
    LockedError,
    OtherOmnetpp,
    TreeLost,
  ];
  return !(error instanceof UserError) || own.some((kind) => error instanceof kind) || isDiskFullError(error);
}

/**
 * Gives a run back to the queue that cannot be made here. If this machine is not well, that does not count against the
 * run; else it is tried again after a growing pause, until it is given up.
 * @returns the answer for a run that is given up.
 * @throws {Postponed} where it is to be tried again.
 */
export async function requeueRun(
  error: unknown,
  run: TroubledRun,
  context: TroubleContext,
): Promise<RunResult> {
  const { health, onError } = context;
  onError(error as Error);
  if (isDiskFullError(error)) return await requeueForDiskSpace(error, run, context);
  const renewed = isOfStores(error) ? undefined : await run.slot.renew().catch((failure: unknown) => failure);
  const here = isOfStores(error) ? YES : await health.judge(renewed ?? error, isOwnTrouble(error));
  if (!here.ok) throw held(run, here.reason, HAND_OVER_MS);
  if (!isOwnTrouble(error)) return notStarted(error);
  const obstacle = await obstacleOf(error, context);
  if (obstacle.state === "building") throw held(run, errorText(error), BUILD_DELAY_MS, { lacks: true });
  return tryAgain(run, obstacle.reason, {
    ...(isOfStores(error) && { lacks: true }),
    ...(error instanceof SharedFilesChanged && { isPrivate: true }),
  });
}

/** It is the swarm's stores that lack something, on whichever machine the run is tried. */
export function isOfStores(error: unknown): boolean {
  return error instanceof MissingBuild || error instanceof MissingSource;
}

/** What keeps a job from being executed. A build that it lacks takes as long as it takes. */
type Obstacle = { state: "building" } | { state: "trouble"; reason: string };

export async function obstacleOf(
  error: unknown,
  { rebuilder }: Pick<TroubleContext, "rebuilder">,
): Promise<Obstacle> {
  const reason = errorText(error);
  if (!(error instanceof MissingBuild)) return { state: "trouble", reason };
  const rebuilding = await rebuilder.ask(error.key);
  if (rebuilding.state === "under way") return { state: "building" };
  if (rebuilding.state === "failed")
    return { state: "trouble", reason: `${reason}, and its builder reported: ${rebuilding.reason}` };
  return { state: "trouble", reason };
}

function tryAgain(run: TroubledRun, reason: string, changes: Changes): RunResult {
  const { job, campaign } = run;
  const troubles = [...(job.troubles ?? []), withHostname(reason)];
  if (troubles.length > Math.max(campaign.retries, LEAST_RETRIES))
    return withoutRunning("lost", `no worker could start it: ${distinct(troubles)}`);
  throw held(run, reason, pauseAfter(troubles), { ...changes, troubles });
}

/** How long a job rests that could not be done so often, in ms. */
export function pauseAfter(troubles: readonly string[]): number {
  return Math.min(FIRST_DELAY_MS * DELAY_FACTOR ** (troubles.length - 1), LAST_DELAY_MS);
}

/** A reason with the name of this machine. */
export function withHostname(reason: string): string {
  return `${hostname()}: ${reason}`;
}

/** The tree is gone by now: if there is room then, it was the run itself that filled the disk. */
async function requeueForDiskSpace(
  error: unknown,
  run: TroubledRun,
  { diskSpace }: TroubleContext,
): Promise<RunResult> {
  await run.slot.renew().catch(() => undefined); // on a full disk that may fail, too
  diskSpace.diskWasFull();
  const disks = [run.slot.directory, ...placesOf(error)];
  if (!disks.every(diskHasSpace)) throw held(run, errorText(error), HAND_OVER_MS);
  const tries = (run.job.diskFull ?? 0) + 1;
  if (tries < DISK_FULL_TRIES) throw held(run, errorText(error), HAND_OVER_MS, { diskFull: tries });
  return notStarted(error);
}

/** The answer for a run that cannot be started, which is not the fault of this machine. */
export function notStarted(error: unknown): RunResult {
  return withoutRunning("crashed", `the worker could not start it: ${remoteText(error)}`);
}

/** Where an error of the operating system has happened: also the store of results may be full. */
function placesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const { path: file, dest } = error as NodeJS.ErrnoException & { dest?: string };
  const places = [file, dest].filter((place) => place !== undefined).map(firstThere);
  return [...places, ...placesOf(error.cause)];
}

function held(
  { taken, job }: TroubledRun,
  reason: string,
  delayMs: number,
  { lacks = false, ...changes }: Changes = {},
): Postponed {
  const report: RunReport = { type: "held", held: withHostname(reason), ...(lacks && { lacks: true }) };
  taken.report(report);
  return new Postponed(delayMs, Object.keys(changes).length > 0 ? { ...job, ...changes } : undefined);
}

/** Why a run is lost whose workers have vanished. @param troubles of those that could not run it. */
export function lostReason(times: number, troubles: readonly string[] = []): string {
  const often = times === 1 ? "" : ` ${times} times`;
  const others = troubles.length === 0 ? "" : `; other problems: ${distinct(troubles)}`;
  return `its worker was lost${often}${others}`;
}

/** Each reason once, in the order in which they came. */
export function distinct(troubles: readonly string[]): string {
  return [...new Set(troubles)].join("; ");
}
