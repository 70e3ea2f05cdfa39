import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../../errors.ts";
import { docker, type DockerEndpoint } from "./cli.ts";
import { OWN_REGISTRY } from "./images.ts";
import { listServices } from "./stack.ts";

const POLL_MS = 500;
const SETTLE_TIMEOUT_MS = 10 * 60_000;
/** What is of no use to runs: that it does not start is a warning. */
const OPTIONAL = ["visualizer"];
const FAILURES = 2;

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

/** Services with an image of another name. */
const IMAGE_OPTIONS: Record<string, string> = { builder: "worker", runner: "worker", dashboard: "worker" };

function cannotStart(service: string, reason: string): UserError {
  return new UserError(`the service ${service} does not start: ${reason}`, {
    hint: hintFor(service, reason),
  });
}

function hintFor(service: string, reason: string): string {
  const image = /No such image: (\S+)/.exec(reason)?.[1];
  if (image !== undefined) {
    const option = `--${IMAGE_OPTIONS[service] ?? service}-image NAME`;
    return `see whether ${image} can be pulled there, or name another: swarm-tool deploy ${option}`;
  }
  if (/no space left on device/i.test(reason))
    return "make room on that machine: docker system df; docker system prune";
  if (/no suitable node|insufficient resources/i.test(reason))
    return "see which machines there are, and what they have: docker node ls; docker node inspect";
  return "see what it says: docker service logs";
}
