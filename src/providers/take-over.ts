import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.ts";
import { thisHost } from "../system/host.ts";
import { lockOwner } from "../system/lock.ts";
import { lifeStatus } from "../system/identity.ts";
import type { OtherHostSwarm } from "./list-swarms.ts";
import { readStateIn, writeStateIn } from "./state-file.ts";
import { directoriesOf, lockFiles, swarmDirectories } from "./swarm-folders.ts";

/** Deletes what a swarm has left in the shared directories; for a swarm of a machine that no longer exists. */
export async function forgetElsewhere({ folder }: OtherHostSwarm): Promise<void> {
  const { state: directory, cache } = directoriesOf(folder);
  for (const place of [cache, directory]) await rm(place, { recursive: true, force: true });
  for (const lock of Object.values(lockFiles(directory))) await removeForeign(lock);
}

/**
 * Turns a swarm of another machine, which no longer exists or was renamed, into a halted swarm of this host.
 * @throws {UserError} if this host has a swarm of that name.
 */
export async function takeOver({ label, folder, state: { name } }: OtherHostSwarm): Promise<void> {
  if (existsSync(swarmDirectories(name).state)) {
    throw new UserError(`this machine also has a swarm named ${name}; cannot take over ${label}`, {
      hint: `remove one of them: swarm-tool remove ${name}, or swarm-tool remove ${label} --forget`,
    });
  }
  const { state: directory, cache } = directoriesOf(folder);
  const state = await readStateIn(label, directory);
  if (state?.target !== "local") throw new UserError(`the swarm ${label} no longer exists`);
  for (const lock of await locksIn(cache)) await removeForeign(lock);
  for (const lock of Object.values(lockFiles(directory))) await removeForeign(lock);
  await writeStateIn(directory, { ...state, state: "halted", host: thisHost(), processes: [] });
}

/** Returns the lock files of slots, repositories and builds in a cache directory. */
async function locksIn(directory: string, depth = 3): Promise<string[]> {
  if (depth === 0) return [];
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry) => {
      const place = path.join(directory, entry.name);
      if (entry.isDirectory()) return await locksIn(place, depth - 1);
      return entry.isFile() && /(^|\.)lock$/.test(entry.name) ? [place] : [];
    }),
  );
  return found.flat();
}

async function removeForeign(lock: string): Promise<void> {
  const owner = lockOwner(lock);
  if (owner !== undefined && lifeStatus(owner) === "elsewhere") await rm(lock, { force: true });
}
