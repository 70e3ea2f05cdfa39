import { UserError } from "../../errors.ts";
import { describeEndpoint, docker, dockerLines, type DockerEndpoint } from "./cli.ts";

/** A manager of a Docker Swarm. */
export interface Engine {
  endpoint: DockerEndpoint;
  /** Of the manager itself, where everything is that keeps data. */
  nodeId: string;
  version: string;
  nodes: SwarmNode[];
}

export interface SwarmNode {
  id: string;
  hostname: string;
  role: "manager" | "worker";
  /** `Ready`, `Down`, … */
  status: string;
  /** `Active`, `Pause` or `Drain`. */
  availability: string;
  memoryBytes: number;
}

/** The oldest Engine API that knows all that the stack file asks for: that of Docker 19.03. */
const OLDEST_API = [1, 40] as const;

interface Version {
  Server: { ApiVersion: string; Version: string };
}

interface Info {
  Swarm: { NodeID: string; LocalNodeState: string; ControlAvailable: boolean; Error: string };
}

interface NodeLine {
  ID: string;
  Hostname: string;
  Status: string;
  Availability: string;
  ManagerStatus: string;
}

/**
 * Makes sure that a manager of a Docker Swarm answers.
 * @throws {UserError} where Docker is not there, too old, not in swarm mode, or no manager.
 */
export async function openEngine(endpoint: DockerEndpoint, signal?: AbortSignal): Promise<Engine> {
  const version = JSON.parse(
    await docker(endpoint, ["version", "--format", "{{json .}}"], { signal }),
  ) as Version;
  checkApi(version, endpoint);
  const { Swarm: swarm } = await infoOf(endpoint, signal);
  checkSwarm(swarm, endpoint);
  const nodes = await dockerLines<NodeLine>(endpoint, ["node", "ls"], { signal });
  const memory = await memoryOf(
    endpoint,
    nodes.map(({ ID }) => ID),
    signal,
  );
  return {
    endpoint,
    nodeId: swarm.NodeID,
    version: version.Server.Version,
    nodes: nodes.map((node) => ({
      id: node.ID,
      hostname: node.Hostname,
      role: node.ManagerStatus === "" ? "worker" : "manager",
      status: node.Status,
      availability: node.Availability,
      memoryBytes: memory.get(node.ID) ?? 0,
    })),
  };
}

/** Whether it is a manager of a Docker Swarm by now. */
export async function isManager(endpoint: DockerEndpoint, signal?: AbortSignal): Promise<boolean> {
  return (await infoOf(endpoint, signal)).Swarm.ControlAvailable;
}

async function infoOf(endpoint: DockerEndpoint, signal: AbortSignal | undefined): Promise<Info> {
  return JSON.parse(await docker(endpoint, ["info", "--format", "{{json .}}"], { signal })) as Info;
}

/** How many workers a swarm has, where nobody knows how many it is to have. */
export function countWorkers({ nodes }: Engine): number {
  return nodes.filter(({ role }) => role === "worker").length;
}

async function memoryOf(
  endpoint: DockerEndpoint,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, number>> {
  const format = "{{.ID}} {{.Description.Resources.MemoryBytes}}";
  const output = await docker(endpoint, ["node", "inspect", "--format", format, ...ids], { signal });
  return new Map(
    output
      .trim()
      .split("\n")
      .map((line) => [line.split(" ")[0]!, Number(line.split(" ")[1])]),
  );
}

/** What the services that keep data may need at most. */
const DATA_BYTES = 4.5 * 2 ** 30;
/** Of a machine that only makes runs; the rest is for Docker and the system. */
const SHARE_OF_WORKER = 0.9;

/**
 * How much memory builder and runner may have, so that a greedy compiler or simulation is ended by the kernel instead
 * of the queue beside it. All runners have the same limit: that of the smallest machine.
 * @param expected how many workers the swarm is to have; as long as none of them has joined, runners have no limit.
 * @returns bytes; 0 for no limit.
 */
export function memoryLimits(
  { nodes, nodeId }: Engine,
  expected: number,
): { builder: number; runner: number } {
  const besideData = (bytes: number): number => Math.max(bytes / 2, bytes - DATA_BYTES);
  const manager = nodes.find(({ id }) => id === nodeId)?.memoryBytes ?? 0;
  const workers = nodes.filter(({ role, status }) => role === "worker" && status === "Ready");
  const smallest = Math.min(...workers.map(({ memoryBytes }) => memoryBytes));
  const builder = besideData(manager);
  if (workers.length === 0) return { builder, runner: expected > 0 ? 0 : builder };
  return { builder, runner: smallest * SHARE_OF_WORKER };
}

/**
 * Which nodes make runs, as a constraint of a service: the workers; where there is none, all managers.
 * @see Docker, "docker service create", --constraint.
 */
export function workerConstraint(workers: number): string {
  return workers > 0 ? "node.role == worker" : "node.role == manager";
}

function checkApi({ Server: server }: Version, endpoint: DockerEndpoint): void {
  const [major = 0, minor = 0] = server.ApiVersion.split(".").map(Number);
  if (major > OLDEST_API[0] || (major === OLDEST_API[0] && minor >= OLDEST_API[1])) return;
  throw new UserError(
    `${describeEndpoint(endpoint)} is ${server.Version}, with version ${server.ApiVersion} of its API; at least ${OLDEST_API.join(".")} is needed`,
    { hint: "install Docker Engine 19.03 or later" },
  );
}

function checkSwarm(swarm: Info["Swarm"], endpoint: DockerEndpoint): void {
  const name = describeEndpoint(endpoint);
  if (swarm.LocalNodeState === "inactive") {
    throw new UserError(`${name} is not in swarm mode`, {
      hint: "make it a swarm of one machine: docker swarm init",
    });
  }
  if (swarm.LocalNodeState === "locked") {
    throw new UserError(`the Docker Swarm of ${name} is locked`, { hint: "unlock it: docker swarm unlock" });
  }
  if (swarm.ControlAvailable) return;
  if (swarm.Error !== "") {
    throw new UserError(`the Docker Swarm of ${name} does not work: ${swarm.Error}`, {
      hint: "see whether its managers can reach each other: docker node ls",
    });
  }
  throw new UserError(`${name} is a worker of its Docker Swarm; only a manager can deploy services`, {
    hint: "name a manager: --host ssh://user@manager, or --context NAME",
  });
}
