import { access, constants, mkdir } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import path from "node:path";
import * as v from "valibot";
import { errorText, UserError } from "../errors.ts";
import { buildKey, ownBuildKey } from "../model/build.ts";
import { newCampaignId, type Campaign } from "../model/campaign.ts";
import type { CampaignEvent, CampaignSummary } from "../model/events.ts";
import { ProgressSchema } from "../model/outcome.ts";
import { PROTOCOL } from "../model/protocol.ts";
import { RunResultSchema, type RunRecord, type RunResult } from "../model/result.ts";
import type { Run } from "../model/run.ts";
import { openQueueClient, type QueueClient } from "../queue/client.ts";
import type { RunEvent } from "../queue/follow.ts";
import type { QueueConnection } from "../queue/names.ts";
import type { BuildStore } from "../results/build-store.ts";
import type { ResultStore } from "../results/store.ts";
import { statIfThere } from "../system/files.ts";
import { parseOrExplain } from "../system/json.ts";
import { Collector } from "./collect.ts";
import type { CampaignPlan } from "./plan.ts";

/** What a campaign needs of the swarm. */
export interface CampaignSwarm {
  queue: QueueConnection;
  builds: BuildStore;
  results: ResultStore;
}

/**
 * The whole story of a campaign, from its build to the last result in the study.
 * @param interrupt when aborted, what is queued is cancelled, what runs is ended, what is done is collected.
 * @throws {UserError} when the build fails or the study cannot take results.
 */
export async function* runCampaign(
  plan: CampaignPlan,
  swarm: CampaignSwarm,
  interrupt: AbortSignal,
): AsyncGenerator<CampaignEvent> {
  const startedAt = performance.now();
  if (plan.uncommitted.length > 0) yield uncommittedWarning(plan);
  yield { type: "expanded", config: plan.campaign.config, runs: plan.runs.length };
  await ensureWritable(plan.resultDirectory);
  await using queue = openQueueClient(swarm.queue);
  const key = yield* ensureBuild(plan, swarm.builds, queue, interrupt);
  const campaign = newCampaign(plan, key);
  const position = await queue.position();
  interrupt.throwIfAborted();
  await queue.add(campaign, plan.runs);
  yield { type: "queued", campaign: campaign.id, runs: plan.runs.length };

  using _ = cancelOn(interrupt, queue, campaign.id, plan.runs);
  const collector = new Collector({ ...plan, directory: plan.studyDirectory }, campaign, swarm.results);
  const byNumber = new Map(plan.runs.map((run) => [run.runNumber, run]));
  const records: RunRecord[] = [];
  for await (const event of await queue.follow(campaign.id, plan.runs, position)) {
    const told = await translate(event, byNumber, collector);
    if (told?.type === "finished") {
      records.push(told.record);
      await queue.forget(campaign.id, told.run.runNumber);
    }
    if (told !== undefined) yield told;
  }
  yield { type: "ended", summary: summarize(plan, campaign.id, records, performance.now() - startedAt) };
}

function cancelOn(
  interrupt: AbortSignal,
  queue: QueueClient,
  campaign: string,
  runs: readonly Run[],
): Disposable {
  const numbers = runs.map((run) => run.runNumber);
  const cancel = (): void => void queue.cancel(campaign, numbers);
  interrupt.addEventListener("abort", cancel, { once: true });
  if (interrupt.aborted) cancel();
  return { [Symbol.dispose]: () => interrupt.removeEventListener("abort", cancel) };
}

/** What an event of the queue means to the campaign; a finished run is collected on the way. */
async function translate(
  event: RunEvent,
  runs: ReadonlyMap<number, Run>,
  collector: Collector,
): Promise<CampaignEvent | undefined> {
  if (event.type === "disconnected") return { type: "reconnecting", reason: event.reason };
  const run = runs.get(event.runNumber)!;
  switch (event.type) {
    case "active":
      return { type: "started", run };
    case "progress": {
      const progress = v.safeParse(ProgressSchema, event.progress);
      return progress.success ? { type: "progress", run, progress: progress.output } : undefined;
    }
    case "completed": {
      const result = parseOrExplain(RunResultSchema, event.value, `the result of run #${run.runNumber}`);
      return { type: "finished", run, ...(await collector.collect(run, result)) };
    }
    case "gone":
      return { type: "finished", run, ...(await collector.collect(run, goneResult(event.reason))) };
  }
}

/** A run whose job has left the queue without an answer. */
function goneResult(reason: string): RunResult {
  const now = Date.now();
  const outcome =
    reason === "removed"
      ? { state: "cancelled" as const, reason: "cancelled" }
      : { state: "lost" as const, reason };
  return {
    protocol: PROTOCOL,
    outcome,
    usage: { wallTimeMs: 0 },
    files: [],
    startedAt: now,
    finishedAt: now,
    worker: "",
  };
}

/** The build for the plan: the user's own, one that is kept, or a new one. */
async function* ensureBuild(
  plan: CampaignPlan,
  builds: BuildStore,
  queue: QueueClient,
  signal: AbortSignal,
): AsyncGenerator<CampaignEvent, string> {
  const startedAt = performance.now();
  const took = (): number => Math.round(performance.now() - startedAt);
  if (typeof plan.ownBuild !== "string") {
    const { products, nedExclusions, stamps } = plan.ownBuild;
    const key = ownBuildKey(plan.build, stamps);
    await builds.put(key, plan.gitTop, { protocol: PROTOCOL, products, nedExclusions });
    yield { type: "built", key, how: "own", tookMs: took() };
    return key;
  }
  const key = buildKey(plan.build);
  if (await builds.find(key)) {
    yield { type: "built", key, how: "kept", tookMs: took() };
    return key;
  }
  yield {
    type: "building",
    key,
    project: plan.build.checkoutName,
    reason: plan.ownBuild,
    log: builds.logFile(key),
  };
  const answer = await queue.build(plan.build, signal);
  if (!answer.ok) {
    const log = answer.log === "" ? undefined : `the whole log is ${answer.log}`;
    throw new UserError(`the build failed: ${answer.command}\n${answer.lastLines.join("\n")}`, { hint: log });
  }
  yield { type: "built", key, how: "made", tookMs: took() };
  return key;
}

function newCampaign(plan: CampaignPlan, key: string): Campaign {
  const { username } = userInfo();
  return {
    ...plan.campaign,
    id: newCampaignId(),
    user: username,
    host: hostname(),
    createdAt: Date.now(),
    buildKey: key,
  };
}

function uncommittedWarning({ uncommitted, build }: CampaignPlan): CampaignEvent {
  const count = uncommitted.length === 1 ? "1 file is" : `${uncommitted.length} files are`;
  const message = `${count} not committed; the runs are made from commit ${build.source.commit.slice(0, 10)}, without these changes`;
  return { type: "warning", message, details: uncommitted };
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

/** Step by step: in /proc, where nothing can be made, `mkdir` with `recursive` tries for ever (Node.js 20). */
async function makeFolders(directory: string): Promise<void> {
  if (await statIfThere(directory)) return;
  await makeFolders(path.dirname(directory));
  await mkdir(directory);
}

function summarize(
  plan: CampaignPlan,
  campaign: string,
  records: readonly RunRecord[],
  wallTimeMs: number,
): CampaignSummary {
  const states: CampaignSummary["states"] = {};
  for (const { state } of records) states[state] = (states[state] ?? 0) + 1;
  const failed = records.filter(({ state }) => state !== "done");
  return {
    campaign,
    states,
    wallTimeMs: Math.round(wallTimeMs),
    resultDirectory: plan.resultDirectory,
    failed,
  };
}
