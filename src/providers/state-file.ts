import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import path from "node:path";
import { errorCode, UserError } from "../errors.ts";
import { makeFolders, writeFileAtomically } from "../system/files.ts";
import { parseJsonOrUndefined, parseOrExplain, readText } from "../system/json.ts";
import { acquireLock } from "../system/lock.ts";
import { BACKUP_FILE, checkName, lockFiles, STATE_FILE, swarmDirectories } from "./swarm-folders.ts";
import { asSeenHere, FORMAT, SwarmStateSchema, type SwarmState } from "./swarm-state.ts";

const CHANGE_TIMEOUT_MS = 30_000;

/** Neither a state file nor its backup can be used. */
export class StateFileError extends UserError {
  override name = "StateFileError";
  /** `newer`: written by a newer version of inet-swarm; `damaged`: can be repaired; `unreadable`: cannot be read. */
  readonly kind: "newer" | "damaged" | "unreadable";
  readonly swarm: string;

  constructor(
    swarm: string,
    kind: StateFileError["kind"],
    message: string,
    options: { hint: string; cause?: unknown },
  ) {
    super(message, options);
    this.swarm = swarm;
    this.kind = kind;
  }
}

/**
 * Returns the state of a swarm, or undefined if there is none of this name. If the state file is damaged or missing, its
 * backup is read.
 * @throws {StateFileError} if neither can be used.
 */
export function readState(name: string): Promise<SwarmState | undefined> {
  checkName(name);
  return readStateIn(name, swarmDirectories(name).state);
}

/** Returns the state of the swarm in a folder, which may belong to another machine. @param name for messages. */
export async function readStateIn(name: string, directory: string): Promise<SwarmState | undefined> {
  const files = [STATE_FILE, BACKUP_FILE].map((file) => path.join(directory, file));
  let failure: StateFileError | undefined;
  for (const file of files) {
    try {
      const state = await readOne(name, file);
      if (state !== undefined) return state;
    } catch (error) {
      if (!(error instanceof StateFileError)) throw error;
      failure ??= error;
      if (error.kind === "newer") break; // the backup may be older and no longer valid
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}

async function readOne(name: string, file: string): Promise<SwarmState | undefined> {
  let raw: unknown;
  try {
    const text = await readText(file);
    if (text === undefined) return undefined;
    raw = parseJsonOrUndefined(text);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new StateFileError(name, "unreadable", error.message, {
      hint: `${error.hint ?? "check the file"}; the swarm ${name} was not changed`,
      cause: error,
    });
  }
  const format = (raw as { format?: unknown } | null | undefined)?.format;
  if (typeof format === "number" && format > FORMAT) {
    throw new StateFileError(
      name,
      "newer",
      `${file} was written by a newer version of inet-swarm (format ${format}, here ${FORMAT})`,
      { hint: `use that version for the swarm ${name}; the swarm was not changed` },
    );
  }
  try {
    if (raw === undefined) throw new UserError("it is not valid JSON");
    const state = asSeenHere(parseOrExplain(SwarmStateSchema, raw, "it"));
    return { ...unknownFields(raw as object), ...state };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const reason = error.message.replace(/^it /, "");
    throw new StateFileError(
      name,
      "damaged",
      `the state file ${file} of the swarm ${name} is damaged: it ${reason}`,
      {
        hint: repairHint(name, await readText(file), path.dirname(file)),
        cause: error,
      },
    );
  }
}

/** Returns fields that a later version may have added, so that they are preserved when the state is written again. */
function unknownFields(raw: object): object {
  const known = new Set(SwarmStateSchema.options.flatMap(({ entries }) => Object.keys(entries)));
  return Object.fromEntries(Object.entries(raw).filter(([field]) => !known.has(field)));
}

function repairHint(name: string, text: string | undefined, directory: string): string {
  switch (probableTarget(text, directory)) {
    case "local":
      return `recreate it from the running processes: swarm-tool resume ${name}`;
    case "docker":
      return `find the swarm again: swarm-tool init ${name} --docker, with the same --host or --context`;
    case "aws":
      return `find the swarm again, its machines may be running and cost money: swarm-tool init ${name}, with the same --region and --profile`;
    default:
      return `recreate the file by running swarm-tool init ${name} with the swarm's original options; no process was stopped`;
  }
}

/** Returns the texts of the state file and its backup, concatenated, even if they cannot be parsed. */
export async function savedText(directory: string): Promise<string> {
  const files = [STATE_FILE, BACKUP_FILE].map((file) => path.join(directory, file));
  return (await Promise.all(files.map((file) => readText(file)))).join("\n");
}

/** Guesses the target of a swarm whose state file cannot be parsed. @param text of the state file. */
export function probableTarget(
  text: string | undefined,
  directory: string,
): SwarmState["target"] | undefined {
  const named = /"target":\s*"(local|aws|docker)"/.exec(text ?? "")?.[1] as SwarmState["target"] | undefined;
  if (named !== undefined) return named;
  if (existsSync(path.join(directory, "redis"))) return "local";
  if (existsSync(path.join(directory, "known_hosts"))) return "aws";
  return existsSync(path.join(directory, "logs", "relay.log")) ? "docker" : undefined;
}

/** Returns the state of a swarm like `readState`, but undefined if it is damaged: the swarm can be found by other means. */
export async function readUnlessDamaged(name: string): Promise<SwarmState | undefined> {
  try {
    return await readState(name);
  } catch (error) {
    if (error instanceof StateFileError && error.kind === "damaged") return undefined;
    throw error;
  }
}

/** Renames a damaged state file and its backup, so that a new one can be written. @returns their new paths. */
export async function setAsideDamaged(name: string): Promise<string[]> {
  if ((await readUnlessDamaged(name)) !== undefined) return [];
  const { state: directory } = swarmDirectories(name);
  await using _ = await lockStateFile(directory);
  const moved: string[] = [];
  for (const file of [STATE_FILE, BACKUP_FILE].map((each) => path.join(directory, each))) {
    const aside = `${file}.damaged-${new Date().toISOString().replaceAll(":", "-")}`;
    if (await renameIfThere(file, aside)) moved.push(aside);
  }
  return moved;
}

async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errorCode(error) ?? "")) return false;
    throw error;
  }
}

