import { UserError } from "../../errors.ts";
import type * as v from "valibot";
import { ServiceAnswer, TaskAnswer } from "./answers.ts";
import { dockerLines } from "./cli.ts";
import type { DockerEndpoint } from "../docker-endpoint.ts";
import type { SwarmNode } from "./engine.ts";
import { serviceIds } from "./service-list.ts";

/** A service of a stack with its tasks, as its Docker Swarm has them now. */
export interface ObservedService {
  /** Without the stack's name. */
  name: string;
  image: string;
  /** Tasks that run on machines that can have them. */
  running: number;
  /** How many that should be. */
  desired: number;
  /** Ids of those that run. */
  runningTasks: string[];
  /** What a task of it is, without where it may be placed: a change of the latter replaces no task. */
  taskSpec: string;
  update: UpdateStatus | undefined;
  /** Tasks that failed or cannot be placed, the newest first. */
  failures: TaskFailure[];
  /** Why less runs than should, naming the machines; undefined if all is well. */
  trouble: string | undefined;
}

interface UpdateStatus {
  /** `updating`, `completed`, `paused`, `rollback_started`, `rollback_completed`, `rollback_paused`. */
  state: string;
  startedAt: string;
  message: string;
}

export interface TaskFailure {
  id: string;
  /** Host name of its machine; undefined if it has none. */
  node: string | undefined;
  /** `Pending`, `Rejected`, `Failed`, … */
  state: string;
  reason: string;
}

type Service = v.InferOutput<typeof ServiceAnswer>;
type Task = v.InferOutput<typeof TaskAnswer>;

/**
 * Asks Docker for the services of a stack and their tasks; none if it is not deployed.
 * @param nodes of the Docker Swarm: a task of a machine that is down still counts as running for Docker.
 * @see Docker, "docker stack ps"; SwarmKit, "Task Model".
 */
export async function observeStack(
  endpoint: DockerEndpoint,
  nodes: readonly SwarmNode[],
  stack: string,
  signal?: AbortSignal,
): Promise<ObservedService[]> {
  const ids = await serviceIds(endpoint, [`label=com.docker.stack.namespace=${stack}`], signal);
  if (ids.length === 0) return [];
  const [described, tasks] = await Promise.all([
    dockerLines(endpoint, ServiceAnswer, ["service", "inspect", ...ids], { signal }),
    listTasks(endpoint, stack, signal),
  ]);
  return observeServices(described, tasks, nodes, stack);
}

/** What services and tasks of a stack, as Docker describes them, come to. */
export function observeServices(
  services: readonly Service[],
  tasks: readonly Task[],
  nodes: readonly SwarmNode[],
  stack: string,
): ObservedService[] {
  return services
    .map((service) => {
      const own = tasks.filter(({ Name }) => Name.split(".")[0] === service.ID);
      return observe(service, own, nodes, stack);
    })
    .sort((a, b) => a.name.localeCompare(b.name));
}

async function listTasks(
  endpoint: DockerEndpoint,
  stack: string,
  signal: AbortSignal | undefined,
): Promise<Task[]> {
  try {
    return await dockerLines(endpoint, TaskAnswer, ["stack", "ps", "--no-trunc", "--no-resolve", stack], {
      signal,
    });
  } catch (error) {
    if (error instanceof UserError && error.message.includes("nothing found in stack")) return [];
    throw error;
  }
}

function observe(
  service: Service,
  tasks: readonly Task[],
  nodes: readonly SwarmNode[],
  stack: string,
): ObservedService {
  const { TaskTemplate: template, Mode: mode, Name } = service.Spec;
  const able = nodes.filter((node) => canRun(node, template.Placement?.Constraints ?? []));
  const isAble = new Set(able.map(({ id }) => id));
  const wanted = tasks.filter(({ DesiredState }) => DesiredState === "Running");
  const runs = wanted.filter(
    ({ CurrentState, Node }) => stateOf(CurrentState) === "Running" && isAble.has(Node),
  );
  const { Placement: _, ...taskSpec } = template;
  const state = service.UpdateStatus?.State;
  const known = {
    name: Name.slice(stack.length + 1),
    image: template.ContainerSpec.Image,
    running: runs.length,
    desired: mode.Global == null ? (mode.Replicated?.Replicas ?? 1) : able.length,
    runningTasks: runs.map(({ ID }) => ID),
    taskSpec: JSON.stringify(taskSpec),
    update: state
      ? {
          state,
          startedAt: service.UpdateStatus?.StartedAt ?? "",
          message: service.UpdateStatus?.Message ?? "",
        }
      : undefined,
    failures: tasks.filter(({ Error }) => Error !== "").map((task) => asFailure(task, nodes)),
  };
  return { ...known, trouble: troubleOf(known, runs, able, wanted) };
}

/** Whether tasks may be placed on a machine now. Constraints that we do not set ourselves count as met. */
function canRun({ id, role, status, availability }: SwarmNode, constraints: readonly string[]): boolean {
  if (status !== "Ready" || availability !== "Active") return false;
  return constraints.every((constraint) => {
    const [, key, operator, value] = /^node\.(id|role)\s*(==|!=)\s*(\S+)$/.exec(constraint) ?? [];
    if (key === undefined) return true;
    return ((key === "id" ? id : role) === value) === (operator === "==");
  });
}

function stateOf(currentState: string): string {
  return currentState.split(" ")[0]!;
}

function asFailure({ ID, Node, CurrentState, Error }: Task, nodes: readonly SwarmNode[]): TaskFailure {
  const node = nodes.find(({ id }) => id === Node)?.hostname;
  return { id: ID, node, state: stateOf(CurrentState), reason: Error.replace(/^"(.*)"$/s, "$1") }; // Docker quotes it
}

type Known = Omit<ObservedService, "trouble">;

function troubleOf(
  { desired, running, update, failures }: Known,
  runs: readonly Task[],
  able: readonly SwarmNode[],
  wanted: readonly Task[],
): string | undefined {
  if (update?.state.endsWith("paused")) return `its update is paused: ${update.message}`;
  if (running >= desired && desired > 0) return undefined;
  if (able.length === 0) return "no suitable machine is ready and active";
  if (desired === 0) return "it is scaled to 0";
  const without = able.filter(({ id }) => !runs.some(({ Node }) => Node === id));
  const unplaced = failures.find(({ node, state }) => node === undefined && state === "Pending");
  const reasons = without.flatMap(({ id, hostname }) => {
    const failure = failures.find(({ node }) => node === hostname);
    if (failure !== undefined) return [`${hostname}: ${failure.reason}`];
    const task = wanted.find(({ Node }) => Node === id);
    return task === undefined ? [] : [`${hostname}: ${stateOf(task.CurrentState).toLowerCase()}`];
  });
  return [...(unplaced ? [unplaced.reason] : []), ...reasons].join("; ") || "it has no task";
}
