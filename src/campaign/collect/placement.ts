import { accessSync, constants, lstatSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { errorCode, errorText } from "../../errors.ts";
import type { Campaign } from "../../model/campaign.ts";
import type { ResultFile, RunRecord } from "../../model/result.ts";
import { runLabel, type Run } from "../../model/run.ts";
import { DamagedArchive } from "../../stores/store.ts";
import { moveFile, lstatIfExists } from "../../system/files.ts";
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
  /** Absolute path. */
  target: string;
  recorded: RunRecord["files"][number];
  /** The file comes from the run; false if a file with the same content existed before. */
  isOurs: boolean;
}

/** The place chosen for a file. */
interface Chosen {
  target: string;
  /** A file with the same content already exists there. */
  isThere: boolean;
  /** That file is older than the campaign. */
  isUsers?: boolean;
}

/** Errors that concern only one file: its name is refused, or taken by something of another kind. */
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

/** Moves the files of runs to their places in the study, without destroying existing files. */
export class Placement {
  readonly #study: Study;
  readonly #replacements: Replacements;
  readonly #createdAt: number;
  /** The run number of each file's writer, by the path relative to the study: there may be very many. */
  readonly #owners = new Map<string, number>();
  /** The previous record of the run that is being collected. */
  #previous: Previous | undefined;

  constructor(study: Study, { createdAt }: Campaign) {
    this.#study = study;
    this.#createdAt = createdAt;
    this.#replacements = new Replacements(study, createdAt);
  }

  /** Registers files of this campaign that were stored earlier. */
  own({ runNumber, files }: RunRecord): void {
    for (const file of files) if (file.wasThere !== true) this.#owners.set(file.path, runNumber);
  }

  /** Registers the previous record of the run whose files come next. @param writtenAt in ms since 1970. */
  replaces(record: RunRecord, writtenAt: number): void {
    this.#previous = { record, writtenAt };
  }

  /**
   * Moves a file to its place, or next to it.
   * @param target absolute.
   * @throws {Unplaceable} if the file cannot be stored because of its name.
   */
  async place(
    run: Run,
    file: ResultFile & { from: string },
    target: string,
    warnings: string[],
  ): Promise<PlacedFile> {
    try {
      if (lstatSync(file.from, { throwIfNoEntry: false }) === undefined) {
        const moved = await this.#findMoved(run, file, target);
        return {
          target: moved,
          recorded: await this.#recorded(file, { target: moved, isThere: false }),
          isOurs: true,
        };
      }
      const chosen = await this.#choosePlace(run, file, target, warnings);
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

  /** Returns whether an error concerns only one file, and not the whole result directory. */
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
   * Returns the place for a file. Of several runs of the campaign that write a file of the same name, the one
   * with the highest run number gets the plain name, as after a local batch.
   */
  async #choosePlace(
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
      const kept = await this.#clearPlace(run, file, target, warnings);
      if (kept !== undefined) return kept;
    }
    this.#owners.set(name, run.runNumber);
    return { target, isThere: false };
  }

  /** Moves an existing file out of the way, or returns another place for the file. */
  async #clearPlace(
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

  /** Leaves the existing file in place, and returns a place next to it for the file of the run. */
  async #keep(run: Run, target: string, why: string, warnings: string[]): Promise<Chosen> {
    const beside = await this.#beside(target, run);
    warnings.push(
      `${this.#nameOf(target)} was not replaced, because ${why}; the file of ${runLabel(run)} is stored as ${path.basename(beside)}`,
    );
    return { target: beside, isThere: false };
  }

  /** Returns whether a file was changed after the record of its run was written. */
  async #isEdited({ root, ...owner }: Owner, target: string): Promise<boolean> {
    const file = recordFile(root, owner);
    const record = await readRecord(root, owner);
    const isNamed = record?.files.some((each) => each.path === this.#nameOf(target)) === true;
    if (!isNamed || lstatSync(target, { throwIfNoEntry: false }) === undefined) return false;
    return !(await this.#replacements.isOwn(target, { record, writtenAt: lstatSync(file).mtimeMs }));
  }

  /** Returns where a file was moved by a process that ended before it wrote the record. */
  async #findMoved(run: Run, { sizeBytes, sha256 }: ResultFile, target: string): Promise<string> {
    for (const place of [await nameBeside(target, run, () => false), target]) {
      const found = lstatSync(place, { throwIfNoEntry: false });
      if (found?.size !== sizeBytes || found.ctimeMs < this.#createdAt) continue;
      if (sha256 === undefined || (await hashOf(place)) === sha256) return place;
    }
    throw new DamagedArchive(`${target} no longer exists, neither here nor in the swarm`);
  }

  async #moveAside({ root, ...owner }: Owner, target: string, warnings: string[]): Promise<void> {
    const name = this.#nameOf(target);
    if (!(await lstatIfExists(target))) return; // the file was removed in the meantime: nothing can be lost
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

  /** Returns a path next to a file; the one that the run used before, unless that file was changed. */
  async #beside(target: string, run: RunName): Promise<string> {
    const previous = this.#previousOf(run);
    return await nameBeside(target, run, async (file) => {
      if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return false;
      return !(await this.#replacements.isOwn(file, previous));
    });
  }

  /** Removes files next to those of other runs that are in the run's previous record, but not in `files`. */
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
    // a file of the source that a run has written unchanged stays part of the source
    if (!(isThere && replaces)) await this.#remember(target, content);
    return { path: this.#nameOf(target), ...content, ...(isUsers && { wasThere: true }) };
  }

  async #remember(target: string, content: { sizeBytes: number; sha256: string }): Promise<void> {
    const { resultDirectory } = this.#study;
    const isReported = isInside(resultDirectory, target) && !isInside(resultDirectory, this.#study.directory);
    if (isReported) return; // known by its folder
    await rememberOutput(resultDirectory, target, content);
  }
}