/** Writes the state of a swarm of this host, and its backup, whatever it was before. */
export async function writeState(state: SwarmState): Promise<void> {
  await writeStateIn(swarmDirectories(state.name).state, state);
}

/** Writes the state of the swarm in a folder, and its backup. */
export async function writeStateIn(directory: string, state: SwarmState): Promise<void> {
  await using _ = await lockStateFile(directory);
  await storeState(directory, state);
}

/** Locks a state file against other writers. With a full disk, only writing the state fails. */
async function lockStateFile(directory: string): Promise<AsyncDisposable> {
  await makeFolders(path.dirname(directory), 0o700);
  const options = { timeoutMs: CHANGE_TIMEOUT_MS, ignoreFullDisk: true };
  return await acquireLock(lockFiles(directory).stateFile, options);
}

/** Writes the state and its backup; the caller holds the lock. */
async function storeState(directory: string, state: SwarmState): Promise<void> {
  await makeFolders(directory, 0o700);
  const text = `${JSON.stringify(state, undefined, 2)}\n`;
  for (const file of [STATE_FILE, BACKUP_FILE])
    await writeFileAtomically(path.join(directory, file), text, 0o600);
}

/**
 * Changes the current state of a swarm, under a lock, so that concurrent changes are not lost. Returns the new state.
 * @param change returns undefined to leave the state unchanged.
 */
export async function changeStateFile<S extends SwarmState>(
  name: string,
  change: (state: SwarmState | undefined) => S | undefined,
): Promise<S | undefined> {
  const { state: directory } = swarmDirectories(name);
  await using _ = await lockStateFile(directory);
  const changed = change(await readState(name));
  if (changed !== undefined) await storeState(directory, changed);
  return changed;
}
