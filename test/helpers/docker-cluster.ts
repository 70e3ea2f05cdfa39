import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { promisify } from "node:util";
import { startNetwork, type AwsNetwork } from "./aws-network.ts";
import { startMachine, type DockerMachine, type MachineOptions } from "./docker-machine.ts";
import { REGISTRY_PORT, startRegistry, type Registry } from "./registry.ts";

/** Machines of one network, of which some form a Docker Swarm, and an image registry. */
export interface DockerCluster extends AsyncDisposable {
  network: AwsNetwork;
  registry: Registry;
  /** The first machine, which created the Docker Swarm. */
  manager: DockerMachine;
  /** Registries that only the manager accepts without TLS, as prefixes of image names; none is running yet. */
  managerOnly: string[];
  /** An unused address of the network. */
  address(): string;
  /** Starts another machine, which does not join yet. */
  add(hostname: string, options?: AddOptions): Promise<DockerMachine>;
  /** Makes a machine a worker of the Docker Swarm. */
  join(machine: DockerMachine): Promise<void>;
  /** Disconnects a machine from the network, or connects it again. */
  connect(machine: DockerMachine, connected: boolean): Promise<void>;
  /** Drops what containers of other machines send to a machine, like a firewall, or lets it pass again. */
  blockContainers(machine: DockerMachine, blocked: boolean): Promise<void>;
}

type AddOptions = Pick<MachineOptions, "memoryBytes" | "daemon">;

const run = promisify(execFile);
/** Where Docker sends the packets of overlay networks. */
const VXLAN_PORT = "4789";
/** A machine counts as down after three of these. */
const HEARTBEAT = ["--dispatcher-heartbeat", "1s"];

/** @param accepted how many addresses of registries without TLS the manager accepts and the other machines do not. */
export async function startCluster(accepted = 0): Promise<DockerCluster> {
  const owned: AsyncDisposable[] = [];
  const dispose = async (): Promise<void> => {
    await Promise.all(owned.splice(1).map((each) => each[Symbol.asyncDispose]()));
    await owned.pop()?.[Symbol.asyncDispose](); // the network
  };
  try {
    const network = await startNetwork();
    owned.push(network);
    const subnet = `10.${randomInt(64, 192)}.${randomInt(16) * 16}`; // Docker's own networks start at 10.0 and 172.17
    let last = 9;
    const address = (): string => `${subnet}.${last++}`;
    const registry = await startRegistry(network, address());
    owned.push(registry);
    const add: DockerCluster["add"] = async (hostname, { daemon = [], ...options } = {}) => {
      const own = address();
      const connect = async (pid: number) => {
        await network.plug(pid, own);
        return { address: own, ourAddress: own };
      };
      const trusting = ["--insecure-registry", registry.name, ...daemon];
      const machine = await startMachine(hostname, { ...options, connect, daemon: trusting });
      owned.push(machine);
      return machine;
    };
    const managerOnly = Array.from({ length: accepted }, () => `${address()}:${REGISTRY_PORT}`);
    const daemon = managerOnly.flatMap((name) => ["--insecure-registry", name]);
    const manager = await add("manager", { daemon });
    await manager.docker("swarm", "init", "--advertise-addr", manager.address, ...HEARTBEAT);
    return {
      network,
      registry,
      manager,
      managerOnly,
      address,
      add,
      async join(machine) {
        const token = (await manager.docker("swarm", "join-token", "--quiet", "worker")).trim();
        await machine.docker("swarm", "join", "--token", token, `${manager.address}:2377`);
      },
      connect: (machine, connected) => network.connect(machine.pid, connected),
      async blockContainers({ pid }, blocked) {
        const rule = ["INPUT", "--protocol", "udp", "--dport", VXLAN_PORT, "--jump", "DROP"];
        const iptables = ["--target", `${pid}`, "--net", "iptables", "--wait"];
        await run("nsenter", [...iptables, blocked ? "--insert" : "--delete", ...rule]);
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}
