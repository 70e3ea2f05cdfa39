import { existsSync, mkdirSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.ts";
import { runJobId, type Campaign } from "../model/campaign.ts";
import type { RunRecord, RunResult } from "../model/result.ts";
import { runLabel, type Run } from "../model/run.ts";
import { DamagedArchive, type ResultStore } from "../results/store.ts";
import { moveFile, statIfThere, temporaryFolder } from "../system/files.ts";
import { isInside } from "../system/paths.ts";
import { allRecords, hashOf, readRecord, recordFile, writeRecord } from "./records.ts";

export interface Study {
  /** Absolute. */
  gitTop: string;
  directory: string;
  resultDirectory: string;
  /** Folders and files outside of the checkout to which runs of this campaign may write. */
  outside: readonly string[];
}

type RunName = Pick<Run, "config" | "runNumber">;

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
  /** The number of the run that a file is from, by its path relative to the study: there may be very many. */
  readonly #owners = new Map<string, number>();

  constructor(study: Study, campaign: Campaign, store: ResultStore) {
    this.#study = study;
    this.#campaign = campaign;
    this.#store = store;
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
      if (isOwn || isThere) this.#own(record);
      if (isOwn) onRecord(record);
    }
  }

  #own({ runNumber, files }: RunRecord): void {
    for (const file of files) this.#owners.set(file.path, runNumber);
  }

  /**
   * Moves the files of a run to where a local run would have left them, and writes its record last. What the swarm
   * has of it is to be removed afterwards.
   */
  async collect(run: Run, answer: RunResult): Promise<Collected> {
    const scratch = temporaryFolder(path.join(this.#study.resultDirectory, ".swarm"), this.#campaign.id);
    try {
      const opened = await this.#open(answer, scratch);
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
  async #open({ stored, files }: RunResult, scratch: string): Promise<string | undefined | DamagedArchive> {
    if (stored === undefined) return undefined;
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
    const brought: string[] = [];
    try {
      return await this.#take(run, answer, opened, brought);
    } catch (error) {
      if (!(error instanceof DamagedArchive)) throw error;
      for (const file of brought) await rm(file, { force: true });
      return await this.#take(run, answer, error);
    }
  }

  /** @param brought is told where the files lie that have arrived. */
  async #take(
    run: Run,
    answer: RunResult,
    opened: string | undefined | DamagedArchive,
    brought: string[] = [],
  ): Promise<Collected> {
    const from = opened instanceof DamagedArchive ? undefined : opened;
    const result = opened instanceof DamagedArchive ? lostResult(answer, opened) : answer;
    const warnings = (result.warnings ?? []).map((warning) => `${runLabel(run)}: ${warning}`);
    if (result.outcome.state !== "cancelled" || result.stored !== undefined)
      await this.#removeOldRecord(run, warnings);
    const files: RunRecord["files"] = [];
    let outputFile: string | undefined;
    for (const { path: file, sizeBytes, sha256 } of from === undefined ? [] : result.files) {
      const target = await this.#place(run, this.#destination(file, result), warnings);
      await this.#bring(path.join(from!, file), target, sizeBytes, run);
      brought.push(target);
      const place = path.relative(this.#study.directory, target);
      if (file === result.outputFile) outputFile = place;
      files.push({ path: place, sizeBytes, sha256: sha256 ?? (await hashOf(target)) });
    }
    const record = this.#record(run, result, files, outputFile);
    const neverStarted = record.state === "cancelled" && result.stored === undefined;
    if (!neverStarted) await writeRecord(this.#study.resultDirectory, record);
    return { record, warnings };
  }

  /** Only whole results lie among the others; the rest goes to `failed/`, where no analysis looks for it. */
  #destination(file: string, result: RunResult): string {
    const { gitTop, resultDirectory } = this.#study;
    const target = path.resolve(gitTop, file);
    if (!isInside(gitTop, target)) throw new Error(`a worker named a file outside of the checkout: ${file}`);
    if (result.outcome.state === "done") return target;
    const inside = isInside(resultDirectory, target);
    return path.join(
      resultDirectory,
      "failed",
      inside ? path.relative(resultDirectory, target) : path.basename(target),
    );
  }

  /**
   * Where several runs write a file of the same name, the one with the highest number has the plain name,
   * as after a local batch; the others are kept beside it under a name with their run.
   */
  async #place(run: Run, target: string, warnings: string[]): Promise<string> {
    const name = path.relative(this.#study.directory, target);
    const number = this.#owners.get(name);
    if (number === undefined || number === run.runNumber) {
      this.#owners.set(name, run.runNumber);
      return target;
    }
    const owner = { config: run.config, runNumber: number };
    if (number > run.runNumber) {
      const aside = ownName(target, run);
      warnings.push(
        `${name} is also written by ${runLabel(owner)}; that of ${runLabel(run)} is ${path.basename(aside)}`,
      );
      return aside;
    }
    const aside = ownName(target, owner);
    warnings.push(`${name} is also written by ${runLabel(owner)}; that one is now ${path.basename(aside)}`);
    await moveFile(target, aside);
    await this.#renameInRecord(owner, name, path.relative(this.#study.directory, aside));
    this.#owners.set(name, run.runNumber);
    return target;
  }

  async #renameInRecord(run: RunName, from: string, to: string): Promise<void> {
    const record = await readRecord(this.#study.resultDirectory, run);
    if (record === undefined) return;
    const files = record.files.map((file) => (file.path === from ? { ...file, path: to } : file));
    await writeRecord(this.#study.resultDirectory, { ...record, files });
  }

  async #bring(from: string, to: string, sizeBytes: number, run: Run): Promise<void> {
    if (await statIfThere(from)) {
      mkdirSync(path.dirname(to), { recursive: true });
      await moveFile(from, to);
    }
    const arrived = await statIfThere(to);
    if (arrived === undefined) throw new DamagedArchive(`${to} is neither here nor in the swarm any more`);
    if (arrived.size === sizeBytes) return;
    throw new UserError(
      `${to} of ${runLabel(run)} has not arrived whole: ${arrived.size} of ${sizeBytes} bytes`,
      { hint: "is the disk full? the run has to be made again" },
    );
  }

  /** A record must never describe files that are being replaced. Partial files of an earlier failure go too. */
  async #removeOldRecord(run: Run, warnings: string[]): Promise<void> {
    const file = recordFile(this.#study.resultDirectory, run);
    if (!existsSync(file)) return;
    try {
      const previous = await readRecord(this.#study.resultDirectory, run);
      if (previous && previous.campaign !== this.#campaign.id) await this.#removeFailedFiles(previous);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      warnings.push(`the old record ${file} is replaced: ${error.message}`);
    }
    rmSync(file, { force: true });
  }

  async #removeFailedFiles(previous: RunRecord): Promise<void> {
    const failed = path.join(this.#study.resultDirectory, "failed");
    const files = previous.files.map((file) => path.resolve(this.#study.directory, file.path));
    for (const file of files) if (isInside(failed, file)) await rm(file, { force: true });
  }

  #record(run: Run, result: RunResult, files: RunRecord["files"], outputFile: string | undefined): RunRecord {
    const { id, source, commit, changedFiles, buildKey, identity, omnetpp } = this.#campaign;
    return {
      format: 1,
      campaign: id,
      ...run,
      ...result.outcome,
      ...result.usage,
      startedAt: new Date(result.startedAt).toISOString(),
      finishedAt: new Date(result.finishedAt).toISOString(),
      worker: result.worker,
      commit: commit ?? source.commit,
      ...(changedFiles !== undefined && { changedFiles }),
      ...(source.tree !== undefined && { tree: source.tree }),
      build: buildKey,
      ...(identity !== undefined && { identity }),
      omnetpp: omnetpp.version,
      arguments: this.#campaign.arguments,
      files,
      ...(outputFile !== undefined && { outputFile }),
    };
  }
}

/** A run whose files are lost has to be made again, however it ended. */
function lostResult({ stored: _, ...result }: RunResult, { message }: DamagedArchive): RunResult {
  return { ...result, outcome: { ...result.outcome, state: "lost", reason: message }, files: [] };
}

/** `server1.pcap` of run 3 of config General: `server1.General-3.pcap`. */
function ownName(file: string, run: RunName): string {
  const { dir, name, ext } = path.parse(file);
  return path.join(dir, `${name}.${run.config}-${run.runNumber}${ext}`);
}
