import { access, constants } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import path from "node:path";
import { errorText, UserError } from "../errors.ts";
import { newCampaignId, type Campaign } from "../model/campaign.ts";
import type { CampaignEvent } from "../model/events.ts";
import type { Run } from "../model/run.ts";
import { openQueueClient, type QueueClient } from "../queue/client.ts";
import type { QueueConnection } from "../queue/names.ts";
import type { BuildStore } from "../results/build-store.ts";
import type { SourceStore } from "../results/source-store.ts";
import type { ResultStore } from "../results/store.ts";
import { makeFolders } from "../system/files.ts";
import { checkProducts } from "./check-products.ts";
import type { Study } from "./collect.ts";
import { fetchUncollected } from "./fetch-uncollected.ts";
import { findFinished, shiftWarning, type CampaignWarning, type Findings } from "./find-finished.ts";
import { forOtherMachines } from "./for-other-machines.ts";
import { followCampaign } from "./follow-campaign.ts";
import { ensureDependencies } from "./ensure-dependencies.ts";
import { identityOf } from "./identity.ts";
import { refuseAppending, refuseUnwritable } from "./outputs.ts";
import type { CampaignLimits, CampaignPlan } from "./plan.ts";
import { ensureBuild } from "./prepare-build.ts";
import { sendSource } from "./send-source.ts";

/** What a campaign needs of the swarm. */
export interface CampaignSwarm {
  queue: QueueConnection;
  builds: BuildStore;
  sources: SourceStore;
  results: ResultStore;
}

export interface CampaignManner {
  /** End when all runs are queued; somebody attaches later and collects. */
  detach: boolean;
  /** Make runs again whose results are there. */
  rerun?: boolean;
}

/**
 * The whole story of a campaign, from its build to the last result in the study.
 * @param interrupt when aborted, what is queued is cancelled, what runs is ended, what is done is collected.
 * @throws {UserError} when the build fails or the study cannot take results.
 */
export async function* runCampaign(
  here: CampaignPlan,
  swarm: CampaignSwarm,
  interrupt: AbortSignal,
  { detach, rerun, ...limits }: CampaignLimits & CampaignManner,
): AsyncGenerator<CampaignEvent> {
  const startedAt = performance.now();
  const plan = planFor(swarm.sources, here);
  yield { type: "expanded", config: plan.campaign.config, runs: plan.runs.length };
  await ensureWritable(plan.resultDirectory);
  refuseUnwritable(plan.outputs.outside);
  const identity = await identityOf(plan);
  await using queue = await openQueueClient(swarm.queue);
  const open = yield* withoutFinished(plan, { identity, rerun }, swarm, queue, interrupt);
  const skipped = plan.runs.length - open.length;
  if (open.length === 0) {
    yield nothingLeft(plan, performance.now() - startedAt);
    return;
  }
  refuseAppending(plan.outputs.appendedTo, new Set(open.map((run) => run.runNumber)));
  const source = yield* sendSource(plan.code, swarm.sources, interrupt);
  const dependencies = yield* ensureDependencies({ ...plan, source }, swarm, queue, interrupt);
  const build = { ...plan.build, ...dependencies };
  const buildKey = yield* ensureBuild({ ...plan, build, source }, swarm, queue, interrupt);
  await checkProducts(plan, { ...dependencies, buildKey }, swarm.builds);
  const amount = { runs: open.length, ...(skipped > 0 && { skipped }) };
  const known = { ...plan.campaign, ...limits, ...dependencies, ...amount };
  const campaign = newCampaign({ ...known, source, buildKey, identity });
  const position = await queue.position();
  interrupt.throwIfAborted();
  await queue.add(campaign, open);
  yield { type: "queued", campaign: campaign.id, runs: open.length };
  if (detach) return;
  const followed = { campaign, study: studyOf(plan), open, cancelled: false, position };
  yield* followCampaign(followed, queue, swarm.results, interrupt);
}

/** The plan as it is for the workers that a store of sources belongs to. */
function planFor(sources: Pick<SourceStore, "sharesDisk">, plan: CampaignPlan): CampaignPlan {
  return sources.sharesDisk ? plan : forOtherMachines(plan);
}

/** What the study has of a plan's runs, for a question that needs no swarm. */
export async function lookForFinished(
  here: CampaignPlan,
  sources: Pick<SourceStore, "sharesDisk">,
  signal: AbortSignal,
): Promise<Findings & { warnings: CampaignWarning[] }> {
  const plan = planFor(sources, here);
  const found = await findFinished(plan, await identityOf(plan), signal);
  return { ...found, warnings: [...shiftWarning(plan, found)] };
}

/** The runs that are left to be made, and what is to be told of the others. */
async function* withoutFinished(
  plan: CampaignPlan,
  { identity, rerun }: { identity: string; rerun: boolean | undefined },
  swarm: CampaignSwarm,
  queue: QueueClient,
  interrupt: AbortSignal,
): AsyncGenerator<CampaignEvent, Run[]> {
  const found = await findFinished(plan, identity, interrupt);
  yield* shiftWarning(plan, found);
  if (rerun === true) return plan.runs;
  const wanted = { study: studyOf(plan), host: hostname(), identity, runs: found.open };
  const brought =
    found.open.length > 0 ? yield* fetchUncollected(wanted, queue, swarm.results, interrupt) : undefined;
  const open = await without(brought, { ...plan, runs: found.open }, identity, interrupt);
  const runs = plan.runs.length - open.length;
  if (runs > 0) yield { type: "skipped", runs, fetched: runs - found.there.length, left: open.length };
  return open;
}

/** The runs of a plan without those that have been brought: these alone are looked at again. */
async function without(
  brought: ReadonlySet<number> | undefined,
  plan: CampaignPlan,
  identity: string,
  signal: AbortSignal,
): Promise<Run[]> {
  const runs = plan.runs.filter(({ runNumber }) => brought?.has(runNumber));
  if (runs.length === 0) return plan.runs;
  const { there } = await findFinished({ ...plan, runs }, identity, signal);
  const whole = new Set(there);
  return plan.runs.filter((run) => !whole.has(run));
}

function studyOf({ gitTop, studyDirectory, resultDirectory, outputs: { outside } }: CampaignPlan): Study {
  return { gitTop, directory: studyDirectory, resultDirectory, outside };
}

/** The end of a campaign that need not be begun. */
function nothingLeft({ runs, resultDirectory }: CampaignPlan, wallTimeMs: number): CampaignEvent {
  const number = runs.length;
  const summary = { states: { done: number }, skipped: number, resultDirectory, failed: [] };
  return { type: "ended", summary: { ...summary, wallTimeMs: Math.round(wallTimeMs) } };
}

function newCampaign(known: Omit<Campaign, "id" | "user" | "host" | "createdAt">): Campaign {
  const { username } = userInfo();
  return { ...known, id: newCampaignId(), user: username, host: hostname(), createdAt: Date.now() };
}

/** @throws {UserError} where results could not be written: better now than after a day of computing. */
async function ensureWritable(directory: string): Promise<void> {
  try {
    await makeFolders(path.join(directory, ".swarm"));
    await access(directory, constants.W_OK);
    await access(path.join(directory, ".swarm"), constants.W_OK);
  } catch (error) {
    throw new UserError(`the result directory ${directory} cannot be written: ${errorText(error)}`, {
      cause: error,
    });
  }
}
