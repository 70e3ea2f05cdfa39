import { execFile, type ChildProcess } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { expect, vi } from "vitest";
import { end, inNamespaces, MACHINE, ownNetwork } from "./namespaces.ts";
import { isAlive } from "./swarm.ts";
import { removeDirectory, temporaryDirectory } from "./temporary.ts";

/** A machine with a Docker of its own: namespaces of this machine, connected by a virtual cable. */
export interface DockerMachine extends AsyncDisposable {
  /** A folder of this machine that contains everything of the Docker. */
  folder: string;
  /** Its Docker, as `docker --host` takes it. */
  host: string;
  /** Its address on the cable. */
  address: string;
  /** The address that this machine has on the cable. */
  ourAddress: string;
  /** A process that has its namespaces, except for the process namespace. */
  pid: number;
  /** Runs a docker command. @returns what it prints on both streams. */
  docker(...args: string[]): Promise<string>;
  /** Ends only its Docker: with SIGTERM, like a shutdown, or with SIGKILL. */
  stopDocker(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  startDocker(): Promise<void>;
}

export interface MachineOptions {
  /** Connects it, once it has a network of its own; by a cable to this machine by default. */
  connect?: (pid: number) => Promise<Addresses>;
  /** Options of dockerd. */
  daemon?: readonly string[];
  /** The memory that it appears to have. */
  memoryBytes?: number;
}

interface Addresses {
  address: string;
  ourAddress: string;
}

const PREFIX = "swarm-docker-";
const OWNER = "owner";
const CGROUPS = "/sys/fs/cgroup";
const run = promisify(execFile);

/**
 * Starts a machine whose Docker answers. Its network, mounts and processes end with one process, and that process ends with
 * ours, however it ends: a killed test leaves only a folder, which the next one removes.
 */
export async function startMachine(
  hostname: string,
  { connect = connectCable, daemon = [], memoryBytes }: MachineOptions = {},
): Promise<DockerMachine> {
  await removeLeftovers();
  const folder = await temporaryDirectory(PREFIX);
  await writeFile(path.join(folder.path, OWNER), String(process.pid));
  if (memoryBytes !== undefined)
    await writeFile(path.join(folder.path, "meminfo"), await memoryOf(memoryBytes));
  const host = `unix://${path.join(folder.path, "docker.sock")}`;
  const machine = startNamespaces(folder.path, host, hostname, daemon);
  const pid = machine.pid!;
  const docker: DockerMachine["docker"] = async (...args) => {
    const { stdout, stderr } = await run("docker", ["--host", host, ...args], { maxBuffer: 1 << 26 });
    return stdout + stderr;
  };
  const startDocker = async (): Promise<void> => {
    machine.stdin!.write("\n");
    await vi.waitFor(() => docker("version"), { timeout: 60_000, interval: 100 });
  };
  const stopDocker: DockerMachine["stopDocker"] = async (signal) => {
    const dockerd = (await childOf((await childOf(pid))!))!;
    process.kill(dockerd, signal);
    await vi.waitFor(() => expect(isAlive(dockerd)).toBe(false), { timeout: 60_000, interval: 50 });
  };
  const dispose = async (): Promise<void> => {
    await end(machine);
    await removeMachine(folder.path);
  };
  try {
    await ownNetwork(pid);
    const addresses = await connect(pid);
    await startDocker();
    const known = { folder: folder.path, host, pid, ...addresses };
    return { ...known, docker, startDocker, stopDocker, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** These machines reach no name server, so that containers would wait 10 s for each name that Docker does not know. */
const NAMES = ["timeout:1", "attempts:1"].flatMap((option) => ["--dns-opt", option]);

/** Each line starts Docker, if it is not running: the network must exist before the first one. */
const MACHINE_SCRIPT = `hostname "$1"; folder=$2; shift 2; ip link set lo up
[ ! -e "$folder/meminfo" ] || mount --bind "$folder/meminfo" /proc/meminfo
while read -r _; do rm -f "$folder/pid"; dockerd "$@" </dev/null; done`;

function startNamespaces(
  folder: string,
  host: string,
  hostname: string,
  daemon: readonly string[],
): ChildProcess {
  const places = ["--data-root", path.join(folder, "data"), "--exec-root", path.join(folder, "exec")];
  const options = [
    ...places,
    "--pidfile",
    path.join(folder, "pid"),
    ...NAMES,
    "--cgroup-parent",
    path.basename(folder),
    ...daemon,
  ];
  const dockerd = ["sh", "-c", MACHINE_SCRIPT, "sh", hostname, folder, "--host", host, ...options];
  const child = inNamespaces(MACHINE, dockerd, "pipe");
  child.stderr!.pipe(createWriteStream(path.join(folder, "dockerd.log")));
  return child;
}

/** The content of /proc/meminfo on a machine with so much memory, half of which is free. */
async function memoryOf(bytes: number): Promise<string> {
  const values: Record<string, number> = { MemTotal: bytes, MemFree: bytes / 2, MemAvailable: bytes / 2 };
  const text = await readFile("/proc/meminfo", "utf8");
  return text.replace(/^(\w+):\s+\d+ kB/gm, (line, name: string) =>
    values[name] === undefined ? line : `${name}: ${Math.floor(values[name] / 1024)} kB`,
  );
}

async function childOf(pid: number): Promise<number | undefined> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.trim() === "" ? undefined : Number(children.trim().split(" ")[0]);
}

/** A pair of devices, which both end with the machine. */
async function connectCable(pid: number): Promise<Addresses> {
  const device = `swarm-${randomBytes(4).toString("hex")}`;
  const subnet = `10.${randomInt(64, 192)}.${randomInt(256)}`; // Docker's own networks start at 10.0 and 172.17
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

/** With the control groups of its containers: these belong to the kernel, not to a namespace. */
export async function removeMachine(folder: string): Promise<void> {
  for (const controller of await readdir(CGROUPS).catch(() => []))
    await removeGroup(path.join(CGROUPS, controller, path.basename(folder)));
  await removeGroup(path.join(CGROUPS, path.basename(folder)));
  await vi.waitFor(() => removeDirectory(folder), { timeout: 90_000, interval: 100 }); // mounts disappear a little later, and images are large
}

async function removeGroup(group: string): Promise<void> {
  const entries = await readdir(group, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeGroup(path.join(group, entry.name));
  await vi.waitFor(() => rmdir(group).catch(ignoreMissing), { timeout: 10_000, interval: 50 });
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
}
