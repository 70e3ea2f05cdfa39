import { UserError } from "../../errors.ts";
import type * as v from "valibot";
import { ServiceAnswer, TaskAnswer } from "./answers.ts";
import { dockerLines } from "./cli.ts";
import type { DockerEndpoint } from "../docker-endpoint.ts";
import type { SwarmNode } from "./engine.ts";
import { serviceIds } from "./service-list.ts";

/** The current state of a stack's service and its tasks. */
export interface ObservedService {
  /** Name without that of the stack. */
  name: string;
  image: string;
  /** Number of tasks that are running on suitable machines. */
  running: number;
  /** Number of tasks that should be running. */
  desired: number;
  /** IDs of the running tasks. */
  runningTasks: string[];
  /** Specification of the tasks, without the placement, whose change does not replace tasks. */
  taskSpec: string;
  update: UpdateStatus | undefined;
  /** Tasks that failed or cannot be placed, newest first. */
  failures: TaskFailure[];
  /** Why fewer tasks are running than desired, with the names of machines; undefined if all are running. */
  trouble: string | undefined;
}

interface UpdateStatus {
  /** `updating`, `completed`, `paused`, `rollback_started`, `rollback_completed`, `rollback_paused`. */
  state: string;
  startedAt: string;
  message: string;
}

/** A task that failed or cannot be placed. */
export interface TaskFailure {
  id: string;
  /** Host name of the task's machine; undefined if it has none. */
  node: string | undefined;
  /** `Pending`, `Rejected`, `Failed`, … */
  state: string;
  reason: string;
}

type Service = v.InferOutput<typeof ServiceAnswer>;
type Task = v.InferOutput<typeof TaskAnswer>;

/**
 * Returns the services of a stack with their tasks; none if the stack is not deployed.
 * @param nodes of the Docker Swarm, because Docker counts tasks on machines that are down as running.
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

/** Returns the state of services from Docker's descriptions of services, tasks and nodes. */
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
  const suitable = nodes.filter((node) => canRun(node, template.Placement?.Constraints ?? []));
  const suitableIds = new Set(suitable.map(({ id }) => id));
  const wanted = tasks.filter(({ DesiredState }) => DesiredState === "Running");
  const runs = wanted.filter(
    ({ CurrentState, Node }) => stateOf(CurrentState) === "Running" && suitableIds.has(Node),
  );
  const { Placement: _, ...taskSpec } = template;
  const state = service.UpdateStatus?.State;
  const known = {
    name: Name.slice(stack.length + 1),
    image: template.ContainerSpec.Image,
    running: runs.length,
    desired: mode.Global == null ? (mode.Replicated?.Replicas ?? 1) : suitable.length,
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
  return { ...known, trouble: troubleOf(known, runs, suitable, wanted) };
}

/** Returns whether tasks may be placed on a machine now. Constraints that we do not set count as met. */
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
  suitable: readonly SwarmNode[],
  wanted: readonly Task[],
): string | undefined {
  if (update?.state.endsWith("paused")) return `its update is paused: ${update.message}`;
  if (running >= desired && desired > 0) return undefined;
  if (suitable.length === 0) return "no suitable machine is ready and active";
  if (desired === 0) return "it is scaled to 0";
  const without = suitable.filter(({ id }) => !runs.some(({ Node }) => Node === id));
  const unplaced = failures.find(({ node, state }) => node === undefined && state === "Pending");
  const reasons = without.flatMap(({ id, hostname }) => {
    const failure = failures.find(({ node }) => node === hostname);
    if (failure !== undefined) return [`${hostname}: ${failure.reason}`];
    const task = wanted.find(({ Node }) => Node === id);
    return task === undefined ? [] : [`${hostname}: ${stateOf(task.CurrentState).toLowerCase()}`];
  });
  return [...(unplaced ? [unplaced.reason] : []), ...reasons].join("; ") || "it has no task";
}
