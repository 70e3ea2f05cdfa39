import { access, constants } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { errorText, UserError } from "../../errors.ts";
import type { Dependency, Source } from "../../model/build.ts";
import { newCampaignId, type Campaign } from "../../model/campaign.ts";
import type { CampaignEvent } from "../../model/events.ts";
import { openQueueClient } from "../../queue/client.ts";
import type { QueueConnection } from "../../queue/names.ts";
import type { BuildStore } from "../../stores/build-store.ts";
import type { SourceStore } from "../../stores/source-store.ts";
import type { ResultStore } from "../../stores/store.ts";
import { makeFolders, removeEmptyFolders } from "../../system/files.ts";
import { checkProducts } from "../plan/check-products.ts";
import { warnOfAbsoluteParameters } from "../plan/absolute-parameters.ts";
import { lockCampaign, lockQueueing } from "../collect/campaign-lock.ts";
import { findFinished, shiftWarning, type Findings } from "./find-finished.ts";
import { planForOtherMachines } from "../plan/for-other-machines.ts";
import { followCampaign, removeTemporaryFiles, type FollowedCampaign } from "../collect/follow-campaign.ts";
import { ensureDependencies } from "./ensure-dependencies.ts";
import { identityOf } from "../plan/identity.ts";
import { refuseAppending, refuseUnwritable } from "../plan/outputs.ts";
import { equalCampaigns } from "./join-running.ts";
import { withLeftOutHint, warnOfLeftOut, warnOfVersions } from "../plan/left-out.ts";
import { removeOldNotes, writeNote } from "../collect/notes.ts";
import { describeOutdated } from "./outdated.ts";
import type { CampaignLimits, CampaignPlan } from "../plan/plan.ts";
import { ensureBuild, type BuildSession } from "./prepare-build.ts";
import { endedWithoutQueueing, runsLeft, studyOf, type RunsLeft } from "./runs-left.ts";
import { sendSource } from "./send-source.ts";
import { writeManifest } from "../collect/source-manifest.ts";
import { longestFirst } from "../../model/run-order.ts";
import { explainSystemError } from "../../system/system-error.ts";
import { userName } from "../../system/user.ts";

/** What a campaign needs from the swarm. */
export interface CampaignSwarm {
  queue: QueueConnection;
  builds: BuildStore;
  sources: SourceStore;
  results: ResultStore;
  /** Aborted when the swarm has been removed, so that whatever waits for it fails. */
  gone?: AbortSignal | undefined;
}

export interface CampaignOptions {
  /** Return when all runs are queued; the user attaches later to collect them. */
  detach: boolean;
  /** Rerun runs that have already completed. */
  rerun?: boolean;
}

interface CampaignRequest {
  plan: CampaignPlan;
  identity: string;
  options: CampaignLimits & CampaignOptions;
}

/**
 * Runs a campaign, from its build to the last result in the study.
 * @param here plan for this machine.
 * @param interrupt when aborted, queued runs are cancelled, running
 *   simulations are stopped, and completed runs are collected.
 * @throws {UserError} if the build fails, results cannot be stored in the study, or another process is
 *   collecting the same runs.
 */
export async function* runCampaign(
  here: CampaignPlan,
  swarm: CampaignSwarm,
  interrupt: AbortSignal,
  options: CampaignLimits & CampaignOptions,
): AsyncGenerator<CampaignEvent> {
  const plan = planFor(swarm.sources, here);
  yield { type: "expanded", config: plan.campaign.config, runs: plan.runs.length };
  const createdFolders = await ensureWritable(plan.resultDirectory);
  try {
    yield* runPlan(plan, swarm, interrupt, options);
  } finally {
    await removeEmptyFolders(createdFolders); // a failed build leaves nothing in the study
  }
}

async function* runPlan(
  plan: CampaignPlan,
  swarm: CampaignSwarm,
  interrupt: AbortSignal,
  options: CampaignLimits & CampaignOptions,
): AsyncGenerator<CampaignEvent> {
  const startedAt = performance.now();
  refuseUnwritable(plan.outputs.outside);
  if (!swarm.sources.sharesDisk) yield* warnOfAbsoluteParameters(plan.expansion.configuration);
  const identity = await identityOf(plan);
  // even if all runs have completed, and no campaign is followed
  await removeTemporaryFiles(plan.resultDirectory);
  await using queue = await openQueueClient(swarm.queue, swarm.gone);
  const { rerun = false, detach, ...limits } = options;
  const request = { plan, identity, options };
  const { builds, sources, results: store } = swarm;
  const session = { queue, store, builds, sources, interrupt };
  const restore = (): AsyncGenerator<CampaignEvent> => provide(plan, session);
  for (let queued: FollowedCampaign | undefined; queued === undefined;) {
    const question = { plan, identity, rerun, detach, restore, limits };
    const left = yield* runsLeft(question, session);
    if (left.open.length === 0 || (interrupt.aborted && left.joined !== undefined)) {
      const isDetached = left.joined !== undefined && left.joined.detached.size > 0;
      if (!isDetached) yield endedWithoutQueueing(plan, left, performance.now() - startedAt);
      return;
    }
    queued = yield* prepareAndQueue(request, left, session);
    if (queued === undefined) continue; // another client has queued or completed some of the runs
    yield { type: "queued", campaign: queued.campaign.id, runs: left.open.length };
    if (!detach) yield* followCampaign({ ...queued, restore }, session);
  }
}

