import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readlink } from "node:fs/promises";
import { vi } from "vitest";

/** Options that create a separate machine: nothing done in it is visible outside, and all of it ends with one process. */
export const MACHINE = [
  ...["--net", "--mount", "--uts", "--ipc"],
  ...["--pid", "--fork", "--kill-child", "--mount-proc"],
] as const;

/**
 * A process in namespaces of its own; it ends with this one, however that ends.
 * @param stderr whether its error output should be readable.
 */
export function inNamespaces(
  namespaces: readonly string[],
  command: readonly string[],
  stderr: "pipe" | "ignore" = "ignore",
): ChildProcess {
  const args = ["--pdeathsig", "KILL", "unshare", ...namespaces, ...command];
  return spawn("setpriv", args, { stdio: ["pipe", "ignore", stderr] });
}

/** Waits until a process has a network of its own, a moment after it was started. */
export async function ownNetwork(pid: number): Promise<void> {
  const ours = await readlink("/proc/self/ns/net");
  await vi.waitFor(
    async () => {
      if ((await readlink(`/proc/${pid}/ns/net`)) === ours) throw new Error("no network of its own yet");
    },
    { timeout: 10_000, interval: 10 },
  );
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
