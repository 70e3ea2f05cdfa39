import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { errorCode, UserError } from "../errors.ts";
import { identify, isAlive, type ProcessIdentity } from "../system/identity.ts";
import { startLeader } from "../system/program.ts";

export { findAllProcesses, findProcesses, type FoundProcess } from "./found-processes.ts";

const POLL_MS = 10;
/** Long enough for OMNeT++ to finish and for the runner to hand its runs back. */
const STOP_TIMEOUT_MS = 20_000;
const KILL_TIMEOUT_MS = 20_000;

/** Where a process finds its secrets. */
export const SECRETS_DESCRIPTOR = 3;

/** A process had ended before anything was asked of it. */
export class ExitedImmediately extends UserError {
  override name = "ExitedImmediately";
}

interface DetachedOptions {
  secrets?: Record<string, string> | undefined;
  env?: NodeJS.ProcessEnv;
  /** What to do if the program is not there. */
  missing?: string;
  /** Empties the log first: it is read for the reason of a failure. One that has ended already is no error then. */
  freshLog?: boolean;
}

/**
 * A process that lives on when this one has ended and its terminal is closed.
 * @param secrets it reads as lines `NAME=VALUE` from the file descriptor 3: an environment could be read by what it runs.
 * @param env its environment; else that of this process without our credentials.
 * @throws {UserError} where it is not there.
 * @throws {ExitedImmediately}
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
    if (secrets !== undefined) await pass(secrets, child.stdio[SECRETS_DESCRIPTOR] as Writable);
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

/** A process that has ended meanwhile is found out about by its log. */
async function pass(secrets: Record<string, string>, pipe: Writable): Promise<void> {
  const lines = Object.entries(secrets).map(([name, value]) => `${name}=${value}\n`);
  pipe.end(lines.join(""));
  await finished(pipe, { readable: false }).catch(() => undefined);
  pipe.destroy();
}

/** What `swarm-worker` takes from its environment; a user's own must not reach it by chance. */
function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ours = ["MONGO_URL", "MONGO_URL_FILE", "REDIS_URL", "REDIS_URL_FILE"];
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ours.includes(name)));
}

/**
 * SIGTERM, and SIGKILL for what does not heed it in time.
 * @throws {UserError} if one does not end even then, as one that waits for a broken disk.
 */
export async function stopAll(
  processes: readonly ProcessIdentity[],
  timeoutMs = STOP_TIMEOUT_MS,
): Promise<void> {
  await Promise.all(processes.map((process) => stop(process, timeoutMs)));
}

async function stop(identity: ProcessIdentity, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  sendSignal(identity, "SIGTERM");
  while (isAlive(identity)) {
    if (Date.now() > deadline) sendSignal(identity, "SIGKILL");
    if (Date.now() > deadline + KILL_TIMEOUT_MS) throw doesNotEnd(identity);
    await delay(POLL_MS);
  }
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

/** What a log holds after an offset in bytes. */
export async function textFrom(file: string, offset: number): Promise<string> {
  return (await readFile(file)).subarray(offset).toString("utf8");
}

/** The end of a process's log, for the message that it does not run. */
export async function lastLines(file: string, count: number): Promise<string> {
  await using handle = await open(file);
  const text = await handle.readFile("utf8");
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
