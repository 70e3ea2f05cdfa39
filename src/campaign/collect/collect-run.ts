import { statSync } from "node:fs";
import { errorText, UserError } from "../../errors.ts";
import type { Campaign } from "../../model/campaign.ts";
import type { RunRecord, RunResult } from "../../model/result.ts";
import { runLabel, type Run } from "../../model/run.ts";
import type { QueueClient } from "../../queue/client.ts";
import type { ResultStore } from "../../stores/store.ts";
import { isInside } from "../../system/paths.ts";
import { neverStarted, type Answer } from "./answers.ts";
import { Collector, type Collected } from "./collect.ts";
import type { Study } from "./places.ts";
import { addToHistory } from "./history.ts";
import { recordFile, recordIn } from "./records.ts";

/** A run whose results are in the study, and whose job is to be forgotten. */
export interface CollectedRun extends Collected {
  run: Run;
  started: boolean;
  /** Its answer or its results cannot be used, which is no fault of the run. */
  unusable: boolean;
  /** The earlier campaign whose record of this run was replaced. */
  supersedes: string | undefined;
}

/** Collects the runs of a campaign, and keeps what becomes of the campaigns before and of this one. */
export class RunCollector {
  readonly #study: Study;
  readonly #campaign: Campaign;
  readonly #queue: QueueClient;
  readonly #collector: Collector;
  /** Later campaigns of which a warning has told that their results are replaced. */
  readonly #told = new Set<string>();

  constructor(study: Study, campaign: Campaign, queue: QueueClient, store: ResultStore) {
    this.#study = study;
    this.#campaign = campaign;
    this.#queue = queue;
    this.#collector = new Collector(study, campaign, store);
  }

  /** Takes up what has been collected before. */
  async resume(onRecord: (record: RunRecord) => void): Promise<void> {
    await storing(this.#study, this.#campaign, () => this.#collector.resume(onRecord));
  }

  /**
   * Moves the results of a run into the study.
   * @throws {UserError} where the study is gone, or the operating system refuses to take them.
   */
  async collect(run: Run, result: Answer): Promise<CollectedRun> {
    refuseMissing(this.#study, this.#campaign);
    const started = !neverStarted(result);
    const before = started ? this.#replaced(run) : undefined;
    return await storing(this.#study, this.#campaign, async () => {
      if (before !== undefined) addToHistory(this.#study.resultDirectory, before, this.#campaign.id);
      const { record, warnings } = await this.#collector.collect(run, result);
      const newer = before === undefined ? [] : this.#warnOfNewer(before, result);
      const isDamaged = record.state === "lost" && result.outcome.state !== "lost";
      const unusable = isDamaged || result.unusable === true;
      return {
        record,
        warnings: [...warnings, ...newer],
        run,
        started,
        unusable,
        supersedes: before?.campaign,
      };
    });
  }

  /**
   * Forgets a run that a process has collected which was killed before it could say so.
   * @returns whether it was one.
   */
  async forgetCollected(run: Run): Promise<boolean> {
    const { id } = this.#campaign;
    const file = recordFile(this.#study.resultDirectory, run);
    const record = recordIn(file);
    if (record?.campaign !== id) return false;
    const answer = (await this.#queue.result(id, run.runNumber)) as
      { finishedAt?: unknown } | null | undefined;
    const endedAt = Date.parse(record.finishedAt);
    if (answer?.finishedAt !== endedAt) return false; // it was retried
    const collected = { run, record, warnings: [], started: true, unusable: false, supersedes: undefined };
    await this.forget(collected);
    return true;
  }

  /** Removes what the swarm has of a collected run. */
  async forget({ run, record, started, supersedes }: CollectedRun): Promise<void> {
    await storing(this.#study, this.#campaign, async () => {
      await this.#collector.remove(run);
      await this.#queue.collected(this.#campaign.id, run, { state: record.state, started, supersedes });
    });
  }

  /** The record of another campaign that is about to be replaced. */
  #replaced(run: Run): RunRecord | undefined {
    const file = recordFile(this.#study.resultDirectory, run);
    const record = recordIn(file);
    return record === undefined || record.campaign === this.#campaign.id ? undefined : record;
  }

  /** Results that were left in the swarm for long may be older than what they replace. */
  #warnOfNewer(before: RunRecord, { finishedAt }: RunResult): string[] {
    if (Date.parse(before.startedAt) <= finishedAt || this.#told.has(before.campaign)) return [];
    this.#told.add(before.campaign);
    return [`${runLabel(before)}: replaced the newer result of campaign ${before.campaign}`];
  }
}

/** @throws {UserError} where a study has been moved or removed: it is not recreated at its old place. */
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
 * The disk may be full, or the folder gone or write-protected: what has not been collected stays in the swarm.
 * @throws {UserError} for what the operating system refuses.
 */
export async function storing<T>(study: Study, { id }: Campaign, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { syscall, path: file, dest = file } = error as NodeJS.ErrnoException & { dest?: string };
    if (syscall === undefined) throw error;
    const isHere =
      dest === undefined || isInside(study.directory, dest) || isInside(study.resultDirectory, dest);
    const what = isHere ? `store results in ${study.resultDirectory}` : "download results from the swarm";
    throw new UserError(`cannot ${what}: ${errorText(error)}`, {
      hint: `nothing is lost, the results are still stored in the swarm; fix the problem, then run: runall-swarm attach ${id}`,
      cause: error,
    });
  }
}
