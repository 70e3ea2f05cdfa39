import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readlink } from "node:fs/promises";
import { promisify } from "node:util";
import { vi } from "vitest";

const run = promisify(execFile);

/** The subnet of a swarm's machines: a switch in a namespace of its own, which ends with this process. */
export interface AwsNetwork extends AsyncDisposable {
  /** Plugs in the machine whose namespaces a process has. */
  plug(pid: number, address: string): Promise<void>;
}

export async function startNetwork(): Promise<AwsNetwork> {
  const network = inNamespaces(["--net"], ["sleep", "infinity"]);
  await ownNamespace(network.pid!);
  const at = ["--target", String(network.pid), "--net", "ip"];
  await run("nsenter", [...at, "link", "add", "switch", "type", "bridge"]);
  await run("nsenter", [...at, "link", "set", "switch", "up"]);
  let ports = 0;
  return {
    async plug(pid, address) {
      await ownNamespace(pid);
      const port = `port${ports++}`;
      const peer = ["peer", "name", "eth0", "netns", String(pid)];
      await run("nsenter", [...at, "link", "add", port, "type", "veth", ...peer]);
      await run("nsenter", [...at, "link", "set", port, "master", "switch", "up"]);
      const inside = ["--target", String(pid), "--net", "ip"];
      await run("nsenter", [...inside, "address", "add", `${address}/20`, "dev", "eth0"]);
      await run("nsenter", [...inside, "link", "set", "eth0", "up"]);
    },
    [Symbol.asyncDispose]: () => end(network),
  };
}

/** A process in namespaces of its own; it ends with this one. */
export function inNamespaces(namespaces: readonly string[], command: readonly string[]): ChildProcess {
  const args = ["--pdeathsig", "KILL", "unshare", ...namespaces, ...command];
  return spawn("setpriv", args, { stdio: ["pipe", "ignore", "ignore"] });
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

async function ownNamespace(pid: number): Promise<void> {
  const ours = await readlink("/proc/self/ns/net");
  await vi.waitFor(
    async () => {
      if ((await readlink(`/proc/${pid}/ns/net`)) === ours) throw new Error("no network of its own yet");
    },
    { timeout: 10_000, interval: 10 },
  );
}
