import { execFile, type ChildProcess } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { vi } from "vitest";
import { end, inNamespaces, MACHINE, ownNetwork } from "./namespaces.ts";
import { isAlive } from "./swarm.ts";
import { removeDirectory, temporaryDirectory } from "./temporary.ts";

/** A machine with a Docker of its own: namespaces of this one, with a cable between the two. */
export interface DockerMachine extends AsyncDisposable {
  /** A folder of this machine; everything of the Docker lies there. */
  folder: string;
  /** Its Docker, as `docker --host` takes it. */
  host: string;
  /** Its own address on the cable. */
  address: string;
  /** The address that this machine has for it. */
  ourAddress: string;
  /** Runs a docker command. @returns what it prints, and what it says. */
  docker(...args: string[]): Promise<string>;
}

const PREFIX = "swarm-docker-";
const OWNER = "owner";
const CGROUPS = "/sys/fs/cgroup";
const run = promisify(execFile);

/**
 * Starts a machine whose Docker answers. Its network, mounts and processes end with one process, and that with ours,
 * however it ends: what a killed run leaves is a folder, which the next one removes.
 */
export async function startMachine(hostname: string): Promise<DockerMachine> {
  await removeLeftovers();
  const folder = await temporaryDirectory(PREFIX);
  await writeFile(path.join(folder.path, OWNER), String(process.pid));
  const host = `unix://${path.join(folder.path, "docker.sock")}`;
  const machine = startNamespaces(folder.path, host, hostname);
  const docker: DockerMachine["docker"] = async (...args) => {
    const { stdout, stderr } = await run("docker", ["--host", host, ...args], { maxBuffer: 1 << 26 });
    return stdout + stderr;
  };
  const dispose = async (): Promise<void> => {
    await end(machine);
    await removeMachine(folder.path);
  };
  try {
    const addresses = await connectCable(machine.pid!);
    machine.stdin!.end("\n");
    await vi.waitFor(() => docker("version"), { timeout: 60_000, interval: 100 });
    return { folder: folder.path, host, docker, ...addresses, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Waits for a line before it starts Docker: the network has to be there first. */
function startNamespaces(folder: string, host: string, hostname: string): ChildProcess {
  const places = ["--data-root", path.join(folder, "data"), "--exec-root", path.join(folder, "exec")];
  const options = [
    ...places,
    "--pidfile",
    path.join(folder, "pid"),
    "--cgroup-parent",
    path.basename(folder),
  ];
  const script = 'hostname "$1"; shift; ip link set lo up; read -r _; exec dockerd "$@" </dev/null';
  const dockerd = ["sh", "-c", script, "sh", hostname, "--host", host, ...options];
  const child = inNamespaces(MACHINE, dockerd, "pipe");
  child.stderr!.pipe(createWriteStream(path.join(folder, "dockerd.log")));
  return child;
}

/** A pair of devices, which both end with the machine. */
async function connectCable(pid: number): Promise<{ address: string; ourAddress: string }> {
  await ownNetwork(pid);
  const device = `swarm-${randomBytes(4).toString("hex")}`;
  const subnet = `10.${randomInt(64, 192)}.${randomInt(256)}`; // Docker's own begin at 10.0 and 172.17
  const [ourAddress, address] = [`${subnet}.1`, `${subnet}.2`];
  const ip = (...args: string[]): Promise<unknown> => run("ip", args);
  await ip("link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", String(pid));
  await ip("address", "add", `${ourAddress}/30`, "dev", device);
  await ip("link", "set", device, "up");
  const inside = ["--target", String(pid), "--net", "ip"];
  await run("nsenter", [...inside, "address", "add", `${address}/30`, "dev", "eth0"]);
  await run("nsenter", [...inside, "link", "set", "eth0", "up"]);
  return { address, ourAddress };
}

async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = path.join(tmpdir(), name);
    const owner = await readFile(path.join(folder, OWNER), "utf8").catch(() => undefined);
    if (owner !== undefined && !isAlive(Number(owner))) await removeMachine(folder);
  }
}

/** With the control groups that its containers had: these are the kernel's, not a namespace's. */
export async function removeMachine(folder: string): Promise<void> {
  for (const controller of await readdir(CGROUPS).catch(() => []))
    await removeGroup(path.join(CGROUPS, controller, path.basename(folder)));
  await removeGroup(path.join(CGROUPS, path.basename(folder)));
  await vi.waitFor(() => removeDirectory(folder), { timeout: 20_000, interval: 100 }); // mounts go a little later
}

async function removeGroup(group: string): Promise<void> {
  const entries = await readdir(group, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeGroup(path.join(group, entry.name));
  await vi.waitFor(() => rmdir(group).catch(ignoreMissing), { timeout: 10_000, interval: 50 });
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
}
