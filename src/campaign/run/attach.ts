import { UserError } from "../../errors.ts";
import type { CampaignEvent } from "../../model/events.ts";
import type { Campaign } from "../../model/campaign.ts";
import type { Run } from "../../model/run.ts";
import { rangesOf } from "../../model/whole-number.ts";
import type { FoundCampaign } from "../../queue/campaign-list.ts";
import type { QueueClient } from "../../queue/client.ts";
import { lockCampaign } from "../collect/campaign-lock.ts";
import { sortUnstarted } from "../collect/completed-elsewhere.ts";
import type { Study } from "../collect/places.ts";
import { followCampaign, type FollowedCampaign } from "../collect/follow-campaign.ts";
import { readHistory } from "../collect/history.ts";
import { knownCampaign, type CallerContext, type KnownCampaign } from "../collect/known-study.ts";
import type { CampaignSession } from "../collect/session.ts";

/**
 * Follows a campaign that was queued earlier, and collects the runs that are not collected yet. If it is interrupted,
 * the campaign continues.
 * @param session as for `followCampaign`.
 * @throws {UserError} if there is no such campaign, or its study is not on this machine.
 */
export async function* attachCampaign(
  id: string,
  here: CallerContext,
  session: CampaignSession,
): AsyncGenerator<CampaignEvent> {
  const position = await session.queue.position();
  const { found, known, lock } = await takeCampaign(id, here, session.queue);
  yield { type: "queued", campaign: id, runs: found.open.length };
  yield* damaged(found);
  const partly = found.damaged.length > 0;
  yield* followCampaign(
    { ...found, ...known, position, lock, partly, whole: true, resumed: true, leaves: true },
    session,
  );
}

/**
 * Locks a campaign, and only then queries its remaining runs: another process may just have collected some.
 */
async function takeCampaign(
  id: string,
  here: CallerContext,
  queue: QueueClient,
): Promise<{ found: FoundCampaign; known: KnownCampaign; lock: AsyncDisposable }> {
  const before = await queue.find(id);
  const known = await knownCampaign(before.campaign, here);
  const lock = await lockCampaign(known.study, known.campaign);
  const found = before.open.length === 0 ? before : await queue.find(id);
  return { found, known, lock };
}

/** Warns of runs that cannot be collected, because their entries in the queue are damaged. */
function* damaged({ campaign, damaged: reasons }: FoundCampaign): Generator<CampaignEvent> {
  if (reasons.length === 0) return;
  const message = `some entries of campaign ${campaign.id} in the queue are damaged; ignoring their runs`;
  yield { type: "warning", message, details: reasons };
}

/**
 * Queues the failed and cancelled runs of a campaign again, and follows them.
 * @param session as for `followCampaign`.
 * @throws {UserError} if there are none.
 */
export async function* retryCampaign(
  id: string,
  here: CallerContext,
  session: CampaignSession,
): AsyncGenerator<CampaignEvent> {
  const { queue } = session;
  const { found, known, lock } = await takeCampaign(id, here, queue);
  const retried = await addRetries(found, known, queue).catch(async (error: unknown) => {
    await lock[Symbol.asyncDispose]();
    throw error;
  });
  const { completed, followed } = retried;
  yield { type: "queued", campaign: id, runs: followed.open.length };
  if (completed > 0) yield { type: "warning", message: completedText(completed), details: [] };
  yield* followCampaign({ ...followed, lock, resumed: true }, session);
}

/**
 * Queues the failed and cancelled runs of a campaign again; the user attaches later to collect them.
 * @param only run numbers: others are not queued, nor are those of these that have not been collected yet.
 * @returns the number of runs that were queued.
 * @throws {UserError} if there are none, or one of `only` is not a failed or cancelled run of the campaign.
 */
export async function requeueRuns(
  id: string,
  here: CallerContext,
  queue: QueueClient,
  only?: readonly number[],
): Promise<number> {
  const found = await queue.find(id);
  const { followed } = await addRetries(found, await knownCampaign(found.campaign, here), queue, only);
  return followed.open.length;
}

interface Retried {
  followed: FollowedCampaign;
  /** Number of cancelled runs that another campaign has completed, so that they are not executed. */
  completed: number;
}

async function addRetries(
  found: FoundCampaign,
  { campaign, study }: KnownCampaign,
  queue: QueueClient,
  only?: readonly number[],
): Promise<Retried> {
  const { id } = campaign;
  const { runs: all, completed } = await unfinished(found, campaign, study);
  const runs = only === undefined ? all : chosen(only, all, found);
  if (runs.length === 0) {
    const reason = completed > 0 ? `: ${completedText(completed)}` : "";
    throw new UserError(`campaign ${id} has no failed or cancelled run to execute${reason}`, {
      hint: found.open.length > 0 ? `collect the remaining runs first: runall-swarm attach ${id}` : undefined,
    });
  }
  const position = await queue.position();
  await queue.revive(id);
  await queue.add(campaign, runs);
  const queued = new Set(runs.map((run) => run.runNumber));
  const unstarted = found.unstarted.filter((run) => !queued.has(run.runNumber));
  const partly = found.open.length > 0;
  const followed = { campaign, study, open: runs, unstarted, cancelled: false, position, partly };
  return { followed, completed };
}

/**
 * Returns those of the runs that can be retried whose numbers were chosen.
 * @throws {UserError} if one of the numbers is that of another run.
 */
function chosen(numbers: readonly number[], runs: readonly Run[], { campaign, open }: FoundCampaign): Run[] {
  const known = new Map(runs.map((run) => [run.runNumber, run]));
  const inQueue = new Set(open.map((run) => run.runNumber));
  const others = numbers.filter((number) => !known.has(number) && !inQueue.has(number));
  if (others.length > 0)
    throw new UserError(
      `${others.length === 1 ? "run" : "runs"} ${rangesOf(others)} of campaign ${campaign.id}: not failed or cancelled, or executed again by a later campaign`,
      { hint: "nothing was queued; look at the runs again" },
    );
  return [...new Set(numbers)].flatMap((number) => known.get(number) ?? []);
}

function completedText(runs: number): string {
  return runs === 1
    ? "1 cancelled run is not executed, because another campaign has completed it"
    : `${runs} cancelled runs are not executed, because another campaign has completed them`;
}

/**
 * Returns the failed and cancelled runs of a campaign, except those that a later campaign has executed again.
 */
async function unfinished(
  { open, unstarted }: FoundCampaign,
  campaign: Campaign,
  { resultDirectory }: Study,
): Promise<{ runs: Run[]; completed: number }> {
  const stillOpen = new Set(open.map((run) => run.runNumber));
  const { records, superseded } = await readHistory(resultDirectory, campaign.id);
  const failed = records.filter(({ state, runNumber }) => state !== "done" && !stillOpen.has(runNumber));
  const recorded = new Set([...records, ...superseded].map((record) => record.runNumber));
  const never = unstarted.filter(({ runNumber }) => !stillOpen.has(runNumber) && !recorded.has(runNumber));
  const { left, completed } = await sortUnstarted(never, campaign, resultDirectory);
  const runs = failed.map(({ config, runNumber, iterationVariables, repetition }) => ({
    config,
    runNumber,
    iterationVariables,
    repetition,
  }));
  const all = [...runs, ...left].sort((a, b) => a.runNumber - b.runNumber);
  return { runs: all, completed: completed.length };
}
