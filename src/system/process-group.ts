import { once } from "node:events";
import { errorCode, UserError } from "../errors.ts";
import { identify, type ProcessIdentity } from "./identity.ts";
import { startLeader, type ChildProcess, type StdioOptions } from "./program.ts";

/** A running program and the processes that it has started. */
export interface ProcessGroup {
  child: ChildProcess;
  identity: ProcessIdentity | undefined;
  /** Resolves when the leader of the group has ended; the processes that it left running are killed. */
  ended: Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>;
  /** Sends SIGINT to the whole group, and SIGKILL after `graceMs`. May be called again. */
  interrupt(graceMs: number): void;
}

/**
 * Starts a program as the leader of its own process group, so that its child processes end with it.
 * @throws {UserError} if the program cannot be started.
 */
export async function startGroup(
  file: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; stdio: StdioOptions },
): Promise<ProcessGroup> {
  const child = startLeader(file, args, options);
  const ended = once(child, "exit").then(([exitCode, signal]) => {
    clearTimeout(killer);
    if (child.pid !== undefined) signalGroup(child.pid, "SIGKILL");
    return { exitCode: exitCode as number | null, signal: signal as NodeJS.Signals | null };
  });
  ended.catch(() => undefined); // a failed start is reported below
  let killer: NodeJS.Timeout | undefined;
  try {
    await once(child, "spawn");
  } catch (error) {
    const reason = errorCode(error) === "ENOENT" ? "command not found" : String(error);
    throw new UserError(`cannot start ${file}: ${reason}`, { cause: error });
  }
  const pid = child.pid!;
  return {
    child,
    identity: identify(pid),
    ended,
    interrupt(graceMs) {
      signalGroup(pid, "SIGINT");
      killer ??= setTimeout(() => signalGroup(pid, "SIGKILL"), graceMs);
    },
  };
}

/** Sends a signal to all processes of a group. A group that has ended is not an error. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if (errorCode(error) !== "ESRCH") throw error;
  }
}
