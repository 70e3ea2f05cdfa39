import { formatDuration } from "../../model/amounts.ts";
import { InfoAnswer, TaskDetails } from "./answers.ts";
import { attempts } from "../../system/poll.ts";
import type { SwarmEvents } from "../provider.ts";
import type { ReachableSwarm, SwarmDeployer } from "../reachable-swarm.ts";
import { dockerLines } from "./cli.ts";
import { listNodes, type Engine } from "./engine.ts";
import { observeStack, type ObservedService } from "./observe.ts";
import { stackOf } from "./stack.ts";

/** Time in which a runner connects to the queue, also on a busy machine. */
const CONNECT_MS = 30_000;
const POLL_MS = 1000;
const RUNNERS = ["runner", "runner-joined"];

/** A running task, by the clock of Docker. */
export interface RunningTask {
  hostname: string;
  /** Since when it is running, in ms since 1970. */
  since: number;
}

/** A machine whose runner is running, but is not connected to the queue. */
export interface UnconnectedRunner {
  hostname: string;
  /** How long it could have connected. */
  ms: number;
}

/**
 * Returns the machines whose runners are not connected to the queue, although Docker considers machine and runner as
 * working: Docker itself uses other ports than the containers.
 * @param queueSince since when the queue is running, in ms since 1970.
 * @param now by the same clock.
 */
export function unconnectedRunners(
  runners: readonly RunningTask[],
  connected: readonly string[],
  queueSince: number,
  now: number,
): UnconnectedRunner[] {
  return runners
    .filter(({ hostname }) => !connected.includes(hostname))
    .map(({ hostname, since }) => ({ hostname, ms: now - Math.max(since, queueSince) }));
}

/** Returns whether a runner should have connected by now. */
export function isOverdue({ ms }: UnconnectedRunner): boolean {
  return ms >= CONNECT_MS;
}

/** Returns what is wrong and what to check. @see Docker, "Manage swarm service networks", for the ports. */
export function describeUnconnected({ hostname, ms }: UnconnectedRunner, stack: string): string {
  return `${hostname}: its runner, started ${formatDuration(ms)} ago, is not connected to the queue; check that UDP port 4789 and TCP and UDP port 7946 are open between ${hostname} and the manager, and its log: docker service logs ${stack}_runner`;
}

/** Returns the unconnected runners of a stack. @param connected host names of the connected ones. */
export async function findUnconnected(
  { endpoint, nodes }: Pick<Engine, "endpoint" | "nodes">,
  services: readonly ObservedService[],
  connected: readonly string[],
  signal: AbortSignal | undefined,
): Promise<UnconnectedRunner[]> {
  const tasksOf = (names: readonly string[]): string[] =>
    services.filter(({ name }) => names.includes(name)).flatMap(({ runningTasks }) => runningTasks);
  const [runners, queues] = [tasksOf(RUNNERS), tasksOf(["redis"])];
  const present = nodes.filter(({ hostname, status }) => status === "Ready" && connected.includes(hostname));
  // Usually, all are connected, and Docker need not be asked.
  if (queues.length === 0 || runners.length <= present.length) return [];
  const describeTasks = async (ids: readonly string[]): Promise<RunningTask[]> => {
    const details = await dockerLines(endpoint, TaskDetails, ["inspect", "--type=task", ...ids], { signal });
    return details.map(({ NodeID, Status }) => ({
      hostname: nodes.find(({ id }) => id === NodeID)?.hostname ?? NodeID,
      since: Date.parse(Status.Timestamp),
    }));
  };
  const [runnerTasks, queueTasks, [info]] = await Promise.all([
    describeTasks(runners),
    describeTasks(queues),
    dockerLines(endpoint, InfoAnswer, ["info"], { signal }),
  ]);
  if (info?.SystemTime === undefined) return []; // nobody knows for how long
  const queueSince = Math.max(...queueTasks.map(({ since }) => since));
  return unconnectedRunners(runnerTasks, connected, queueSince, Date.parse(info.SystemTime));
}

/** Returns the unconnected runners of a swarm; undefined if its queue does not tell. @param deployer asks the queue. */
export async function unconnectedOf(
  swarm: ReachableSwarm,
  deployer: Pick<SwarmDeployer, "connectedRunners">,
  signal: AbortSignal | undefined,
): Promise<UnconnectedRunner[] | undefined> {
  const endpoint = swarm.docker;
  const nodes = await listNodes(endpoint, signal);
  const [services, connected] = await Promise.all([
    observeStack(endpoint, nodes, stackOf(swarm.name), signal),
    deployer.connectedRunners(swarm),
  ]);
  return connected && (await findUnconnected({ endpoint, nodes }, services, connected, signal));
}

/**
 * Waits until all runners are connected to the queue, or should be. Yields a warning for each that is not.
 * @param deployer asks the queue.
 */
export async function* awaitRunners(
  swarm: ReachableSwarm,
  deployer: Pick<SwarmDeployer, "connectedRunners">,
  signal: AbortSignal | undefined,
): SwarmEvents {
  const nextAttempt = attempts({ everyMs: POLL_MS, timeoutMs: 2 * CONNECT_MS, signal });
  for (;;) {
    const missing = await unconnectedOf(swarm, deployer, signal);
    if (missing === undefined) return;
    if (!missing.every(isOverdue) && (await nextAttempt())) continue;
    for (const each of missing)
      yield { type: "warning", text: describeUnconnected(each, stackOf(swarm.name)) };
    return;
  }
}
