import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../../errors.ts";
import { installedFile } from "../../system/installation.ts";
import { runProgram } from "../../system/program.ts";
import { docker, dockerEnvironment, dockerLines, endpointArguments, type DockerEndpoint } from "./cli.ts";
import { countWorkers, workerConstraint, type Engine } from "./engine.ts";
import { OWN_REGISTRY, type StackImages } from "./images.ts";

/** Name of a swarm's stack in Docker. */
export function stackOf(swarm: string): string {
  return `swarm-${swarm}`;
}

/** What a stack is deployed with. */
export interface StackRequest {
  /** Name of the stack in Docker. */
  stack: string;
  images: StackImages;
  /** Runs at once on each node; undefined for as many as it has cores. */
  runners?: number | undefined;
  /** How many machines make runs; undefined for those that have joined already. */
  workers?: number | undefined;
  /** Path of Docker's socket on the manager, for the visualizer. */
  dockerSocket: string;
}

/** A service as `status` shows it. */
export interface ServiceStatus {
  name: string;
  running: number;
  desired: number;
  image: string;
}

const POLL_MS = 500;
const SETTLE_TIMEOUT_MS = 10 * 60_000;
const GONE_TIMEOUT_MS = 3 * 60_000;
/** What is of no use to runs: that it does not start is a warning. */
const OPTIONAL = ["visualizer"];
const FAILURES = 2;

/**
 * Deploys the services, or changes those that are not as they should be.
 * @param files of the folder `docker` of this installation.
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
  await refuseForeign(endpoint, stack, signal);
  const variables = {
    SWARM_STACK: stack,
    SWARM_NODE_ID: nodeId,
    SWARM_WORKERS: workerConstraint(request.workers ?? countWorkers(engine)),
    SWARM_RUNNERS: String(request.runners ?? "cores"),
    SWARM_DOCKER_SOCKET: request.dockerSocket,
    ...Object.fromEntries(
      Object.entries(images).map(([name, image]) => [`SWARM_${name.toUpperCase()}_IMAGE`, image]),
    ),
  };
  const compose = files.flatMap((file) => ["--compose-file", installedFile(`docker/${file}`)]);
  const options = [...compose, "--resolve-image", "never", "--with-registry-auth"];
  const { exitCode, stderr } = await runProgram(
    "docker",
    [...endpointArguments(endpoint), "stack", "deploy", ...options, stack],
    { env: { ...dockerEnvironment(endpoint), ...variables }, signal },
  );
  if (exitCode !== 0) throw new UserError(`the services cannot be deployed: ${stderr.trim()}`);
}

/** @throws {UserError} where there is a stack of this name that we have not made. */
async function refuseForeign(endpoint: DockerEndpoint, stack: string, signal?: AbortSignal): Promise<void> {
  const all = await serviceIds(endpoint, [`label=com.docker.stack.namespace=${stack}`], signal);
  const filters = [`label=com.docker.stack.namespace=${stack}`, "label=inet-swarm.service"];
  const ours = await serviceIds(endpoint, filters, signal);
  if (all.length === ours.length) return;
  throw new UserError(`there is a stack ${stack} that swarm-tool has not made`, {
    hint: "choose another name for the swarm: swarm-tool init --docker NAME",
  });
}

async function serviceIds(
  endpoint: DockerEndpoint,
  filters: readonly string[],
  signal?: AbortSignal,
): Promise<string[]> {
  const options = filters.flatMap((filter) => ["--filter", filter]);
  const output = await docker(endpoint, ["service", "ls", "--quiet", ...options], { signal });
  return output.split("\n").filter((line) => line !== "");
}

/** The services of a stack; none where it is not deployed. */
export async function listServices(
  endpoint: DockerEndpoint,
  stack: string,
  signal?: AbortSignal,
): Promise<ServiceStatus[]> {
  const filter = ["--filter", `label=com.docker.stack.namespace=${stack}`];
  const lines = await dockerLines<{ Name: string; Replicas: string; Image: string }>(
    endpoint,
    ["service", "ls", ...filter],
    { signal },
  );
  return lines
    .map(({ Name, Replicas, Image }) => {
      const [running = 0, desired = 0] = Replicas.split(" ")[0]!.split("/").map(Number);
      return { name: Name.slice(stack.length + 1), running, desired, image: Image };
    })
    .sort((a, b) => a.name.localeCompare(b.name));
}

/**
 * Waits until all services run.
 * @yields warnings about those that a swarm can do without.
 * @throws {UserError} with Docker's reason where one does not start.
 */
