import type { CampaignEvent, CampaignSummary } from "../../model/events.ts";
import type { OutcomeState } from "../../model/outcome.ts";
import type { RunRecord } from "../../model/result.ts";
import type { Run } from "../../model/run.ts";
import type { RunTimes } from "../../model/run-times.ts";
import type { QueueClient } from "../../queue/client.ts";
import type { Study } from "../collect/places.ts";
import { fetchUncollected, forgetCollected } from "./fetch-uncollected.ts";
import { findFinished, shiftWarning } from "./find-finished.ts";
import { equalCampaigns, joinRunning, type Joined, type Wanted } from "./join-running.ts";
import { describeOutdated } from "./outdated.ts";
import type { CampaignLimits, CampaignPlan } from "../plan/plan.ts";
import { readRecord } from "../collect/records.ts";
import type { Restore } from "../collect/restore.ts";
import type { CampaignSession } from "../collect/session.ts";

/** What the user has requested. */
export interface RunsRequest {
  plan: CampaignPlan;
  identity: string;
  /** Rerun runs that have already completed. */
  rerun: boolean;
  /** Do not wait for the runs; the user attaches later to collect them. */
  detach: boolean;
  /** @see FollowedCampaign */
  restore: Restore;
  limits: CampaignLimits;
}

/** The remaining part of a request, without runs that have completed or are already being executed. */
export interface RunsLeft {
  open: Run[];
  /** Runs that did not complete in a campaign that was joined. */
  failed: RunRecord[];
  joined: Joined | undefined;
  /** Equal campaigns that were considered. */
  seen: ReadonlySet<string>;
  /** The times of the study's runs that have completed. */
  times: RunTimes;
}

/** Returns the runs that remain to be executed, and yields events about the others. */
export async function* runsLeft(
  { plan, identity, rerun, ...joining }: RunsRequest,
  session: CampaignSession,
): AsyncGenerator<CampaignEvent, RunsLeft> {
  const { queue, interrupt } = session;
  const found = await findFinished(plan, identity, interrupt);
  const { times } = found;
  yield* shiftWarning(plan, found);
  const wanted = { study: studyOf(plan), identity };
  if (rerun) {
    yield* warnOfRunning({ ...wanted, runs: plan.runs }, queue);
    return { open: plan.runs, failed: [], joined: undefined, seen: new Set(), times };
  }
  yield* describeOutdated(plan, found.outdated);
  yield* forgetCollected({ ...wanted, runs: found.there }, session);
  if (found.open.length === 0) {
    yield { type: "skipped", runs: plan.runs.length, fetched: 0, left: 0 };
    return { open: [], failed: [], joined: undefined, seen: new Set(), times };
  }
  const joined = yield* joinRunning({ ...wanted, runs: found.open }, joining, session);
  const isJoined = joined.campaign !== undefined;
  const rest = isJoined
    ? await afterJoining(plan, found.open, joined, identity)
    : { open: found.open, failed: [] };
  const { seen } = joined;
  if (isJoined && interrupt.aborted) return { ...rest, joined, seen, times };
  const fetchedRuns = yield* fetchUncollected({ ...wanted, runs: rest.open }, session);
  const open = await withoutFetched(fetchedRuns, { ...plan, runs: rest.open }, identity, interrupt);
  const runs = plan.runs.length - open.length - rest.failed.length - joined.detached.size;
  const fetched = rest.open.length - open.length;
  if (runs > 0 && !(isJoined && open.length === 0))
    yield { type: "skipped", runs, fetched, left: open.length };
  return { open, failed: rest.failed, joined: isJoined ? joined : undefined, seen, times };
}

/**
 * Returns the runs that the joined campaigns have not completed.
 * Failed runs are not executed again, as with `attach`.
 */
async function afterJoining(
  plan: CampaignPlan,
  runs: readonly Run[],
  { detached, campaigns }: Joined,
  identity: string,
): Promise<Pick<RunsLeft, "open" | "failed">> {
  const rest = runs.filter((run) => !detached.has(run.runNumber));
  const { open } = await findFinished({ ...plan, runs: rest }, identity, new AbortController().signal);
  const left: Pick<RunsLeft, "open" | "failed"> = { open: [], failed: [] };
  for (const run of open) {
    // a damaged record counts as none
    const record = await readRecord(plan.resultDirectory, run).catch(() => undefined);
    const isFailure = record !== undefined && record.state !== "done" && record.state !== "cancelled";
    if (isFailure && campaigns.has(record.campaign)) left.failed.push(record);
    else left.open.push(run);
  }
  return left;
}

/** Warns of runs that are already being executed, and would be executed twice. */
async function* warnOfRunning(wanted: Wanted, queue: QueueClient): AsyncGenerator<CampaignEvent> {
  for (const { note, open, waiting, running } of await equalCampaigns(wanted, queue)) {
    if (waiting + running === 0) continue;
    const runs = open.length === 1 ? "1 of these runs" : `${open.length} of these runs`;
    const message = `campaign ${note.campaign.id} already contains ${runs}; with --rerun they are executed twice`;
    yield {
      type: "warning",
      message,
      details: [`to cancel it, run: runall-swarm cancel ${note.campaign.id}`],
    };
  }
}

/**
 * Returns the runs of a plan without those that were fetched and are complete; only these are checked again.
 */
async function withoutFetched(
  fetchedRuns: ReadonlySet<number> | undefined,
  plan: CampaignPlan,
  identity: string,
  signal: AbortSignal,
): Promise<Run[]> {
  const runs = plan.runs.filter(({ runNumber }) => fetchedRuns?.has(runNumber));
  if (runs.length === 0) return plan.runs;
  const { there } = await findFinished({ ...plan, runs }, identity, signal);
  const complete = new Set(there);
  return plan.runs.filter((run) => !complete.has(run));
}

/** Returns the final event of a request without runs to queue. */
export function endedWithoutQueueing(
  { runs, resultDirectory }: CampaignPlan,
  { open, failed, joined }: RunsLeft,
  wallTimeMs: number,
): CampaignEvent {
  const { campaign, made } = joined ?? {};
  const states: CampaignSummary["states"] = {};
  const add = (state: OutcomeState, number: number): void => {
    if (number > 0) states[state] = (states[state] ?? 0) + number;
  };
  add("done", runs.length - failed.length - open.length);
  add("cancelled", open.length); // only an interrupt leaves runs here
  for (const { state } of failed) add(state, 1);
  const skipped = runs.length - (joined?.runs ?? 0);
  const summary = {
    ...(campaign !== undefined && { campaign }),
    states,
    ...(skipped > 0 && { skipped }),
    wallTimeMs: Math.round(wallTimeMs),
    resultDirectory,
    ...(made && { made }),
    failed,
  };
  return { type: "ended", summary };
}

/** Returns the study of a plan, for collectors. */
export function studyOf({
  gitTop,
  studyDirectory,
  resultDirectory,
  outputs: { outside },
}: CampaignPlan): Study {
  return { gitTop, directory: studyDirectory, resultDirectory, outside };
}
