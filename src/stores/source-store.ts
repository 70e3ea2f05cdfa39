import { copyFile, readdir, rename, rm, utimes } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.ts";
import { sourceName, SourceSchema, type Source } from "../model/build.ts";
import {
  makeFolders,
  removeLeftovers,
  lstatIfExists,
  temporaryName,
  writeFileAtomically,
} from "../system/files.ts";
import { readJson } from "../system/json.ts";

/**
 * The git packs of sources that were sent, by the hash of their tree. Each is stored completely or not at all. Git checks
 * a pack when it is unpacked; a damaged one is removed and requested again.
 */
export interface SourceStore {
  /** Whether the workers can read the client's repositories, so that what is committed need not be sent. */
  readonly sharesDisk: boolean;
  /** Returns the description of a stored source by its tree, or undefined. */
  find(tree: string): Promise<Source | undefined>;
  /** Stores a pack by the hash of the source's tree. An existing one is replaced. @param pack path of the file. */
  put(source: Source, pack: string): Promise<void>;
  /** Returns the pack as a file that may exist only until it is disposed of; undefined if it is not stored. */
  open(tree: string): Promise<PackFile | undefined>;
  remove(tree: string): Promise<void>;
  /** Removes sources that have not been used for `ageMs`: they can be sent again. @returns the number of removed ones. */
  removeOlderThan(ageMs: number): Promise<number>;
}

interface PackFile extends AsyncDisposable {
  path: string;
}

/** A source is missing from the store or damaged. It can be sent again. */
export class MissingSource extends UserError {
  override name = "MissingSource";

  /** @param reason why the source cannot be used. */
  constructor(tree: string, reason = "is no longer in the swarm") {
    super(`the source ${tree.slice(0, 12)} ${reason}`, { hint: "run the command again to resend it" });
  }
}

/** Returns the error for a damaged source. @param reason from git or the store. */
export function damagedSource(tree: string, reason: string): MissingSource {
  return new MissingSource(tree, `is damaged: ${reason}`);
}

/** Opens a store of packs as files on this machine. */
export function openSourceDirectory(directory: string, { sharesDisk = true } = {}): SourceStore {
  const packFile = (tree: string): string => path.join(directory, `${tree}.pack`);
  const noteFile = (tree: string): string => path.join(directory, `${tree}.json`);
  return {
    sharesDisk,
    async find(tree) {
      const source = await readJson(noteFile(tree), SourceSchema);
      if (source === undefined || !(await lstatIfExists(packFile(tree)))) return undefined;
      const now = new Date();
      for (const name of source.packs ?? []) await utimes(packFile(name), now, now).catch(() => undefined);
      return source;
    },
    async put(source, pack) {
      await makeFolders(directory, 0o700);
      await removeLeftovers(directory);
      const temporary = temporaryName(packFile(sourceName(source)));
      try {
        await copyFile(pack, temporary);
        await rename(temporary, packFile(sourceName(source)));
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      await writeFileAtomically(noteFile(sourceName(source)), JSON.stringify(source), 0o600);
    },
    async open(tree) {
      const file = packFile(tree);
      if (!(await lstatIfExists(file))) return undefined;
      return { path: file, [Symbol.asyncDispose]: () => Promise.resolve() };
    },
    async remove(tree) {
      await rm(noteFile(tree), { force: true });
      await rm(packFile(tree), { force: true });
    },
    removeOlderThan: (ageMs) => removeUnused(directory, ageMs),
  };
}

async function removeUnused(directory: string, ageMs: number): Promise<number> {
  const files = (await readdir(directory).catch(() => [])).filter((each) => each.endsWith(".pack"));
  let removed = 0;
  for (const file of files.map((name) => path.join(directory, name))) {
    const stats = await lstatIfExists(file);
    if (stats === undefined || Date.now() - stats.mtimeMs < ageMs) continue;
    await rm(file.replace(/\.pack$/, ".json"), { force: true });
    await rm(file, { force: true });
    removed++;
  }
  return removed;
}
