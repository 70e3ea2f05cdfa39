import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { lstatIfExists, temporaryName, writeFileAtomically } from "../../system/files.ts";
import { redisDirectory } from "../swarm-folders.ts";
import type { LocalState } from "../swarm-state.ts";

/** Within this time, a queue with workers is written to at least twice, by their checks for lost runs. */
const QUIET_MS = 90_000;

/**
 * Refuses to start a swarm that probably runs on another machine: none of its processes runs here, but its queue was
 * written to recently. For swarms of an earlier version of inet-swarm, which did not record the machine.
 * @throws {UserError} if the queue was written to recently.
 */
export async function refuseIfRunningElsewhere(state: LocalState, directory: string): Promise<void> {
  if (state.processes.length === 0) return;
  const writtenAt = await lastWritten(redisDirectory(directory));
  const ageMs = (await nowIn(directory)) - writtenAt;
  if (ageMs > QUIET_MS) return;
  const seconds = Math.max(0, Math.round(ageMs / 1000));
  throw new UserError(
    `the swarm ${state.name} probably runs on another machine: its queue was written to ${seconds} s ago, but not by a process on this machine`,
    {
      hint: `run the command on that machine; if its processes were just killed here, retry in ${Math.ceil(QUIET_MS / 1000)} s`,
    },
  );
}

async function lastWritten(data: string): Promise<number> {
  const names = await readdir(data, { recursive: true }).catch(() => []);
  const all = await Promise.all(names.map((name) => lstatIfExists(path.join(data, name))));
  return Math.max(0, ...all.flatMap((stats) => (stats?.isFile() ? [stats.mtimeMs] : [])));
}

/** Returns the time by the clock of the file system, which may be on another machine; in ms since 1970. */
async function nowIn(directory: string): Promise<number> {
  const file = temporaryName(path.join(directory, "clock"));
  await writeFileAtomically(file, "");
  const now = (await lstatIfExists(file))?.mtimeMs ?? Date.now();
  await rm(file, { force: true });
  return now;
}
