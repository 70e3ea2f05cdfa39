import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { wholeNumberIn } from "../../model/whole-number.ts";
import { thisHost } from "../../system/host.ts";
import { findProcesses, type FoundProcess } from "../processes.ts";
import { socketDirectoryFor } from "./local-paths.ts";
import {
  probableTarget,
  readState,
  savedText,
  setAsideDamaged,
  StateFileError,
  writeState,
} from "../state-file.ts";
import { swarmDirectories } from "../swarm-folders.ts";
import type { LocalState, SwarmState } from "../swarm-state.ts";

/** A recreated state file. */
export interface Repaired {
  state: LocalState;
  /** Message with what was wrong and what was done about it. */
  report: string;
}

/** Returns whether neither a queue nor a process is left from which a swarm's state could be repaired. */
export function isNothingLeft(name: string): boolean {
  const { state } = swarmDirectories(name);
  return !existsSync(path.join(state, "redis")) && findProcesses(state).length === 0;
}

/**
 * Recreates the state file of a local swarm if it is damaged, or missing while the swarm's processes are running, from
 * these processes and what can be read of the file. The caller holds the swarm's lock.
 * @param mongoUrl URL of the swarm's MongoDB, which cannot be found out from the processes.
 * @returns undefined if there is nothing to repair.
 * @throws {UserError} if the state cannot be repaired, or the swarm is not on this machine.
 */
export async function repairLocalState(name: string, mongoUrl?: string): Promise<Repaired | undefined> {
  const reason = await reasonToRepair(name);
  if (reason === undefined) return undefined;
  const { state: directory } = swarmDirectories(name);
  const found = findProcesses(directory);
  const text = await savedText(directory);
  const isMissing = reason === "missing";
  if (isMissing && found.length === 0) return undefined;
  if (!isMissing && probableTarget(text, directory) !== "local" && found.length === 0) throw reason;
  const state = stateFrom(name, { directory, found, text, mongoUrl });
  const moved = isMissing ? [] : await setAsideDamaged(name);
  await writeState(state);
  const what = isMissing
    ? `the state file of the swarm ${name} was missing while its processes were running`
    : `the state file of the swarm ${name} was damaged (kept as ${moved.join(", ")})`;
  const runs = found.map(({ role, pid }) => `${role} (process ${pid})`).join(", ") || "none of its processes";
  return { state, report: `${what}; recreated it from the running processes: ${runs}` };
}

async function reasonToRepair(name: string): Promise<StateFileError | "missing" | undefined> {
  try {
    const known: SwarmState | undefined = await readState(name);
    return known === undefined ? "missing" : undefined;
  } catch (error) {
    if (error instanceof StateFileError && error.kind === "damaged") return error;
    throw error;
  }
}

interface Evidence {
  directory: string;
  found: readonly FoundProcess[];
  text: string;
  mongoUrl: string | undefined;
}

function stateFrom(name: string, { directory, found, text, mongoUrl: given }: Evidence): LocalState {
  const roles = ["redis", "builder", "runner", "dashboard"] as const;
  const first = roles.flatMap((role) => found.find((each) => each.role === role) ?? []);
  const runner = first.find(({ role }) => role === "runner");
  const worker = runner ?? first.find(({ role }) => role === "builder");
  const saved = field(text, "mongoUrl");
  const mongoUrl = given ?? saved;
  if (worker?.args.includes("--secrets") && mongoUrl === undefined) {
    throw new UserError(`the state file of the swarm ${name} is lost, including the URL of its MongoDB`, {
      hint: `set MONGO_URL to it and run: swarm-tool init ${name} --local --mongo; no process was stopped`,
    });
  }
  const socket = option(worker, "--redis");
  const runners = option(runner, "--concurrency") ?? /"runners":\s*(\d+)/.exec(text)?.[1] ?? "";
  return {
    format: 1,
    name,
    target: "local",
    state: "running",
    host: thisHost(),
    runners: wholeNumberIn(runners, 1) ?? availableParallelism(),
    socketDirectory: socket === undefined ? socketDirectoryFor(directory) : path.dirname(socket),
    ...(mongoUrl !== undefined && { mongoUrl }),
    processes: first.map(({ role, pid, startTime, host }) => ({
      ...{ role, log: path.join(directory, "logs", `${role}.log`), pid, startTime },
      ...(host !== undefined && { host }),
    })),
  };
}

function option(process: FoundProcess | undefined, name: string): string | undefined {
  const at = process?.args.indexOf(name) ?? -1;
  return at < 0 ? undefined : process?.args[at + 1];
}

/** Returns a string field from a JSON text, which may be incomplete. */
function field(text: string, name: string): string | undefined {
  const quoted = new RegExp(`"${name}":\\s*("(?:[^"\\\\]|\\\\.)*")`).exec(text)?.[1];
  try {
    return quoted === undefined ? undefined : (JSON.parse(quoted) as string);
  } catch {
    return undefined;
  }
}
