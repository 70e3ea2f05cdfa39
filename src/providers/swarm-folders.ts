import { readdirSync } from "node:fs";
import path from "node:path";
import * as v from "valibot";
import { errorCode, UserError } from "../errors.ts";
import { HostSchema, relationOf, thisHost, type Host } from "../system/host.ts";
import { jsonIn } from "../system/json.ts";
import { cacheDirectory, stateDirectory } from "../system/paths.ts";
import { boundedText } from "../system/regular-file.ts";

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;
/** A swarm of the local target whose name is taken by one of another machine, in a home that both share. */
const FOLDER = /^([A-Za-z][A-Za-z0-9_-]{0,62})(?:@([A-Za-z0-9._-]{1,80}))?$/;

/** A state file has some kB. */
const MOST_BYTES = 1 << 24;

export const STATE_FILE = "swarm.json";
/** The same again, from which a damaged or missing one is restored. */
export const BACKUP_FILE = "swarm.backup.json";

/** Folder of a swarm below `swarms`, in the state and in the cache directory. */
export interface SwarmFolder {
  folder: string;
  name: string;
  /** As which its machine is named in the folder's name; undefined for the first swarm of that name. */
  suffix: string | undefined;
  /** Host of a local swarm; undefined for other swarms, or if nothing tells it. */
  host: Host | undefined;
  target: string | undefined;
}

/** @throws {UserError} if it is not a valid swarm name. */
export function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw new UserError(`${JSON.stringify(name)} is not a valid swarm name`, {
    hint: "a name begins with a letter and has only letters, digits, - and _",
  });
}

export function swarmsDirectory(): string {
  return path.join(stateDirectory(), "swarms");
}

/**
 * Folders of a swarm: what must outlive a reboot, and what can be made again. Those of a local swarm are this host's own,
 * also if other machines share the home directory: `NAME` for the first machine, else `NAME@HOST`.
 */
export function swarmDirectories(name: string, here = thisHost()): { state: string; cache: string } {
  return directoriesOf(folderFor(name, here));
}

export function directoriesOf(folder: string): { state: string; cache: string } {
  return {
    state: path.join(swarmsDirectory(), folder),
    cache: path.join(cacheDirectory(), "swarms", folder),
  };
}

/** Where the queue's Redis of a local swarm keeps its data. */
export function redisDirectory(state: string): string {
  return path.join(state, "redis");
}

/** The locks of the swarm in a state directory: of its operations, and of its state file. They lie beside it. */
export function lockFiles(directory: string): { operations: string; stateFile: string } {
  return { operations: `${directory}.lock`, stateFile: `${directory}.${STATE_FILE}.lock` };
}

/** Folder for what belongs to this host of a swarm that is elsewhere: sockets, ports. */
export function hostDirectory(name: string, here = thisHost()): string {
  return path.join(swarmDirectories(name, here).state, `on-${suffixOf(here)}`);
}

/** Which folder a swarm of this name has on a host, whether it exists or not. */
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

/** The folders of all swarms, by name: this host's and those of other machines. */
export function swarmFolders(): SwarmFolder[] {
  return entriesOf(swarmsDirectory())
    .sort()
    .flatMap((folder) => {
      const [, name, suffix] = FOLDER.exec(folder) ?? [];
      return name === undefined ? [] : [{ folder, name, suffix, ...ownerOf(folder) }];
    });
}

/** Locks and temporary files are files. */
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
    const parsed = v.safeParse(OwnerSchema, jsonIn(textOf(path.join(swarmsDirectory(), folder, name))));
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
    return undefined; // whoever reads the whole state reports it
  }
}

/** A host's name as a part of a folder's name. */
function suffixOf({ name }: Host): string {
  return name.replaceAll(/[^A-Za-z0-9._-]/g, "_").slice(0, 64) || "unnamed";
}
