import { UserError } from "../../errors.ts";
import { attempts } from "../../system/poll.ts";
import { docker } from "./cli.ts";
import { listNodes, type Engine } from "./engine.ts";
import { OWN_REGISTRY } from "./images.ts";
import { observeStack, type ObservedService, type TaskFailure } from "./observe.ts";
import { OPTIONAL_SERVICES } from "./stack.ts";

const POLL_MS = 500;
/** Time limit since the last change of the running tasks. */
const STABLE_TIMEOUT_MS = 10 * 60_000;
const ROLLBACK_TIMEOUT_MS = 3 * 60_000;
/** Time between two requests to roll back a service. */
const REQUEST_INTERVAL_MS = 3000;
/** Time after which Docker no longer rolls back a failing update itself. */
const STUCK_MS = 20_000;
/** Number of failed tasks after which a service counts as failing. */
const FAILURES = 2;

/**
 * Waits until all services are running as deployed.
 * @param before the services before the deployment; the old tasks of changed services do not count.
 * @yields warnings about optional services that do not start.
 * @throws {UserError} with Docker's reason if a required service does not start; changed services are then rolled back.
 */
export async function* waitUntilStable(
  engine: Engine,
  stack: string,
  before: readonly ObservedService[],
  signal?: AbortSignal,
): AsyncGenerator<string> {
  try {
    yield* untilStable(engine, stack, before, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof UserError) await rollBack(engine, stack, before, signal);
    throw error;
  }
}

async function* untilStable(
  engine: Engine,
  stack: string,
  before: readonly ObservedService[],
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const abandoned = new Set<string>();
  const nextAttempt = attempts({ everyMs: POLL_MS, signal });
  let [seen, deadline] = ["", 0];
  for (;;) {
    const services = await observeNow(engine, stack, signal);
    const waiting = services.filter((service) => !abandoned.has(service.name) && !isDone(service, before));
    if (services.length > 0 && waiting.length === 0) return;
    for (const service of waiting) {
      const reason = failureOf(service, before);
      if (reason === undefined) continue;
      if (!OPTIONAL_SERVICES.includes(service.name)) throw cannotStart(service.name, reason);
      abandoned.add(service.name);
      yield `warning: the ${service.name} does not start: ${reason}`;
    }
    const now = JSON.stringify(services.map(({ runningTasks }) => runningTasks));
    if (now !== seen) [seen, deadline] = [now, Date.now() + STABLE_TIMEOUT_MS];
    if (Date.now() > deadline) {
      const troubles = waiting.map(({ trouble = "no task of the new version is running" }) => trouble);
      throw cannotStart(waiting.map(({ name }) => name).join(", "), troubles.join("; "));
    }
    await nextAttempt();
  }
}

async function observeNow(engine: Engine, stack: string, signal?: AbortSignal): Promise<ObservedService[]> {
  return await observeStack(engine.endpoint, await listNodes(engine.endpoint, signal), stack, signal);
}

const isUpdating = ({ update }: ObservedService): boolean =>
  update?.state === "updating" || update?.state === "rollback_started";

/** Returns whether all desired tasks of a service are running, and none of them is older than a change. */
function isDone(service: ObservedService, before: readonly ObservedService[]): boolean {
  if (service.running < service.desired || isUpdating(service)) return false;
  const earlier = before.find(({ name }) => name === service.name);
  if (earlier === undefined) return true;
  if (isNewUpdate(service, earlier) && service.update?.state !== "completed") return false;
  if (earlier.taskSpec === service.taskSpec) return true;
  return !service.runningTasks.some((id) => earlier.runningTasks.includes(id));
}

function isNewUpdate({ update }: ObservedService, earlier: ObservedService | undefined): boolean {
  return update !== undefined && update.startedAt !== earlier?.update?.startedAt;
}

/** Returns why the tasks of a service cannot be placed, or have failed repeatedly; otherwise undefined. */
function failureOf(service: ObservedService, before: readonly ObservedService[]): string | undefined {
  const earlier = before.find(({ name }) => name === service.name);
  const old = new Set(earlier?.failures.map(({ id }) => id));
  const recent = service.failures.filter(({ id, reason }) => !old.has(id) && !isTooEarly(reason));
  if (isNewUpdate(service, earlier) && /rollback|paused/.test(service.update!.state))
    return recent[0] === undefined ? service.update!.message : withNode(recent[0]);
  const unplaced = service.failures.find(({ state }) => state === "Pending");
  if (unplaced !== undefined) return unplaced.reason;
  return recent.length >= FAILURES ? withNode(recent[0]!) : undefined;
}

function withNode({ node, reason }: TaskFailure): string {
  return node === undefined ? reason : `on ${node}: ${reason}`;
}

/** Returns whether a task failed only because its machine has just joined and does not yet have its registry cache. */
function isTooEarly(reason: string): boolean {
  return reason.includes(`No such image: ${OWN_REGISTRY}/`);
}

/** Rolls back all changed services, including those that have started, and waits until they are running. */
async function rollBack(
  engine: Engine,
  stack: string,
  before: readonly ObservedService[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const isChanged = (service: ObservedService): boolean =>
    before.some(({ name, taskSpec }) => name === service.name && taskSpec !== service.taskSpec);
  const nextAttempt = attempts({ everyMs: POLL_MS, timeoutMs: ROLLBACK_TIMEOUT_MS, signal });
  const requestedAt = new Map<string, number>();
  const startedAt = Date.now();
  for (;;) {
    const services = (await observeNow(engine, stack, signal)).filter(({ name }) =>
      before.some((earlier) => earlier.name === name),
    );
    for (const service of services.filter(isChanged)) {
      // Docker may already be rolling back. A second request would restore the version that did not start.
      const lastRequest = requestedAt.get(service.name) ?? startedAt - REQUEST_INTERVAL_MS;
      if (Date.now() - lastRequest < REQUEST_INTERVAL_MS) continue;
      if (isUpdating(service) && Date.now() - startedAt < STUCK_MS) continue;
      requestedAt.set(service.name, Date.now());
      const command = ["service", "rollback", "--detach", `${stack}_${service.name}`];
      // This fails if Docker was faster: there is no previous version any more.
      await docker(engine.endpoint, command, { signal }).catch(() => undefined);
    }
    const waiting = services.filter(
      (service) => isChanged(service) || isUpdating(service) || service.running < service.desired,
    );
    if (waiting.length === 0 || !(await nextAttempt())) return; // the caller throws the original error
  }
}

/** Image names of services whose images are named differently. */
const IMAGE_OPTIONS: Record<string, string> = {
  builder: "worker",
  runner: "worker",
  "runner-joined": "worker",
  dashboard: "worker",
  "distcc-joined": "distcc",
};

/** Returns the option that sets the image of a service, for hints. */
export function imageOption(service: string): string {
  return `--${IMAGE_OPTIONS[service] ?? service}-image NAME`;
}

function cannotStart(service: string, reason: string): UserError {
  return new UserError(`the service ${service} does not start: ${reason}`, {
    hint: hintFor(service, reason),
  });
}

function hintFor(service: string, reason: string): string {
  const image = /No such image: (\S+)/.exec(reason)?.[1];
  if (image !== undefined) {
    return `check that ${image} can be pulled there, or give another one: swarm-tool deploy ${imageOption(service)}`;
  }
  if (/no space left on device/i.test(reason))
    return "free disk space on that machine: docker system df; docker system prune";
  if (/no suitable node|insufficient resources/i.test(reason))
    return "check the available machines and their resources: docker node ls; docker node inspect";
  return "check its log: docker service logs";
}
