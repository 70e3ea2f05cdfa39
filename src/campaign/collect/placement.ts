import { accessSync, constants, lstatSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { errorCode, errorText } from "../../errors.ts";
import type { Campaign } from "../../model/campaign.ts";
import type { ResultFile, RunRecord } from "../../model/result.ts";
import { runLabel, type Run } from "../../model/run.ts";
import { DamagedArchive } from "../../stores/store.ts";
import { moveFile, statIfThere } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";
import { rememberOutput } from "./known-outputs.ts";
import { moveResult } from "./move-result.ts";
import { Unplaceable, type Study } from "./places.ts";
import { readRecord, recordFile, writeRecord } from "./records.ts";
import { hashOf } from "../../system/content-hash.ts";
import {
  isNamedBeside,
  nameBeside,
  NO_RESULT,
  Replacements,
  type Owner,
  type Previous,
} from "./replacement.ts";

type RunName = Pick<Run, "config" | "runNumber">;

export interface PlacedFile {
  /** Absolute. */
  target: string;
  recorded: RunRecord["files"][number];
  /** It has come from the run, and is not a file of the same content that was there before. */
  isOurs: boolean;
}

/** A place for a file. */
interface Chosen {
  target: string;
  /** The same content is there already. */
  isThere: boolean;
  /** It was there before the campaign. */
  isUsers?: boolean;
}

/** Names that the file system refuses, or that are taken by something of another kind: the fault of this file only. */
const FAULTS_OF_THE_NAME = [
  "ENAMETOOLONG",
  "EILSEQ",
  "EINVAL",
  "ENOTDIR",
  "EISDIR",
  "EEXIST",
  "ENOTEMPTY",
  "ELOOP",
];

/** Puts the files of runs to their places in the study, without destroying what is there. */
export class Placement {
  readonly #study: Study;
  readonly #replacements: Replacements;
  readonly #createdAt: number;
  /** The number of the run that a file is from, by its path relative to the study: there may be very many. */
  readonly #owners = new Map<string, number>();
  /** Of the run that is collected now. */
  #previous: Previous | undefined;

  constructor(study: Study, { createdAt }: Campaign) {
    this.#study = study;
    this.#createdAt = createdAt;
    this.#replacements = new Replacements(study, createdAt);
  }

  /** Files of this campaign that have been placed before. */
  own({ runNumber, files }: RunRecord): void {
    for (const file of files) if (file.wasThere !== true) this.#owners.set(file.path, runNumber);
  }

  /** The next files are of the same run as an earlier record. @param writtenAt ms since 1970. */
  replaces(record: RunRecord, writtenAt: number): void {
    this.#previous = { record, writtenAt };
  }

  /**
   * Moves a file to its place, or beside it.
   * @param target absolute.
   * @throws {Unplaceable} for a fault of its name.
   */
  async place(
    run: Run,
    file: ResultFile & { from: string },
    target: string,
    warnings: string[],
  ): Promise<PlacedFile> {
    try {
      if (lstatSync(file.from, { throwIfNoEntry: false }) === undefined) {
        const moved = await this.#movedBefore(run, file, target);
        return {
          target: moved,
          recorded: await this.#recorded(file, { target: moved, isThere: false }),
          isOurs: true,
        };
      }
      const chosen = await this.#choose(run, file, target, warnings);
      if (!chosen.isThere) await moveResult(file, chosen.target, run);
      return {
        target: chosen.target,
        recorded: await this.#recorded(file, chosen),
        isOurs: !chosen.isThere,
      };
    } catch (error) {
      if (!this.#isFaultOfName(error)) throw error;
      throw new Unplaceable(
        `${path.relative(this.#study.directory, target)} (not writable: ${errorText(error)})`,
      );
    }
  }

  /** Where a permission is missing for the whole result directory, no other run's files could be stored either. */
  #isFaultOfName(error: unknown): boolean {
    const code = errorCode(error) ?? "";
    if (FAULTS_OF_THE_NAME.includes(code)) return true;
    if (code !== "EACCES" && code !== "EPERM") return false;
    try {
      accessSync(this.#study.resultDirectory, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * If several runs of the campaign write a file of the same name, the one with the highest number has the plain name,
   * as after a local batch; the others are kept beside it under a name with their run.
   */
  async #choose(
    run: Run,
    file: ResultFile & { from: string },
    target: string,
    warnings: string[],
  ): Promise<Chosen> {
    const name = this.#nameOf(target);
    const number = this.#owners.get(name);
    if (number !== undefined && number > run.runNumber) {
      const owner = { config: run.config, runNumber: number };
      const beside = await this.#beside(target, run);
      warnings.push(
        `${name} is also written by ${runLabel(owner)}; the file of ${runLabel(run)} is stored as ${path.basename(beside)}`,
      );
      return { target: beside, isThere: false };
    }
    if (number !== undefined && number < run.runNumber) {
      const owner = { config: run.config, runNumber: number, root: this.#study.resultDirectory };
      if (await this.#isEdited(owner, target)) return await this.#keep(run, target, NO_RESULT, warnings);
      await this.#moveAside(owner, target, warnings);
    } else {
      const kept = await this.#avoid(run, file, target, warnings);
      if (kept !== undefined) return kept;
    }
    this.#owners.set(name, run.runNumber);
    return { target, isThere: false };
  }

  /** Makes way for a file, or finds another place for it. @returns undefined if its own place is free. */
  async #avoid(
    run: Run,
    file: ResultFile & { from: string },
    target: string,
    warnings: string[],
  ): Promise<Chosen | undefined> {
    const decision = await this.#replacements.decide(target, file, run, this.#previousOf(run));
    switch (decision.type) {
      case "free":
      case "replace":
        return undefined;
      case "same":
        return { target, isThere: true, isUsers: decision.isUsers };
      case "rename":
        await this.#moveAside(decision.owner, target, warnings);
        return undefined;
      case "keep":
        return await this.#keep(run, target, decision.why, warnings);
    }
  }

  /** Leaves the file that exists in place, and stores that of the run beside it. */
  async #keep(run: Run, target: string, why: string, warnings: string[]): Promise<Chosen> {
    const beside = await this.#beside(target, run);
    warnings.push(
      `${this.#nameOf(target)} was not replaced, because ${why}; the file of ${runLabel(run)} is stored as ${path.basename(beside)}`,
    );
    return { target: beside, isThere: false };
  }

  /** Returns whether somebody has changed a file since the record of its run was written. */
  async #isEdited({ root, ...owner }: Owner, target: string): Promise<boolean> {
    const file = recordFile(root, owner);
    const record = await readRecord(root, owner);
    const isNamed = record?.files.some((each) => each.path === this.#nameOf(target)) === true;
    if (!isNamed || lstatSync(target, { throwIfNoEntry: false }) === undefined) return false;
    return !(await this.#replacements.isOwn(target, { record, writtenAt: lstatSync(file).mtimeMs }));
  }

  /**
   * Where a process has moved a file that was ended before it could write the record. Anything else of the name must not
   * pass for it.
   */
  async #movedBefore(run: Run, { sizeBytes, sha256 }: ResultFile, target: string): Promise<string> {
    for (const place of [await nameBeside(target, run, () => false), target]) {
      const there = lstatSync(place, { throwIfNoEntry: false });
      if (there?.size !== sizeBytes || there.ctimeMs < this.#createdAt) continue;
      if (sha256 === undefined || (await hashOf(place)) === sha256) return place;
    }
    throw new DamagedArchive(`${target} no longer exists, neither here nor in the swarm`);
  }

  async #moveAside({ root, ...owner }: Owner, target: string, warnings: string[]): Promise<void> {
    const name = this.#nameOf(target);
    if (!(await statIfThere(target))) return; // somebody has removed it: nothing of it can be lost
    const beside = await this.#beside(target, owner);
    warnings.push(
      `${name} is also written by ${runLabel(owner)}, whose file is now stored as ${path.basename(beside)}`,
    );
    await moveFile(target, beside);
    const record = await readRecord(root, owner);
    if (record === undefined) return;
    const besideName = this.#nameOf(beside);
    const files = record.files.map((file) => (file.path === name ? { ...file, path: besideName } : file));
    const outputFile = record.outputFile === name ? { outputFile: besideName } : {};
    await writeRecord(root, { ...record, files, ...outputFile });
    const moved = files.find((file) => file.path === besideName);
    if (moved !== undefined)
      await this.#remember(beside, { sizeBytes: moved.sizeBytes, sha256: moved.sha256 });
  }

  /** A name of the run beside a file; one that the same run had before is used again, unless somebody has changed it. */
  async #beside(target: string, run: RunName): Promise<string> {
    const previous = this.#previousOf(run);
    return await nameBeside(target, run, async (file) => {
      if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return false;
      return !(await this.#replacements.isOwn(file, previous));
    });
  }

  /**
   * Removes copies beside other runs' files that an earlier record of a run names, and its new one does not.
   * @param files of the new record.
   */
  async removeSuperseded(run: RunName, files: RunRecord["files"]): Promise<void> {
    const previous = this.#previousOf(run);
    const names = new Set(files.map((file) => file.path));
    for (const { path: name } of previous?.record.files ?? []) {
      const file = path.resolve(this.#study.directory, name);
      if (names.has(name) || !isNamedBeside(name, run)) continue;
      if (await this.#replacements.isOwn(file, previous)) await rm(file, { force: true });
    }
  }

  #previousOf({ config, runNumber }: RunName): Previous | undefined {
    const record = this.#previous?.record;
    return record?.config === config && record.runNumber === runNumber ? this.#previous : undefined;
  }

  #nameOf(target: string): string {
    return path.relative(this.#study.directory, target);
  }

  async #recorded(
    { sizeBytes, sha256, replaces }: ResultFile,
    { target, isThere, isUsers = false }: Chosen,
  ): Promise<RunRecord["files"][number]> {
    const content = { sizeBytes, sha256: sha256 ?? (await hashOf(target)) };
    // what the source has, and a run has written with the same content, stays a part of the source
    if (!(isThere && replaces)) await this.#remember(target, content);
    return { path: this.#nameOf(target), ...content, ...(isUsers && { wasThere: true }) };
  }

  async #remember(target: string, content: { sizeBytes: number; sha256: string }): Promise<void> {
    const { resultDirectory } = this.#study;
    const isReported = isInside(resultDirectory, target) && !isInside(resultDirectory, this.#study.directory);
    if (isReported) return; // by its folder
    await rememberOutput(resultDirectory, target, content);
  }
}