export async function* settle(
  endpoint: DockerEndpoint,
  stack: string,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  const deadline = Date.now() + SETTLE_TIMEOUT_MS;
  const given = new Set<string>();
  const before = new Set<string>();
  for (const { name } of await listServices(endpoint, stack, signal)) {
    const tasks = await failedTasks(endpoint, `${stack}_${name}`, signal);
    for (const { ID } of tasks) before.add(ID); // of another time
  }
  for (;;) {
    const services = await listServices(endpoint, stack, signal);
    const waiting = services.filter(({ name, running, desired }) => running < desired && !given.has(name));
    if (services.length > 0 && waiting.length === 0) return;
    for (const { name } of waiting) {
      const failure = await failureOf(endpoint, `${stack}_${name}`, before, signal);
      if (failure === undefined) continue;
      if (!OPTIONAL.includes(name)) throw cannotStart(name, failure);
      given.add(name);
      yield `warning: the ${name} does not start: ${failure}`;
    }
    if (Date.now() > deadline)
      throw cannotStart(waiting.map(({ name }) => name).join(", "), "it takes too long");
    await delay(POLL_MS, undefined, signal && { signal });
  }
}

/** Why the tasks of a service fail, when they have done so more than once; why they cannot be placed at all. */
async function failureOf(
  endpoint: DockerEndpoint,
  service: string,
  before: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const failed = await failedTasks(endpoint, service, signal);
  const unplaced = failed.find(({ CurrentState }) => CurrentState.startsWith("Pending"));
  const recent = failed.filter(({ ID, Error }) => !before.has(ID) && !isTooEarly(Error));
  return unplaced?.Error ?? (recent.length >= FAILURES ? recent[0]!.Error : undefined);
}

/** A machine that has just joined tries until its own cache of the swarm's registry is there. */
function isTooEarly(error: string): boolean {
  return error.includes(`No such image: ${OWN_REGISTRY}/`);
}

async function failedTasks(endpoint: DockerEndpoint, service: string, signal?: AbortSignal): Promise<Task[]> {
  const options = ["--no-trunc", "--format", "{{json .}}"];
  const output = await docker(endpoint, ["service", "ps", ...options, service], { signal });
  const tasks = output.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Task]));
  return tasks.filter(({ Error }) => Error !== "");
}

interface Task {
  ID: string;
  CurrentState: string;
  Error: string;
}

function cannotStart(service: string, reason: string): UserError {
  const image = /No such image: (\S+)/.exec(reason)?.[1];
  return new UserError(`the service ${service} does not start: ${reason}`, {
    hint: image
      ? `see whether ${image} can be pulled there, or name another: swarm-tool deploy --${service}-image NAME`
      : "see what it says: docker service logs",
  });
}

/** Takes services away and waits until none of their containers is left on the manager. */
export async function removeServices(
  endpoint: DockerEndpoint,
  stack: string,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const present = (await listServices(endpoint, stack, signal)).map(({ name }) => name);
  const services = names.filter((name) => present.includes(name)).map((name) => `${stack}_${name}`);
  if (services.length > 0) await docker(endpoint, ["service", "rm", ...services], { signal });
  for (const name of names) {
    await gone(endpoint, [`label=com.docker.swarm.service.name=${stack}_${name}`], signal);
  }
}

/** Deletes the stack with its volumes; those of other nodes go with their containers. */
export async function removeStack(
  endpoint: DockerEndpoint,
  stack: string,
  signal?: AbortSignal,
): Promise<void> {
  await refuseForeign(endpoint, stack, signal);
  const label = `label=com.docker.stack.namespace=${stack}`;
  if ((await serviceIds(endpoint, [label], signal)).length > 0) {
    await docker(endpoint, ["stack", "rm", stack], { signal, timeoutMs: GONE_TIMEOUT_MS });
  }
  await gone(endpoint, [label], signal);
  const listed = await docker(endpoint, ["volume", "ls", "--quiet", "--filter", label], { signal });
  const volumes = listed.split("\n").filter((line) => line !== "");
  if (volumes.length > 0) await docker(endpoint, ["volume", "rm", ...volumes], { signal });
}

async function gone(
  endpoint: DockerEndpoint,
  filters: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + GONE_TIMEOUT_MS;
  const options = filters.flatMap((filter) => ["--filter", filter]);
  while ((await docker(endpoint, ["ps", "--all", "--quiet", ...options], { signal })).trim() !== "") {
    if (Date.now() > deadline)
      throw new UserError("containers of the swarm do not end", { hint: "see: docker ps" });
    await delay(POLL_MS, undefined, signal && { signal });
  }
}

/** Id of the running container of a service on the manager, or undefined. */
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