/**
 * Provides the workers with what the runs need, and queues the runs.
 * @returns undefined if another client has queued or completed some of them in the meantime.
 */
async function* prepareAndQueue(
  { plan, identity, options }: CampaignRequest,
  { open, failed, seen, times }: RunsLeft,
  session: BuildSession,
): AsyncGenerator<CampaignEvent, FollowedCampaign | undefined> {
  const { queue, interrupt } = session;
  const { detach, rerun, ...limits } = options;
  refuseAppending(plan.outputs.appendedTo, new Set(open.map((run) => run.runNumber)));
  yield* warnOfLeftOut(plan.leftOut);
  yield* warnOfVersions(plan.dependencies);
  const { source, dependencies, buildKey } = yield* provide(plan, session);
  const execution = await checkProducts(plan, { ...dependencies, buildKey }, session.builds);
  const skipped = plan.runs.length - open.length - failed.length;
  const amount = { runs: open.length, ...(skipped > 0 && { skipped }) };
  const known = { ...plan.campaign, ...execution, ...limits, ...dependencies, ...amount };
  const campaign = newCampaign({ ...known, source, buildKey, identity });
  const study = studyOf(plan);
  await using _queueing = await lockQueueing(study, interrupt);
  if (rerun !== true && (await isOvertaken({ ...plan, runs: open }, identity, { seen, session })))
    return undefined;
  const lock = detach ? undefined : await lockCampaign(study, campaign);
  try {
    await writeManifest(plan.resultDirectory, plan.code.tree, plan.code.entries);
    await removeOldNotes();
    await writeNote({ campaign, study, collected: false });
    const position = await queue.position();
    interrupt.throwIfAborted();
    const { runs } = longestFirst(open, times);
    await queue.add(campaign, runs, (run) => times.predict(run));
    const followed = { campaign, study, open: runs, unstarted: [], cancelled: false, position, times };
    return { ...followed, earlier: failed, ...(lock && { lock }) };
  } catch (error) {
    await lock?.[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Returns whether another client has queued or completed some of the runs since they were found to be open. The queue
 * is asked first: a run is recorded before it leaves the queue.
 */
async function isOvertaken(
  plan: CampaignPlan,
  identity: string,
  { seen, session }: { seen: ReadonlySet<string>; session: BuildSession },
): Promise<boolean> {
  const equal = await equalCampaigns({ study: studyOf(plan), identity, runs: plan.runs }, session.queue);
  if (equal.some(({ note }) => !seen.has(note.campaign.id))) return true;
  const { there } = await findFinished(plan, identity, session.interrupt);
  return there.length > 0;
}

interface Provided {
  source: Source;
  dependencies: { dependencies?: Dependency[] };
  buildKey: string;
}

/** Provides the swarm with the sources and builds of a plan. */
async function* provide(plan: CampaignPlan, session: BuildSession): AsyncGenerator<CampaignEvent, Provided> {
  const source = yield* sendSource(plan.code, session.sources, session.interrupt);
  const dependencies = yield* ensureDependencies({ ...plan, source }, session);
  const build = { ...plan.build, ...dependencies };
  const building = ensureBuild({ ...plan, build, source }, session);
  const buildKey = yield* withLeftOutHint(building, plan.leftOut);
  return { source, dependencies, buildKey };
}

/** Returns the plan for the workers that use a source store. */
function planFor(sources: Pick<SourceStore, "sharesDisk">, plan: CampaignPlan): CampaignPlan {
  return sources.sharesDisk ? plan : planForOtherMachines(plan);
}

/**
 * Returns which of a plan's runs have completed, without using a swarm.
 * @param here plan for this machine.
 */
export async function lookForFinished(
  here: CampaignPlan,
  sources: Pick<SourceStore, "sharesDisk">,
  signal: AbortSignal,
): Promise<Findings & { events: CampaignEvent[] }> {
  const plan = planFor(sources, here);
  const found = await findFinished(plan, await identityOf(plan), signal);
  return { ...found, events: [...shiftWarning(plan, found), ...describeOutdated(plan, found.outdated)] };
}

function newCampaign(known: Omit<Campaign, "id" | "user" | "host" | "createdAt">): Campaign {
  return { ...known, id: newCampaignId(), user: userName(), host: hostname(), createdAt: Date.now() };
}

/**
 * Creates the result directory, and checks before the campaign that it is writable.
 * @returns the folders that did not exist before, outermost first.
 * @throws {UserError} if results could not be written.
 */
async function ensureWritable(directory: string): Promise<string[]> {
  try {
    const createdFolders = await makeFolders(path.join(directory, ".swarm"));
    await access(directory, constants.W_OK);
    await access(path.join(directory, ".swarm"), constants.W_OK);
    return createdFolders;
  } catch (error) {
    const explained = explainSystemError(error);
    const reason = explained?.message ?? errorText(error);
    throw new UserError(`cannot write to the result directory ${directory}: ${reason}`, {
      hint: `${explained?.hint === undefined ? "" : `${explained.hint}; or `}set result-dir to a writable folder, or copy the project to one`,
      cause: error,
    });
  }
}
