import { lstatSync, type Stats } from "node:fs";
import path from "node:path";
import type { RunRecord } from "../../model/result.ts";
import type { Run } from "../../model/run.ts";
import { isOverwritten } from "../../omnetpp/result-files.ts";
import { otherNameOf } from "./name-case.ts";
import { recordRootsOf } from "./notes.ts";
import { allRecords, recordFile } from "./records.ts";
import { hashOf } from "../../system/content-hash.ts";

type RunName = Pick<Run, "config" | "runNumber">;
type Writers = Map<string, Owner & { sizeBytes: number; sha256: string }>;

/** The previous record of a run, and when it was written (in ms since 1970). */
export interface Previous {
  record: RunRecord;
  writtenAt: number;
}

/** A file of a run that is to be moved into the study. */
export interface Incoming {
  /** Its current path. */
  from: string;
  sizeBytes: number;
  sha256?: string | undefined;
}

/** Another run that wrote a file, and the folder that contains its record: each config may have its own. */
export interface Owner extends RunName {
  root: string;
}

/** What to do with an existing file that has the name of a new one. */
export type Decision =
  | { type: "free" }
  | { type: "replace" }
  /** It has the same content and stays. If it is older than the campaign, it is the user's. */
  | { type: "same"; isUsers: boolean }
  /** It is the result of another run, and is renamed after that run. */
  | { type: "rename"; owner: Owner }
  /**
   * It is the user's, was changed by the user, or its name
   * differs in case: the new file is stored next to it.
   */
  | { type: "keep"; why: string };

/** Why a user's file is kept. */
export const NO_RESULT = "it is not a result of an earlier run";

/**
 * Decides whether a file of a run may replace an existing one: only if a run has written that file and it was
 * not changed since, or if the simulator, too, would replace it.
 */
export class Replacements {
  readonly #study: { directory: string; resultDirectory: string };
  readonly #createdAt: number;
  readonly #otherNameOf: typeof otherNameOf;
  /** The runs that have written files, according to other records; read when first needed. */
  #writers: Writers | undefined;

  /** @param createdAt when the campaign was queued, in ms since 1970. */
  constructor(
    study: { directory: string; resultDirectory: string },
    createdAt: number,
    otherName: typeof otherNameOf = otherNameOf,
  ) {
    this.#study = study;
    this.#createdAt = createdAt;
    this.#otherNameOf = otherName;
  }

  /**
   * Decides what to do with the existing file.
   * @param target absolute path of both files.
   * @param previous record of the run.
   */
  async decide(
    target: string,
    incoming: Incoming,
    run: RunName,
    previous: Previous | undefined,
  ): Promise<Decision> {
    const stats = lstatSync(target, { throwIfNoEntry: false });
    if (stats === undefined) return { type: "free" };
    const name = path.relative(this.#study.directory, target);
    const other = this.#otherNameOf(target);
    if (other !== undefined)
      return { type: "keep", why: `on this file system it has the same name as ${other}, which exists` };
    if (await this.isOwn(target, previous)) return { type: "replace" };
    const owner = await this.#writerOf(target, stats, name, run);
    if (owner !== undefined) return { type: "rename", owner };
    if (isOverwritten(target) && stats.ctimeMs < this.#createdAt) return { type: "replace" };
    if (stats.size === incoming.sizeBytes) {
      const sha256 = incoming.sha256 ?? (await hashOf(incoming.from));
      if ((await hashOf(target)) === sha256)
        return { type: "same", isUsers: stats.ctimeMs < this.#createdAt };
    }
    return { type: "keep", why: NO_RESULT };
  }

  /** Returns whether a file is as the previous record of the run describes it. */
  async isOwn(target: string, previous: Previous | undefined): Promise<boolean> {
    const stats = lstatSync(target, { throwIfNoEntry: false });
    const name = path.relative(this.#study.directory, target);
    const own = previous?.record.files.find((file) => file.path === name && file.wasThere !== true);
    if (own === undefined || stats === undefined) return false;
    return await isUnchanged(target, stats, own, previous!.writtenAt);
  }

  /** Returns another run whose record describes the file as it is now. */
  async #writerOf(target: string, stats: Stats, name: string, run: RunName): Promise<Owner | undefined> {
    this.#writers ??= await this.#readWriters();
    const writer = this.#writers.get(name);
    if (writer === undefined) return undefined;
    const { config, runNumber, root } = writer;
    if (config === run.config && runNumber === run.runNumber) return undefined;
    const writtenAt = lstatSync(recordFile(root, writer), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return (await isUnchanged(target, stats, writer, writtenAt)) ? { config, runNumber, root } : undefined;
  }

  async #readWriters(): Promise<Writers> {
    const { directory, resultDirectory } = this.#study;
    const writers: Writers = new Map();
    for (const root of new Set([...(await recordRootsOf(directory)), resultDirectory]))
      for await (const { config, runNumber, files } of allRecords(root))
        for (const { path: file, sizeBytes, sha256, wasThere } of files)
          if (wasThere !== true) writers.set(file, { config, runNumber, sizeBytes, sha256, root });
    return writers;
  }
}

/** Returns whether a file has the recorded size, and was not changed since, or has the recorded content. */
export async function isUnchanged(
  file: string,
  { size, ctimeMs }: Stats,
  recorded: { sizeBytes: number; sha256: string },
  writtenAt: number,
): Promise<boolean> {
  if (size !== recorded.sizeBytes) return false;
  return ctimeMs <= writtenAt || (await hashOf(file)) === recorded.sha256;
}

/**
 * Returns the path for a run's file next to another file: `server1.pcap` of run 3 of config General becomes
 * `server1.General-3.pcap`. Long names are cut, because names have at most 255 bytes.
 * @param taken returns whether a path cannot be used.
 */
export async function nameBeside(
  file: string,
  { config, runNumber }: RunName,
  taken: (file: string) => boolean | Promise<boolean>,
): Promise<string> {
  const { dir, name, ext } = path.parse(file);
  const suffix = `.${config.replaceAll("/", "_")}-${runNumber}`;
  for (let count = 1; ; count++) {
    const end = `${suffix}${count === 1 ? "" : `.${count}`}${ext}`;
    const maxBytes = 255 - Buffer.byteLength(end);
    const candidate = path.join(dir, cut(name, maxBytes) + end);
    if (!(await taken(candidate))) return candidate;
  }
}

/** Returns whether a file was named after its run because another run's file has the plain name. */
export function isNamedBeside(file: string, { config, runNumber }: RunName): boolean {
  return path.basename(file).includes(`.${config.replaceAll("/", "_")}-${runNumber}`);
}

/** Returns the beginning of a text with at most a number of bytes, without a broken character. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  return Buffer.from(text)
    .subarray(0, Math.max(0, bytes))
    .toString("utf8")
    .replace(/\ufffd+$/, "");
}
