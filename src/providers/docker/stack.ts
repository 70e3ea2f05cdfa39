import { errorText, UserError } from "../../errors.ts";
import { installedFile } from "../../system/installation.ts";
import { attempts, poll } from "../../system/poll.ts";
import { docker } from "./cli.ts";
import type { DockerEndpoint } from "../docker-endpoint.ts";
import { dockerUpdate } from "./docker-update.ts";
import { countWorkers, memoryLimits, workerConstraint, type Engine } from "./engine.ts";
import type { StackImages } from "./images.ts";
import { serviceIds } from "./service-list.ts";

/** Returns the name of a swarm's stack in Docker. */
export function stackOf(swarm: string): string {
  return `swarm-${swarm}`;
}

/** Services that execute runs and compile; the others store or show data. */
export const WORKING_SERVICES = ["runner", "distcc", "runner-joined", "distcc-joined"];
/** Services that are not needed for runs. */
export const OPTIONAL_SERVICES = ["visualizer"];

/** Variables of a deployment. */
export interface StackRequest {
  /** Name of the stack in Docker. */
  stack: string;
  images: StackImages;
  /** Number of concurrent runs on each node (default: its number of cores). */
  runners?: number | undefined;
  /** Expected number of workers (default: those that have joined already). */
  workers?: number | undefined;
  /** Path of Docker's socket on the manager, for the visualizer. */
  dockerSocket: string;
  /** The settings of the previous deployment: see swarm-settings. */
  settings?: string | undefined;
}

const POLL_MS = 500;
const DEPLOY_TIMEOUT_MS = 5 * 60_000;
const GONE_TIMEOUT_MS = 3 * 60_000;

/**
 * Deploys the services, and updates those that have changed.
 * @param files names of compose files in the folder `docker` of this installation.
 * @see docker-stack-deploy(1)
 */
export async function deployStack(
  engine: Engine,
  request: StackRequest,
  files: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const { endpoint, nodeId } = engine;
  const { stack, images } = request;
  const { workers = countWorkers(engine) } = request;
  const memory = memoryLimits(engine, workers);
  const variables = {
    SWARM_STACK: stack,
    SWARM_NODE_ID: nodeId,
    SWARM_WORKERS: workerConstraint(engine, workers),
    SWARM_SETTINGS: request.settings ?? "",
    SWARM_RUNNERS: String(request.runners ?? "cores"),
    SWARM_BUILDER_MEMORY: megabytes(memory.builder),
    SWARM_RUNNER_MEMORY: megabytes(memory.runner),
    SWARM_DOCKER_SOCKET: request.dockerSocket,
    ...Object.fromEntries(
      Object.entries(images).map(([name, image]) => [`SWARM_${name.toUpperCase()}_IMAGE`, image]),
    ),
  };
  const all = files.includes("stack.yaml") && workers === 0 ? [...files, "joined.yaml"] : files;
  const compose = all.flatMap((file) => ["--compose-file", installedFile(`docker/${file}`)]);
  const options = [...compose, "--resolve-image", "never", "--with-registry-auth"];
  const prune = files.includes("stack.yaml") ? ["--prune"] : []; // removes services of earlier deployments
  await dockerUpdate(endpoint, ["stack", "deploy", ...prune, ...options, stack], {
    env: variables,
    signal,
    timeoutMs: DEPLOY_TIMEOUT_MS,
  });
}

/** Returns a size in Docker's form: `1536M`. */
function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)}M`;
}

/**
 * Checks that a stack has no data on another manager: deployed from this one, the services would start without data.
 * @throws {UserError} if the data is in volumes of another machine that is still a node.
 */
async function refuseOtherManager(engine: Engine, stack: string, signal?: AbortSignal): Promise<void> {
  const { endpoint, nodeId, nodes } = engine;
  if ((await serviceIds(endpoint, [`name=${stack}_redis`], signal)).length === 0) return;
  const format = ["--format", "{{json .Spec.TaskTemplate.Placement.Constraints}}"];
  const constraints = await docker(endpoint, ["service", "inspect", ...format, `${stack}_redis`], { signal });
  const [, owner] = /node\.id\s*==\s*(\w+)/.exec(constraints) ?? [];
  const other = nodes.find(({ id }) => id === owner && id !== nodeId);
  if (other === undefined) return;
  throw new UserError(
    `the data of the stack ${stack} are on the machine ${other.hostname}, and this is another manager`,
    { hint: `give that machine: --host ssh://user@${other.hostname}, or a --context for it` },
  );
}

/** Checks that a stack may be deployed. @throws {UserError} if it is not ours, or its data is on another manager. */
export async function checkStack(engine: Engine, stack: string, signal?: AbortSignal): Promise<void> {
  await refuseForeign(engine.endpoint, stack, signal);
  await refuseOtherManager(engine, stack, signal);
}

