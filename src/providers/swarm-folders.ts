import { readdirSync } from "node:fs";
import path from "node:path";
import * as v from "valibot";
import { errorCode, UserError } from "../errors.ts";
import { HostSchema, relationOf, thisHost, type Host } from "../system/host.ts";
import { parseJsonOrUndefined } from "../system/json.ts";
import { cacheDirectory, stateDirectory } from "../system/paths.ts";
import { boundedText } from "../system/regular-file.ts";

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;
/** A suffix distinguishes local swarms of the same name on several machines that share the home directory. */
const FOLDER = /^([A-Za-z][A-Za-z0-9_-]{0,62})(?:@([A-Za-z0-9._-]{1,80}))?$/;

/** State files have a few KB. */
const MOST_BYTES = 1 << 24;

export const STATE_FILE = "swarm.json";
/** Copy from which a damaged or missing state file is restored. */
export const BACKUP_FILE = "swarm.backup.json";

/** A swarm's folder in `swarms`, in the state and in the cache directory. */
export interface SwarmFolder {
  folder: string;
  name: string;
  /** Machine in the folder's name; undefined for the first swarm of that name. */
  suffix: string | undefined;
  /** Host of a local swarm; undefined for other swarms, or if it is unknown. */
  host: Host | undefined;
  target: string | undefined;
}

/** Checks a swarm's name. @throws {UserError} if it is not valid. */
export function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw new UserError(`${JSON.stringify(name)} is not a valid swarm name`, {
    hint: "a name begins with a letter and has only letters, digits, - and _",
  });
}

/** Returns the directory that contains the state of all swarms. */
export function swarmsDirectory(): string {
  return path.join(stateDirectory(), "swarms");
}

/**
 * Returns the folders of a swarm: `state` must persist, `cache` can be created again. Machines that share a home directory
 * have separate folders for local swarms: `NAME` on the first machine, `NAME@HOST` on the others.
 */
export function swarmDirectories(name: string, here = thisHost()): { state: string; cache: string } {
  return directoriesOf(folderFor(name, here));
}

/** Returns the state and the cache directory of a swarm's folder. */
export function directoriesOf(folder: string): { state: string; cache: string } {
  return {
    state: path.join(swarmsDirectory(), folder),
    cache: path.join(cacheDirectory(), "swarms", folder),
  };
}

/** Returns the data directory of a local swarm's Redis. @param state the swarm's state directory. */
export function redisDirectory(state: string): string {
  return path.join(state, "redis");
}

/** Returns the lock files of a swarm, for its operations and its state file. They are next to its state directory. */
export function lockFiles(directory: string): { operations: string; stateFile: string } {
  return { operations: `${directory}.lock`, stateFile: `${directory}.${STATE_FILE}.lock` };
}

/** Returns the folder for this host's part of a swarm on other machines: sockets, ports. */
export function hostDirectory(name: string, here = thisHost()): string {
  return path.join(swarmDirectories(name, here).state, `on-${suffixOf(here)}`);
}

/** Returns the folder of a swarm on a host; the swarm need not exist. */
function folderFor(name: string, here: Host): string {
  checkName(name);
  const same = swarmFolders().filter((each) => each.name === name);
  const own = same.filter((each) => each.host !== undefined);
  for (const wanted of ["here", "rebooted"] as const) {
    const found = own.find(({ host }) => relationOf(host, here) === wanted);
    if (found !== undefined) return found.folder;
  }
  const unknown = same.filter(({ host }) => host === undefined);
  for (const suffix of [suffixOf(here), undefined]) {
    const found = unknown.find((each) => each.suffix === suffix);
    if (found !== undefined) return found.folder;
  }
  const taken = new Set(same.map(({ folder }) => folder));
  if (!taken.has(name)) return name;
  for (let count = 1; ; count++) {
    const folder = `${name}@${suffixOf(here)}${count === 1 ? "" : `-${count}`}`;
    if (!taken.has(folder)) return folder;
  }
}

/** Returns the folders of all swarms, of this host and others, sorted by name. */
export function swarmFolders(): SwarmFolder[] {
  return entriesOf(swarmsDirectory())
    .sort()
    .flatMap((folder) => {
      const [, name, suffix] = FOLDER.exec(folder) ?? [];
      return name === undefined ? [] : [{ folder, name, suffix, ...ownerOf(folder) }];
    });
}

/** Returns the folders in a directory, without files such as locks. */
function entriesOf(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => !entry.isFile()).map((entry) => entry.name);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

const OwnerSchema = v.object({ target: v.string(), host: v.optional(HostSchema) });

function ownerOf(folder: string): Pick<SwarmFolder, "host" | "target"> {
  for (const name of [STATE_FILE, BACKUP_FILE]) {
    const parsed = v.safeParse(
      OwnerSchema,
      parseJsonOrUndefined(textOf(path.join(swarmsDirectory(), folder, name))),
    );
    if (!parsed.success) continue;
    const { target, host } = parsed.output;
    return { target, host: target === "local" ? host : undefined };
  }
  return { target: undefined, host: undefined };
}

function textOf(file: string): string | undefined {
  try {
    return boundedText(file, MOST_BYTES);
  } catch {
    return undefined; // readState reports the error
  }
}

/** Returns a host's name in a form that can be part of a folder's name. */
function suffixOf({ name }: Host): string {
  return name.replaceAll(/[^A-Za-z0-9._-]/g, "_").slice(0, 64) || "unnamed";
}
