import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { errorCode, UserError } from "../errors.ts";
import { identify, isAlive, type ProcessIdentity } from "../system/identity.ts";
import { poll } from "../system/poll.ts";
import { startLeader } from "../system/program.ts";
import { endOfFile } from "../system/regular-file.ts";

export { findAllProcesses, findProcesses, type FoundProcess } from "./found-processes.ts";

const POLL_MS = 10;
/** Long enough for simulations to stop and for the runner to hand back its runs. */
const STOP_TIMEOUT_MS = 20_000;
const KILL_TIMEOUT_MS = 20_000;
/** So much of the end of a log has its last lines. */
const LAST_LINES_BYTES = 1 << 14;

/** File descriptor from which a process reads its secrets. */
export const SECRETS_DESCRIPTOR = 3;

/** A process has exited immediately after its start. */
export class ExitedImmediately extends UserError {
  override name = "ExitedImmediately";
}

interface DetachedOptions {
  secrets?: Record<string, string> | undefined;
  env?: NodeJS.ProcessEnv;
  /** Hint for the user if the program does not exist. */
  missing?: string;
  /** Empties the log first, so that the caller finds the reason of a failure in it. An exited process is no error then. */
  freshLog?: boolean;
}

/**
 * Starts a process that keeps running when this process has ended and its terminal is closed.
 * @param log file to which its output is appended.
 * @param secrets lines `NAME=VALUE` that it reads from file descriptor 3: its child processes could read its environment.
 * @param env its environment (default: that of this process without our credentials).
 * @throws {UserError} if the program does not exist.
 * @throws {ExitedImmediately} if the process has exited already.
 */
export async function startDetached(
  file: string,
  args: readonly string[],
  log: string,
  { secrets, env = withoutSecrets(process.env), missing, freshLog = false }: DetachedOptions = {},
): Promise<ProcessIdentity> {
  const output = openSync(log, freshLog ? "w" : "a", 0o600);
  try {
    const child = startLeader(file, args, {
      stdio: ["ignore", output, output, ...(secrets === undefined ? [] : (["pipe"] as const))],
      cwd: "/",
      env,
    });
    await once(child, "spawn");
    if (secrets !== undefined) await passSecrets(secrets, child.stdio[SECRETS_DESCRIPTOR] as Writable);
    child.unref();
    const identity = identify(child.pid!);
    if (identity === undefined && freshLog) return { pid: child.pid!, startTime: "ended" };
    if (identity === undefined)
      throw new ExitedImmediately(`${file} exited immediately`, { hint: `see ${log}` });
    return identity;
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    throw new UserError(`${file}: command not found`, { hint: missing ?? `install ${file}`, cause: error });
  } finally {
    closeSync(output);
  }
}

/** Writes secrets to a process. If it has exited in the meantime, its log shows the reason. */
async function passSecrets(secrets: Record<string, string>, pipe: Writable): Promise<void> {
  const lines = Object.entries(secrets).map(([name, value]) => `${name}=${value}\n`);
  pipe.end(lines.join(""));
  await finished(pipe, { readable: false }).catch(() => undefined);
  pipe.destroy();
}

/** Removes the variables that `swarm-worker` reads, so that a worker does not use the user's own ones by accident. */
function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ours = ["MONGO_URL", "MONGO_URL_FILE", "REDIS_URL", "REDIS_URL_FILE"];
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ours.includes(name)));
}

/**
 * Stops processes: with SIGTERM, and with SIGKILL after a time limit.
 * @throws {UserError} if a process does not exit even then, for example because it waits for a broken disk.
 */
export async function stopAll(
  processes: readonly ProcessIdentity[],
  timeoutMs = STOP_TIMEOUT_MS,
): Promise<void> {
  await Promise.all(processes.map((process) => stop(process, timeoutMs)));
}

async function stop(identity: ProcessIdentity, timeoutMs: number): Promise<void> {
  for (const [signal, limitMs] of [
    ["SIGTERM", timeoutMs],
    ["SIGKILL", KILL_TIMEOUT_MS],
  ] as const) {
    sendSignal(identity, signal);
    if (await poll(() => !isAlive(identity), { everyMs: POLL_MS, timeoutMs: limitMs })) return;
  }
  throw doesNotEnd(identity);
}

function doesNotEnd({ pid }: ProcessIdentity): UserError {
  return new UserError(`process ${pid} does not exit, not even after SIGKILL`, {
    hint: `it probably waits for a disk or network file system that is not responding; inspect it with: ps -o pid,stat,wchan,args -p ${pid}`,
  });
}

function sendSignal(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if (errorCode(error) !== "ESRCH") throw error;
  }
}

/** Returns the text of a file after an offset in bytes. */
export async function textFrom(file: string, offset: number): Promise<string> {
  return (await readFile(file)).subarray(offset).toString("utf8");
}

/** Returns the last lines of a process's log, for an error message. */
export async function lastLines(file: string, count: number): Promise<string> {
  const text = (await endOfFile(file, LAST_LINES_BYTES))?.end.toString() ?? "";
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
