import { statSync } from "node:fs";
import { errorText, UserError } from "../../errors.ts";
import type { Campaign } from "../../model/campaign.ts";
import type { RunRecord, RunResult } from "../../model/result.ts";
import { runLabel, type Run } from "../../model/run.ts";
import type { QueueClient } from "../../queue/client.ts";
import { isInside } from "../../system/paths.ts";
import { neverStarted, type Answer } from "./answers.ts";
import { Collector, type Collected } from "./collect.ts";
import type { Study } from "./places.ts";
import { addToHistory } from "./history.ts";
import { RunIndexer } from "./index-run.ts";
import { recordFile, readRecordFile } from "./records.ts";
import type { CampaignSession } from "./session.ts";

/** A run whose results are in the study, and which can be removed from the swarm. */
export interface CollectedRun extends Collected {
  run: Run;
  started: boolean;
  /** The answer or the results cannot be used, through no fault of the run. */
  unusable: boolean;
  /** The earlier campaign whose record of this run was replaced. */
  supersedes: string | undefined;
}

/** Collects the runs of a campaign, and records which results of earlier campaigns they replace. */
export class RunCollector {
  readonly #study: Study;
  readonly #campaign: Campaign;
  readonly #queue: QueueClient;
  readonly #collector: Collector;
  readonly #indexer: RunIndexer;
  /** Campaigns with newer results for which a warning has already been given. */
  readonly #warned = new Set<string>();

  constructor(study: Study, campaign: Campaign, { queue, store }: Pick<CampaignSession, "queue" | "store">) {
    this.#study = study;
    this.#campaign = campaign;
    this.#queue = queue;
    this.#collector = new Collector(study, campaign, store);
    this.#indexer = new RunIndexer(study, campaign.id);
  }

  /**
   * Loads what has already been collected.
   * @param onRecord called with each record of this campaign.
   */
  async resume(onRecord: (record: RunRecord) => void): Promise<void> {
    await storing(this.#study, this.#campaign, () => this.#collector.resume(onRecord));
  }

  /**
   * Moves the results of a run into the study.
   * @throws {UserError} if the study no longer exists, or the results cannot be written.
   */
  async collect(run: Run, result: Answer): Promise<CollectedRun> {
    refuseMissing(this.#study, this.#campaign);
    const started = !neverStarted(result);
    const before = started ? this.#replaced(run) : undefined;
    return await storing(this.#study, this.#campaign, async () => {
      if (before !== undefined) addToHistory(this.#study.resultDirectory, before, this.#campaign.id);
      const { record, warnings } = await this.#collector.collect(run, result);
      const unindexed = await this.#indexer.add(record);
      const newer = before === undefined ? [] : this.#warnOfNewer(before, result);
      const isDamaged = record.state === "lost" && result.outcome.state !== "lost";
      const unusable = isDamaged || result.unusable === true;
      return {
        record,
        warnings: [...warnings, ...newer, ...unindexed],
        run,
        started,
        unusable,
        supersedes: before?.campaign,
      };
    });
  }

  /**
   * Removes a run from the swarm if it was already collected by
   * a process that was killed before it could remove the run.
   * @returns whether this was the case.
   */
  async forgetCollected(run: Run): Promise<boolean> {
    const { id } = this.#campaign;
    const file = recordFile(this.#study.resultDirectory, run);
    const record = readRecordFile(file);
    if (record?.campaign !== id) return false;
    const answer = (await this.#queue.result(id, run.runNumber)) as
      { finishedAt?: unknown } | null | undefined;
    const endedAt = Date.parse(record.finishedAt);
    if (answer?.finishedAt !== endedAt) return false; // the run was retried since
    await this.forget(collectedEarlier(run, record));
    return true;
  }

  /**
   * Removes runs that were collected and are in the swarm again: a Redis that is killed while its disk is busy lacks what
   * happened in the last seconds. They may have been executed again.
   */
  async forgetReturned(runs: readonly Run[]): Promise<void> {
    const open = new Set(await this.#queue.openRuns(this.#campaign.id));
    for (const run of runs.filter(({ runNumber }) => open.has(runNumber))) {
      const record = readRecordFile(recordFile(this.#study.resultDirectory, run));
      if (record?.campaign === this.#campaign.id) await this.forget(collectedEarlier(run, record));
    }
  }

  /** Removes the results and the job of a collected run from the swarm. */
  async forget({ run, record, started, supersedes }: CollectedRun): Promise<void> {
    await storing(this.#study, this.#campaign, async () => {
      await this.#collector.remove(run);
      await this.#queue.collected(this.#campaign.id, run, { state: record.state, started, supersedes });
    });
  }

  /** Returns the record of another campaign that is about to be replaced; undefined if there is none. */
  #replaced(run: Run): RunRecord | undefined {
    const file = recordFile(this.#study.resultDirectory, run);
    const record = readRecordFile(file);
    return record === undefined || record.campaign === this.#campaign.id ? undefined : record;
  }

  /**
   * Returns a warning if the replaced results are newer: results may have been in the swarm for a long time.
   */
  #warnOfNewer(before: RunRecord, { finishedAt }: RunResult): string[] {
    if (Date.parse(before.startedAt) <= finishedAt || this.#warned.has(before.campaign)) return [];
    this.#warned.add(before.campaign);
    return [`${runLabel(before)}: replaced the newer result of campaign ${before.campaign}`];
  }
}

function collectedEarlier(run: Run, record: RunRecord): CollectedRun {
  return { run, record, warnings: [], started: true, unusable: false, supersedes: undefined };
}

/**
 * Checks that a study exists. If it was moved or removed, it is not recreated in its old place.
 * @throws {UserError} if it does not exist.
 */
export function refuseMissing({ directory, gitTop }: Study, { id }: Campaign): void {
  const missing = [gitTop, directory].find(
    (folder) => statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true,
  );
  if (missing === undefined) return;
  throw new UserError(`the study of campaign ${id} no longer exists: ${missing}`, {
    hint: `nothing is lost; if the study was moved, change to its new folder and run: runall-swarm attach ${id}`,
  });
}

/**
 * Runs work that writes to the study, and turns errors of the operating system into errors for the user: the
 * disk may be full, or the folder write-protected. What has not been collected stays in the swarm.
 * @throws {UserError} for errors of the operating system.
 */
export async function storing<T>(study: Study, { id }: Campaign, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { syscall, path: file, dest = file } = error as NodeJS.ErrnoException & { dest?: string };
    if (syscall === undefined) throw error;
    const isHere =
      dest === undefined || isInside(study.directory, dest) || isInside(study.resultDirectory, dest);
    const action = isHere ? `store results in ${study.resultDirectory}` : "download results from the swarm";
    throw new UserError(`cannot ${action}: ${errorText(error)}`, {
      hint: `nothing is lost, the results are still stored in the swarm; fix the problem, then run: runall-swarm attach ${id}`,
      cause: error,
    });
  }
}
