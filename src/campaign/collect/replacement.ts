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

/** The record that a run had before, and when it was written (ms since 1970). */
export interface Previous {
  record: RunRecord;
  writtenAt: number;
}

/** A file of a run on its way to the study. */
export interface Incoming {
  /** Where it is now. */
  from: string;
  sizeBytes: number;
  sha256?: string | undefined;
}

/** Another run that wrote a file, and the folder with its record: each config may have its own. */
export interface Owner extends RunName {
  root: string;
}

/** What becomes of a file that has the name of one on its way. */
export type Decision =
  | { type: "free" }
  | { type: "replace" }
  /** It has the same content: it stays. Older than the campaign, it is the user's. */
  | { type: "same"; isUsers: boolean }
  /** It is another run's result and is kept under that run's name. */
  | { type: "rename"; owner: Owner }
  /** It is the user's, or was changed by him, or its name differs in case: the new one goes beside it. */
  | { type: "keep"; why: string };

/** Why a file is kept that is the user's. */
export const NO_RESULT = "it is not a result of an earlier run";

/**
 * Decides whether a file of a run may replace what is on the disk: only what a run has written and nobody has changed
 * since, or what the simulator would have replaced, too.
 */
export class Replacements {
  readonly #study: { directory: string; resultDirectory: string };
  readonly #createdAt: number;
  readonly #otherNameOf: typeof otherNameOf;
  /** The runs that other records name as the writers of a file; read when it is needed for the first time. */
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
   * @param target absolute.
   */
  async decide(
    target: string,
    incoming: Incoming,
    run: RunName,
    previous: Previous | undefined,
  ): Promise<Decision> {
    const there = lstatSync(target, { throwIfNoEntry: false });
    if (there === undefined) return { type: "free" };
    const name = path.relative(this.#study.directory, target);
    const other = this.#otherNameOf(target);
    if (other !== undefined)
      return { type: "keep", why: `on this file system it has the same name as ${other}, which exists` };
    if (await this.isOwn(target, previous)) return { type: "replace" };
    const owner = await this.#writerOf(target, there, name, run);
    if (owner !== undefined) return { type: "rename", owner };
    if (isOverwritten(target) && there.ctimeMs < this.#createdAt) return { type: "replace" };
    if (there.size === incoming.sizeBytes) {
      const sha256 = incoming.sha256 ?? (await hashOf(incoming.from));
      if ((await hashOf(target)) === sha256)
        return { type: "same", isUsers: there.ctimeMs < this.#createdAt };
    }
    return { type: "keep", why: NO_RESULT };
  }

  /** Whether a file is what an earlier record of the run says. */
  async isOwn(target: string, previous: Previous | undefined): Promise<boolean> {
    const there = lstatSync(target, { throwIfNoEntry: false });
    const name = path.relative(this.#study.directory, target);
    const own = previous?.record.files.find((file) => file.path === name && file.wasThere !== true);
    if (own === undefined || there === undefined) return false;
    return await isUnchanged(target, there, own, previous!.writtenAt);
  }

  /** Another run whose record names the file, as it is now. */
  async #writerOf(target: string, there: Stats, name: string, run: RunName): Promise<Owner | undefined> {
    this.#writers ??= await this.#readWriters();
    const writer = this.#writers.get(name);
    if (writer === undefined) return undefined;
    const { config, runNumber, root } = writer;
    if (config === run.config && runNumber === run.runNumber) return undefined;
    const writtenAt = lstatSync(recordFile(root, writer), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return (await isUnchanged(target, there, writer, writtenAt)) ? { config, runNumber, root } : undefined;
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

/** Its size is what was recorded, and it was not touched since, or its content is the same all the same. */
async function isUnchanged(
  file: string,
  { size, ctimeMs }: Stats,
  recorded: { sizeBytes: number; sha256: string },
  writtenAt: number,
): Promise<boolean> {
  if (size !== recorded.sizeBytes) return false;
  return ctimeMs <= writtenAt || (await hashOf(file)) === recorded.sha256;
}

/**
 * The name under which a run's file is kept beside another one: `server1.pcap` of run 3 of config General becomes
 * `server1.General-3.pcap`. A long name is cut, because names have at most 255 bytes.
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
    const room = 255 - Buffer.byteLength(end);
    const candidate = path.join(dir, cut(name, room) + end);
    if (!(await taken(candidate))) return candidate;
  }
}

/** Whether a file has its name because another run's has the plain one. */
export function isNamedBeside(file: string, { config, runNumber }: RunName): boolean {
  return path.basename(file).includes(`.${config.replaceAll("/", "_")}-${runNumber}`);
}

/** The beginning of a text that has at most so many bytes, without a broken character. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  return Buffer.from(text)
    .subarray(0, Math.max(0, bytes))
    .toString("utf8")
    .replace(/\ufffd+$/, "");
}
