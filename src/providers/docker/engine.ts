import { UserError } from "../../errors.ts";
import type * as v from "valibot";
import { InfoAnswer, NodeAnswer, VersionAnswer } from "./answers.ts";
import { describeEndpoint, docker, dockerLines } from "./cli.ts";
import type { DockerEndpoint } from "../docker-endpoint.ts";

/** A manager of a Docker Swarm. */
export interface Engine {
  endpoint: DockerEndpoint;
  /** Node ID of the manager, on which all services with data run. */
  nodeId: string;
  version: string;
  nodes: SwarmNode[];
}

/** A machine of a Docker Swarm. */
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

/** The oldest Engine API that supports everything in the stack file: that of Docker 19.03. */
const OLDEST_API = [1, 40] as const;

type Version = v.InferOutput<typeof VersionAnswer>;
type Swarm = v.InferOutput<typeof InfoAnswer>["Swarm"];

/**
 * Checks that a manager of a Docker Swarm answers, and returns it with its nodes.
 * @throws {UserError} if Docker does not answer, is too old, is not in swarm mode, or is not a manager.
 */
export async function openEngine(endpoint: DockerEndpoint, signal?: AbortSignal): Promise<Engine> {
  const version = await answerOf(endpoint, VersionAnswer, "version", signal);
  checkApi(version, endpoint);
  const { Swarm: swarm } = await answerOf(endpoint, InfoAnswer, "info", signal);
  checkSwarm(swarm, endpoint);
  return {
    endpoint,
    nodeId: swarm.NodeID,
    version: version.Server.Version,
    nodes: await listNodes(endpoint, signal),
  };
}

/** Returns all nodes of a Docker Swarm, as its manager sees them now. */
export async function listNodes(endpoint: DockerEndpoint, signal?: AbortSignal): Promise<SwarmNode[]> {
  const nodes = await dockerLines(endpoint, NodeAnswer, ["node", "ls"], { signal });
  const ids = nodes.map(({ ID }) => ID);
  const memory = await memoryOf(endpoint, ids, signal);
  return nodes.map((node) => ({
    id: node.ID,
    hostname: node.Hostname,
    role: node.ManagerStatus === "" ? "worker" : "manager",
    status: node.Status,
    availability: node.Availability,
    memoryBytes: memory.get(node.ID) ?? 0,
  }));
}

/** Returns whether a Docker is a manager of a Docker Swarm. */
export async function isManager(endpoint: DockerEndpoint, signal?: AbortSignal): Promise<boolean> {
  return (await answerOf(endpoint, InfoAnswer, "info", signal)).Swarm.ControlAvailable;
}

async function answerOf<S extends v.GenericSchema>(
  endpoint: DockerEndpoint,
  schema: S,
  command: string,
  signal: AbortSignal | undefined,
): Promise<v.InferOutput<S>> {
  const [answer] = await dockerLines(endpoint, schema, [command], { signal });
  if (answer === undefined) throw new UserError(`docker ${command} prints nothing`);
  return answer;
}

/** Returns the number of workers, for swarms without an expected number; those that are down may never return. */
export function countWorkers({ nodes }: Engine): number {
  return nodes.filter(({ role, status }) => role === "worker" && status !== "Down").length;
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
      .map((line) => [line.split(" ")[0]!, Number(line.split(" ")[1]) || 0]),
  );
}

/** Maximum memory of the services with data. */
const DATA_BYTES = 4.5 * 2 ** 30;

/**
 * Returns the memory limits of the builder, and of a runner on the manager, in bytes; 0 for no limit. With them, the
 * kernel kills a compiler or simulation that uses too much memory, and not the queue on the same machine. Runners on
 * workers have no limit, because it would be the same for all workers. There, the kernel kills simulations first: see
 * docker/entrypoint.sh.
 * @param workers expected number of workers.
 */
export function memoryLimits(
  { nodes, nodeId }: Engine,
  workers: number,
): { builder: number; runner: number } {
  const manager = nodes.find(({ id }) => id === nodeId)?.memoryBytes ?? 0;
  const builder = Math.max(manager / 2, manager - DATA_BYTES);
  return { builder, runner: workers > 0 ? 0 : builder };
}

/**
 * Returns the constraint for services on the machines that execute runs: the workers or, if there are none, the manager.
 * In the latter case, workers that join later have separate services: see docker/joined.yaml.
 * @see Docker, "docker service create", --constraint.
 */
export function workerConstraint({ nodeId }: Pick<Engine, "nodeId">, workers: number): string {
  return workers > 0 ? "node.role == worker" : `node.id == ${nodeId}`;
}

function checkApi({ Server: server }: Version, endpoint: DockerEndpoint): void {
  const [major = 0, minor = 0] = server.ApiVersion.split(".").map(Number);
  if (major > OLDEST_API[0] || (major === OLDEST_API[0] && minor >= OLDEST_API[1])) return;
  throw new UserError(
    `${describeEndpoint(endpoint)} is ${server.Version}, with API version ${server.ApiVersion}; at least ${OLDEST_API.join(".")} is required`,
    { hint: "install Docker Engine 19.03 or later" },
  );
}

function checkSwarm(swarm: Swarm, endpoint: DockerEndpoint): void {
  const name = describeEndpoint(endpoint);
  if (swarm.LocalNodeState === "inactive") {
    throw new UserError(`${name} is not in swarm mode`, {
      hint: "initialize a swarm of one machine: docker swarm init",
    });
  }
  if (swarm.LocalNodeState === "locked") {
    throw new UserError(`the Docker Swarm of ${name} is locked`, { hint: "unlock it: docker swarm unlock" });
  }
  if (swarm.ControlAvailable) return;
  if (swarm.Error !== "") {
    throw new UserError(`the Docker Swarm of ${name} is not working: ${swarm.Error}`, {
      hint: "check that its managers can reach each other: docker node ls",
    });
  }
  throw new UserError(`${name} is a worker of its Docker Swarm; only a manager can deploy services`, {
    hint: "give a manager: --host ssh://user@manager, or --context NAME",
  });
}
