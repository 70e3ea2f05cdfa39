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
import { recordOf } from "./record-of.ts";
import { allRecords, readRecord, recordFile, writeRecord } from "./records.ts";

export interface Collected {
  record: RunRecord;
  warnings: string[];
}

/**
 * Brings the results of a campaign's runs into the study. Doing it twice for the same run changes nothing;
 * what was begun and broken off is finished by the next call.
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
   * Takes up what has been collected of this campaign before, by another process perhaps. The files of runs that
   * were there already, and were not made again, are known afterwards, too.
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
   * Moves the files of a run to where a local run would have left them, and writes its record last. What the swarm
   * has of it is to be removed afterwards.
   */
  async collect(run: Run, answer: RunResult): Promise<Collected> {
    this.#places.refresh();
    const scratch = temporaryFolder(path.join(this.#study.resultDirectory, ".swarm"), this.#campaign.id);
    try {
      const opened = await this.#open(run, answer, scratch);
      const known = opened instanceof DamagedArchive ? await this.#collectedBefore(run, answer) : undefined;
      return known ? { record: known, warnings: [] } : await this.#takeOrLose(run, answer, opened);
    } finally {
      if (existsSync(scratch)) await rm(scratch, { recursive: true, force: true });
    }
  }

  /** Removes what the swarm has of a run that was collected. */
  async remove(run: Run): Promise<void> {
    await this.#store.removeAll(runJobId(this.#campaign.id, run.runNumber));
  }

  /** Where the files are that a run has stored, undefined where there are none, or why they cannot be had. */
  async #open(
    run: Run,
    { stored, files }: RunResult,
    scratch: string,
  ): Promise<string | undefined | DamagedArchive> {
    if (stored === undefined) return undefined;
    const isOwn = isStoredBy(runJobId(this.#campaign.id, run.runNumber), stored);
    if (!isOwn)
      return new DamagedArchive(
        `its worker's answer names results that belong to another run: ${JSON.stringify(stored)}`,
      );
    try {
      return await this.#store.open(stored, files, scratch);
    } catch (error) {
      if (error instanceof DamagedArchive) return error;
      throw error;
    }
  }

  /** The record of a process that was ended after it had removed the result, and before it could say so. */
  async #collectedBefore(run: Run, answer: RunResult): Promise<RunRecord | undefined> {
    const record = await readRecord(this.#study.resultDirectory, run);
    const same =
      record?.campaign === this.#campaign.id &&
      record.finishedAt === new Date(answer.finishedAt).toISOString();
    return same ? record : undefined;
  }

  /** Files that were moved into the study may have been taken away before all had arrived. */
  async #takeOrLose(
    run: Run,
    answer: RunResult,
    opened: string | undefined | DamagedArchive,
  ): Promise<Collected> {
    const arrived = new Map<string, string>();
    try {
      return await this.#take(run, answer, opened, arrived);
    } catch (error) {
      if (!(error instanceof DamagedArchive)) throw error;
      for (const file of arrived.values()) await rm(file, { force: true });
      return await this.#take(run, answer, error);
    }
  }

  /** @param arrived is told where the files are that have arrived, by the paths in the answer. */
  async #take(
    run: Run,
    answer: RunResult,
    opened: string | undefined | DamagedArchive,
    arrived = new Map<string, string>(),
  ): Promise<Collected> {
    const from = opened instanceof DamagedArchive ? undefined : opened;
    const told = opened instanceof DamagedArchive ? lostResult(answer, opened) : answer;
    const warnings = (told.warnings ?? []).map((warning) => `${runLabel(run)}: ${warning}`);
    const sources = from === undefined ? [] : told.files;
    let result = this.#checked(told, sources, from);
    if (result.outcome.state !== "cancelled" || result.stored !== undefined)
      await this.#removeOldRecord(run, warnings);
    const move = (): Promise<Map<string, RunRecord["files"][number]>> =>
      this.#moveAll(run, result, sources, from, arrived, warnings);
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
    const record = recordOf(this.#campaign, run, result, { files, folders, outputFile });
    const neverStarted = record.state === "cancelled" && result.stored === undefined;
    if (!neverStarted) await writeRecord(this.#study.resultDirectory, record);
    return { record, warnings };
  }

  /** A run is not done if one of its files cannot be where it belongs; that is found before the first one is moved. */
  #checked(result: RunResult, files: readonly ResultFile[], from: string | undefined): RunResult {
    if (result.outcome.state !== "done") return result;
    const problems: string[] = [];
    const placeable: string[] = [];
    for (const file of files) {
      const target = this.#target(file.path);
      const problem = unplaceable(() => {
        this.#checkPermitted(file, target, from!);
        this.#places.check(target);
      });
      if (problem === undefined) placeable.push(target);
      else problems.push(problem);
    }
    // after the checks: to ask a file system means to write to it
    for (const [target, other] of sameButForCase(placeable, this.#folds))
      problems.push(
        `${this.#places.shown(target)} (on this file system the same name as ${path.basename(other)})`,
      );
    return problems.length === 0 ? result : { ...result, outcome: incomplete(result.outcome, problems) };
  }

  /** @throws {Unplaceable} if a file is none that may be collected. @param target where it belongs. */
  #checkPermitted({ path: file }: ResultFile, target: string, from: string): void {
    this.#places.checkPermitted(target);
    const stats = lstatSync(path.join(from, file), { throwIfNoEntry: false });
    if (stats?.isSymbolicLink()) this.#places.checkLink(target, readlinkSync(path.join(from, file)));
    else if (stats !== undefined && !stats.isFile())
      throw new Unplaceable(`${this.#places.shown(target)} (not a regular file)`);
  }

  /**
   * Moves all files of a run. Of one that is not done, those that cannot be placed are named in a warning.
   * @throws {Unplaceable} if one of a run that is done turns out to have no place.
   */
  async #moveAll(
    run: Run,
    result: RunResult,
    files: readonly ResultFile[],
    from: string | undefined,
    arrived: Map<string, string>,
    warnings: string[],
  ): Promise<Map<string, RunRecord["files"][number]>> {
    const isDone = result.outcome.state === "done";
    const moved = new Map<string, RunRecord["files"][number]>();
    for (const file of files) {
      const own = this.#target(file.path);
      const target = isDone ? own : this.#failedPlace(own);
      try {
        if (!isDone) this.#checkPermitted(file, own, from!);
        if (!isDone) this.#places.check(target);
        const source = arrived.get(file.path) ?? path.join(from!, file.path);
        const placed = await this.#placement.place(run, { ...file, from: source }, target, warnings);
        if (placed.isOurs) arrived.set(file.path, placed.target); // what was there before is the user's
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

  /** Where a local run would have written a file. Of the campaign's own directory only the name counts. */
  #target(file: string): string {
    const absolute = path.resolve("/", file);
    const { directory } = this.#campaign;
    if (!isInside(directory, absolute)) return absolute;
    return path.join(this.#study.gitTop, path.relative(directory, absolute));
  }

  /** Only whole results are among the others; the rest goes to `failed/`, where no analysis looks for it. */
  #failedPlace(target: string): string {
    const { gitTop, resultDirectory } = this.#study;
    const failed = path.join(resultDirectory, "failed");
    if (isInside(resultDirectory, target)) return path.join(failed, path.relative(resultDirectory, target));
    if (isInside(gitTop, target)) return path.join(failed, "beside", path.relative(gitTop, target));
    return path.join(failed, "outside", target);
  }

  /** A record must never describe files that are being replaced. Partial files of an earlier failure go too. */
  async #removeOldRecord(run: Run, warnings: string[]): Promise<void> {
    const file = recordFile(this.#study.resultDirectory, run);
    if (!existsSync(file)) return;
    try {
      const previous = await readRecord(this.#study.resultDirectory, run);
      if (previous) this.#placement.replaces(previous, lstatSync(file).mtimeMs);
      if (previous && previous.campaign !== this.#campaign.id) await this.#removeFailedFiles(previous);
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

/** A run whose files are lost has to be made again, however it ended. */
function lostResult({ stored: _, ...result }: RunResult, { message }: DamagedArchive): RunResult {
  return { ...result, outcome: { ...result.outcome, state: "lost", reason: message }, files: [] };
}

/** What makes a file unplaceable, if something does. */
function unplaceable(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof Unplaceable) return error.message;
    throw error;
  }
}