/** Checks that a stack of this name, if there is one, is ours. @throws {UserError} if not. */
async function refuseForeign(endpoint: DockerEndpoint, stack: string, signal?: AbortSignal): Promise<void> {
  const all = await serviceIds(endpoint, [`label=com.docker.stack.namespace=${stack}`], signal);
  const filters = [`label=com.docker.stack.namespace=${stack}`, "label=inet-swarm.service"];
  const ours = await serviceIds(endpoint, filters, signal);
  if (all.length === ours.length) return;
  throw new UserError(`a stack ${stack} exists that swarm-tool did not create`, {
    hint: "choose another name for the swarm: swarm-tool init --docker NAME",
  });
}

/** Returns the names of a stack's services, without the stack's name; none if it is not deployed. */
async function serviceNames(
  endpoint: DockerEndpoint,
  stack: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const filter = ["--filter", `label=com.docker.stack.namespace=${stack}`, "--format", "{{.Name}}"];
  const output = await docker(endpoint, ["service", "ls", ...filter], { signal });
  return output.split("\n").flatMap((name) => (name === "" ? [] : [name.slice(stack.length + 1)]));
}

/** Removes services, and waits until none of their containers is left on the manager. */
export async function removeServices(
  endpoint: DockerEndpoint,
  stack: string,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const present = await serviceNames(endpoint, stack, signal);
  const services = names.filter((name) => present.includes(name)).map((name) => `${stack}_${name}`);
  if (services.length > 0) await docker(endpoint, ["service", "rm", ...services], { signal });
  for (const name of names) {
    await containersRemoved(endpoint, [`label=com.docker.swarm.service.name=${stack}_${name}`], signal);
  }
}

/** Deletes a stack with its volumes on the manager. Volumes on other nodes are deleted with their containers. */
export async function removeStack(
  endpoint: DockerEndpoint,
  stack: string,
  signal?: AbortSignal,
): Promise<void> {
  await refuseForeign(endpoint, stack, signal);
  const label = `label=com.docker.stack.namespace=${stack}`;
  if ((await serviceIds(endpoint, [label], signal)).length > 0) {
    await unlessInUse(docker(endpoint, ["stack", "rm", stack], { signal, timeoutMs: GONE_TIMEOUT_MS }));
  }
  await containersRemoved(endpoint, [label], signal);
  await removeNetworks(endpoint, label, signal);
  const listed = await docker(endpoint, ["volume", "ls", "--quiet", "--filter", label], { signal });
  const volumes = listed.split("\n").filter((line) => line !== "");
  if (volumes.length > 0) await docker(endpoint, ["volume", "rm", ...volumes], { signal });
}

/** Docker's error for a network, and only for that, while a task that is being stopped still uses it. */
const IN_USE = /\bnetwork \S+ (?:is in use by task|has active endpoints|not found)\b/;

async function unlessInUse(removal: Promise<string>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!IN_USE.test(errorText(error))) throw error;
  }
}

/** Removes the networks that `docker stack rm` has left, now or in a command that was interrupted. */
async function removeNetworks(endpoint: DockerEndpoint, label: string, signal?: AbortSignal): Promise<void> {
  const nextAttempt = attempts({ everyMs: POLL_MS, timeoutMs: GONE_TIMEOUT_MS, signal });
  for (let isOver = false; ; isOver = !(await nextAttempt())) {
    const listed = await docker(endpoint, ["network", "ls", "--quiet", "--filter", label], { signal });
    const networks = listed.split("\n").filter((line) => line !== "");
    if (networks.length === 0) return;
    if (isOver)
      throw new UserError("networks of the swarm are still in use", { hint: "see: docker network ls" });
    await unlessInUse(docker(endpoint, ["network", "rm", ...networks], { signal }));
  }
}

async function containersRemoved(
  endpoint: DockerEndpoint,
  filters: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const options = filters.flatMap((filter) => ["--filter", filter]);
  const isGone = async (): Promise<boolean> =>
    (await docker(endpoint, ["ps", "--all", "--quiet", ...options], { signal })).trim() === "";
  if (await poll(isGone, { everyMs: POLL_MS, timeoutMs: GONE_TIMEOUT_MS, signal })) return;
  throw new UserError("containers of the swarm do not stop", { hint: "check with: docker ps" });
}

/** Returns the ID of a service's running container on the manager, or undefined. */
export async function containerOf(
  endpoint: DockerEndpoint,
  stack: string,
  service: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const filters = [
    "--filter",
    `label=com.docker.swarm.service.name=${stack}_${service}`,
    "--filter",
    "status=running",
  ];
  const output = await docker(endpoint, ["ps", "--quiet", "--no-trunc", ...filters], { signal });
  return output.split("\n").find((line) => line !== "");
}
