import { existsSync, lstatSync, mkdirSync, readlinkSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { runJobId, type Campaign } from "../../model/campaign.ts";
import { isStoredBy } from "../../model/names.ts";
import { incomplete } from "../../model/outcome.ts";
import type { ResultFile, RunRecord, RunResult } from "../../model/result.ts";
import { runLabel, type Run } from "../../model/run.ts";
import { DamagedArchive, type ResultStore } from "../../stores/store.ts";
import { temporaryFolder } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";
import { foldsCase, sameButForCase, type FoldsCase } from "./name-case.ts";
import { Places, Unplaceable, type Study } from "./places.ts";
import { Placement } from "./placement.ts";
import { createRecord } from "./record-of.ts";
import { allRecords, readRecord, recordFile, writeRecord } from "./records.ts";

export interface Collected {
  record: RunRecord;
  warnings: string[];
}

/** The files of a run that are stored in the swarm. */
type Opened =
  { state: "none" } | { state: "opened"; directory: string } | { state: "damaged"; error: DamagedArchive };

/** What is needed to move a run's files into the study. */
interface Transfer {
  run: Run;
  /** The folder of the files; undefined if there are none. */
  from: string | undefined;
  /** Receives the location of each file that was moved, by its path in the answer. */
  arrived: Map<string, string>;
  /** Receives warnings for the user. */
  warnings: string[];
}

/**
 * Moves the results of a campaign's runs into the study. Collecting a run again changes nothing; after an
 * interruption, the next call completes it.
 */
export class Collector {
  readonly #study: Study;
  readonly #campaign: Campaign;
  readonly #store: ResultStore;
  readonly #places: Places;
  readonly #placement: Placement;
  readonly #folds: FoldsCase;

  constructor(study: Study, campaign: Campaign, store: ResultStore, folds = foldsCase) {
    this.#folds = folds;
    this.#study = study;
    this.#campaign = campaign;
    this.#store = store;
    this.#places = new Places(study);
    this.#placement = new Placement(study, campaign);
  }

  /**
   * Loads what has already been collected of this campaign, and the files of runs that were skipped because
   * they had already completed.
   * @param onRecord called with each record of this campaign.
   */
  async resume(onRecord: (record: RunRecord) => void): Promise<void> {
    const { id, identity } = this.#campaign;
    for await (const record of allRecords(this.#study.resultDirectory)) {
      const isOwn = record.campaign === id;
      const isThere = identity !== undefined && record.identity === identity && record.state === "done";
      if (isOwn || isThere) this.#placement.own(record);
      if (isOwn) onRecord(record);
    }
  }

  /**
   * Moves the files of a run to where a local run would have written them, and then writes its record. The
   * caller has to remove the run from the swarm afterwards.
   */
  async collect(run: Run, answer: RunResult): Promise<Collected> {
    this.#places.refresh();
    const scratch = temporaryFolder(path.join(this.#study.resultDirectory, ".swarm"), this.#campaign.id);
    try {
      const opened = await this.#open(run, answer, scratch);
      const known = opened.state === "damaged" ? await this.#collectedBefore(run, answer) : undefined;
      return known ? { record: known, warnings: [] } : await this.#collectOrLose(run, answer, opened);
    } finally {
      if (existsSync(scratch)) await rm(scratch, { recursive: true, force: true });
    }
  }

  /** Removes the results of a collected run from the swarm. */
  async remove(run: Run): Promise<void> {
    await this.#store.removeAll(runJobId(this.#campaign.id, run.runNumber));
  }

  async #open(run: Run, { stored, files }: RunResult, scratch: string): Promise<Opened> {
    if (stored === undefined) return { state: "none" };
    try {
      if (!isStoredBy(runJobId(this.#campaign.id, run.runNumber), stored))
        throw new DamagedArchive(
          `its worker's answer names results that belong to another run: ${JSON.stringify(stored)}`,
        );
      return { state: "opened", directory: await this.#store.open(stored, files, scratch) };
    } catch (error) {
      if (error instanceof DamagedArchive) return { state: "damaged", error };
      throw error;
    }
  }

  /** Returns the record of a run that another process collected, but could not report before it ended. */
  async #collectedBefore(run: Run, answer: RunResult): Promise<RunRecord | undefined> {
    const record = await readRecord(this.#study.resultDirectory, run);
    const same =
      record?.campaign === this.#campaign.id &&
      record.finishedAt === new Date(answer.finishedAt).toISOString();
    return same ? record : undefined;
  }

  /** Collects a run. If its files are damaged, removes those already moved, and records a lost run. */
  async #collectOrLose(run: Run, answer: RunResult, opened: Opened): Promise<Collected> {
    const arrived = new Map<string, string>();
    try {
      return await this.#moveAndRecord(run, answer, opened, arrived);
    } catch (error) {
      if (!(error instanceof DamagedArchive)) throw error;
      for (const file of arrived.values()) await rm(file, { force: true });
      return await this.#moveAndRecord(run, answer, { state: "damaged", error });
    }
  }

  /** Moves the files of a run and writes its record. @param arrived see `Transfer`. */
  async #moveAndRecord(
    run: Run,
    answer: RunResult,
    opened: Opened,
    arrived: Transfer["arrived"] = new Map(),
  ): Promise<Collected> {
    const from = opened.state === "opened" ? opened.directory : undefined;
    const usable = opened.state === "damaged" ? lostResult(answer, opened.error) : answer;
    const warnings = (usable.warnings ?? []).map((warning) => `${runLabel(run)}: ${warning}`);
    const sources = from === undefined ? [] : usable.files;
    let result = this.#withCheckedFiles(usable, sources, from);
    if (result.outcome.state !== "cancelled" || result.stored !== undefined)
      await this.#removeOldRecord(run, warnings);
    const move = (): Promise<Map<string, RunRecord["files"][number]>> =>
      this.#moveAll(result, sources, { run, from, arrived, warnings });
    const moved = await move().catch(async (error: unknown) => {
      if (!(error instanceof Unplaceable)) throw error;
      result = { ...result, outcome: incomplete(result.outcome, [error.message]) };
      return await move();
    });
    const files = [...moved.values()];
    if (result.outcome.state === "done") await this.#placement.removeSuperseded(run, files);
    const folders =
      result.outcome.state === "done" ? this.#makeFolders(result.folders ?? [], run, warnings) : [];
    const outputFile = result.outputFile === undefined ? undefined : moved.get(result.outputFile)?.path;
    const record = createRecord(this.#campaign, run, result, { files, folders, outputFile });
    const neverStarted = record.state === "cancelled" && result.stored === undefined;
    if (!neverStarted) await writeRecord(this.#study.resultDirectory, record);
    return { record, warnings };
  }

  /**
   * Returns the result of a run. If a file cannot be stored in its place, the run is not done; this is
   * checked before the first file is moved.
   */
  #withCheckedFiles(result: RunResult, files: readonly ResultFile[], from: string | undefined): RunResult {
    if (result.outcome.state !== "done") return result;
    const problems: string[] = [];
    const placeable: string[] = [];
    for (const file of files) {
      const target = this.#target(file.path);
      const problem = problemOf(() => {
        this.#checkPermitted(file, target, from!);
        this.#places.check(target);
      });
      if (problem === undefined) placeable.push(target);
      else problems.push(problem);
    }
    // after the checks, because this writes a temporary file
    for (const [target, other] of sameButForCase(placeable, this.#folds))
      problems.push(
        `${this.#places.shown(target)} (on this file system the same name as ${path.basename(other)})`,
      );
    return problems.length === 0 ? result : { ...result, outcome: incomplete(result.outcome, problems) };
  }

  /** Checks that a file may be stored at an absolute path. @throws {Unplaceable} if it may not. */
  #checkPermitted({ path: file }: ResultFile, target: string, from: string): void {
    this.#places.checkPermitted(target);
    const stats = lstatSync(path.join(from, file), { throwIfNoEntry: false });
    if (stats?.isSymbolicLink()) this.#places.checkLink(target, readlinkSync(path.join(from, file)));
    else if (stats !== undefined && !stats.isFile())
      throw new Unplaceable(`${this.#places.shown(target)} (not a regular file)`);
  }

  /**
   * Moves all files of a run. If the run is not done, files that cannot be stored are reported in a warning.
   * @throws {Unplaceable} if a file of a run that is done cannot be stored.
   */
  async #moveAll(
    result: RunResult,
    files: readonly ResultFile[],
    { run, from, arrived, warnings }: Transfer,
  ): Promise<Map<string, RunRecord["files"][number]>> {
    const isDone = result.outcome.state === "done";
    const moved = new Map<string, RunRecord["files"][number]>();
    for (const file of files) {
      const localTarget = this.#target(file.path);
      const target = isDone ? localTarget : this.#failedPlace(localTarget);
      try {
        if (!isDone) this.#checkPermitted(file, localTarget, from!);
        if (!isDone) this.#places.check(target);
        const source = arrived.get(file.path) ?? path.join(from!, file.path);
        const placed = await this.#placement.place(run, { ...file, from: source }, target, warnings);
        // a file that existed before belongs to the user
        if (placed.isOurs) arrived.set(file.path, placed.target);
        moved.set(file.path, placed.recorded);
      } catch (error) {
        if (!(error instanceof Unplaceable) || isDone) throw error;
        warnings.push(`${runLabel(run)}: not collected: ${error.message}`);
      }
    }
    return moved;
  }

  #makeFolders(folders: readonly string[], run: Run, warnings: string[]): string[] {
    return folders.flatMap((folder) => {
      const target = this.#target(folder);
      try {
        this.#places.check(path.join(target, "x"));
        mkdirSync(target, { recursive: true });
        return [path.relative(this.#study.directory, target)];
      } catch (error) {
        warnings.push(
          `${runLabel(run)}: cannot create the folder ${this.#places.shown(target)}: ${(error as Error).message}`,
        );
        return [];
      }
    });
  }

  /** Returns where a local run would have written a file; the study may have been moved since. */
  #target(file: string): string {
    const absolute = path.resolve("/", file);
    const { directory } = this.#campaign;
    if (!isInside(directory, absolute)) return absolute;
    return path.join(this.#study.gitTop, path.relative(directory, absolute));
  }

  /** Returns the place of a file of a run that is not done: in `failed/`, where no analysis finds it. */
  #failedPlace(target: string): string {
    const { gitTop, resultDirectory } = this.#study;
    const failed = path.join(resultDirectory, "failed");
    if (isInside(resultDirectory, target)) return path.join(failed, path.relative(resultDirectory, target));
    if (isInside(gitTop, target)) return path.join(failed, "beside", path.relative(gitTop, target));
    return path.join(failed, "outside", target);
  }

  /** Removes the previous record, which must never describe replaced files, and files of a failure. */
  async #removeOldRecord(run: Run, warnings: string[]): Promise<void> {
    const file = recordFile(this.#study.resultDirectory, run);
    if (!existsSync(file)) return;
    try {
      const previous = await readRecord(this.#study.resultDirectory, run);
      if (previous) {
        this.#placement.replaces(previous, lstatSync(file).mtimeMs);
        await this.#removeFailedFiles(previous);
      }
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      warnings.push(`replaced the old record ${file}: ${error.message}`);
    }
    rmSync(file, { force: true });
  }

  async #removeFailedFiles(previous: RunRecord): Promise<void> {
    const failed = path.join(this.#study.resultDirectory, "failed");
    const files = previous.files.flatMap((file) =>
      file.wasThere === true ? [] : [path.resolve(this.#study.directory, file.path)],
    );
    for (const file of files) if (isInside(failed, file)) await rm(file, { force: true });
  }
}

/** Returns the result of a run whose files are lost: it has to be executed again, however it ended. */
function lostResult({ stored: _, ...result }: RunResult, { message }: DamagedArchive): RunResult {
  return { ...result, outcome: { ...result.outcome, state: "lost", reason: message }, files: [] };
}

/** Returns why a file cannot be stored; undefined if it can. */
function problemOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof Unplaceable) return error.message;
    throw error;
  }
}
