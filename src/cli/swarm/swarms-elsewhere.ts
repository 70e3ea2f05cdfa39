import { realpathSync } from "node:fs";
import path from "node:path";
import type { UserError } from "../../errors.ts";
import { findAllProcesses, type FoundProcess } from "../../providers/processes.ts";
import type { KnownSwarms, OtherHostSwarm } from "../../providers/list-swarms.ts";
import { swarmDirectories, swarmsDirectory } from "../../providers/swarm-folders.ts";
import { count } from "../terminal/format.ts";

/** A swarm of another machine in `status --json`: its last recorded state. */
export interface ElsewhereStatus {
  name: string;
  target: "local";
  state: "elsewhere";
  machine: string;
  runners: number;
  lastKnown: "running" | "halted";
}

/** Returns the status of a swarm of another machine. */
export function statusElsewhere({ label, machine, state }: OtherHostSwarm): ElsewhereStatus {
  const { runners, state: lastKnown } = state;
  return { name: label, target: "local", state: "elsewhere", machine, runners, lastKnown };
}

/** Returns the line of `status` for a swarm of another machine. */
export function describeElsewhere({ name, machine, runners, lastKnown }: ElsewhereStatus): string {
  return `${name} (local): on ${machine}, ${lastKnown} when last seen, ${count(runners, "runner")}; use it on that machine`;
}

/** Returns the message of an error, with its hint on a second line. */
export function explain(error: UserError): string {
  return error.hint === undefined ? error.message : `${error.message}\n  hint: ${error.hint}`;
}

/** Returns whether a swarm's folder is in this user's state directory. */
function isOurs(directory: string): boolean {
  const parent = path.dirname(directory);
  return parent === swarmsDirectory() || parent === realDirectory(swarmsDirectory());
}

function realDirectory(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return directory; // it does not exist
  }
}

/** Returns lines of `status` for running processes of local swarms whose state file is missing. */
export function describeLost({ swarms, unreadable }: KnownSwarms): string[] {
  const names = [...swarms, ...unreadable].map(({ name }) => name);
  const found = new Map<string, FoundProcess[]>();
  for (const each of findAllProcesses()) {
    if (path.isAbsolute(each.directory) && !isOurs(each.directory)) continue; // belongs to another state directory
    const name = path.basename(each.directory).split("@")[0]!;
    found.set(name, [...(found.get(name) ?? []), each]);
  }
  return [...found].flatMap(([name, processes]) => {
    const folder = path.basename(swarmDirectories(name).state);
    const isOfThisHost = processes.some(({ directory }) => path.basename(directory) === folder);
    if (names.includes(name) || !isOfThisHost) return [];
    const list = processes.map(({ role, pid }) => `${role} (process ${pid})`).join(", ");
    return [
      `${name} (local): its state file is missing, but its processes are running: ${list}\n  hint: restore the state file: swarm-tool resume ${name}; or stop the processes: swarm-tool remove ${name}`,
    ];
  });
}
