import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { end, inNamespaces, ownNetwork } from "./namespaces.ts";

const run = promisify(execFile);

/** The subnet of a swarm's machines: a switch in a namespace of its own, which ends with this process. */
export interface AwsNetwork extends AsyncDisposable {
  /** Connects the machine whose namespaces a process has; with this process's own id, everything in its network. */
  plug(pid: number, address: string): Promise<void>;
  /** Disconnects a machine, or connects it again. */
  connect(pid: number, connected: boolean): Promise<void>;
}

export async function startNetwork(): Promise<AwsNetwork> {
  const network = inNamespaces(["--net"], ["sleep", "infinity"]);
  await ownNetwork(network.pid!);
  const at = ["--target", String(network.pid), "--net", "ip"];
  await run("nsenter", [...at, "link", "add", "switch", "type", "bridge"]);
  await run("nsenter", [...at, "link", "set", "switch", "up"]);
  const ports = new Map<number, string>();
  return {
    async plug(pid, address) {
      if (pid !== process.pid) await ownNetwork(pid);
      const port = `port${ports.size}`;
      ports.set(pid, port);
      const peer = ["peer", "name", "eth0", "netns", String(pid)];
      await run("nsenter", [...at, "link", "add", port, "type", "veth", ...peer]);
      await run("nsenter", [...at, "link", "set", port, "master", "switch", "up"]);
      const inside = ["--target", String(pid), "--net", "ip"];
      await run("nsenter", [...inside, "address", "add", `${address}/20`, "dev", "eth0"]);
      await run("nsenter", [...inside, "link", "set", "eth0", "up"]);
    },
    async connect(pid, connected) {
      await run("nsenter", [...at, "link", "set", ports.get(pid)!, connected ? "up" : "down"]);
    },
    [Symbol.asyncDispose]: () => end(network),
  };
}
