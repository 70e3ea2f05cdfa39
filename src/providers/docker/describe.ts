import type { SwarmDeployer } from "../reachable-swarm.ts";
import type { DockerState } from "../swarm-state.ts";
import type { DockerStatus } from "../target.ts";
import { describeEndpoint } from "./cli.ts";
import { openEngine } from "./engine.ts";
import { observeStack } from "./observe.ts";
import { reachable } from "./reachable.ts";
import { describeUnconnected, findUnconnected, isOverdue } from "./unconnected.ts";
import { isRelaying } from "./relay-process.ts";
import { OPTIONAL_SERVICES, stackOf, WORKING_SERVICES } from "./stack.ts";

type ServiceStatus = DockerStatus["services"][number];

/** Services that every stack has; those that execute runs are missing while the swarm is halted. */
const NEEDED = ["builder", "dashboard", "distcc", "mongo", "redis", "runner"];

/** Returns the status of a swarm. Tasks on machines that are down do not count as running. */
export async function describeSwarm(
  state: DockerState,
  deployer: SwarmDeployer,
  signal: AbortSignal | undefined,
): Promise<DockerStatus> {
  const stack = stackOf(state.name);
  const engine = await openEngine(state.docker, signal);
  const swarm = isRelaying(state.relay) ? reachable(state) : undefined;
  const [observed, jobs, connected] = await Promise.all([
    observeStack(state.docker, engine.nodes, stack, signal),
    swarm && deployer.countJobs(swarm),
    swarm && deployer.connectedRunners(swarm),
  ]);
  const unconnected = connected && (await findUnconnected(engine, observed, connected, signal));
  const overdue = (unconnected ?? []).filter(isOverdue);
  const services = observed.map(({ name, running, desired, image, trouble }) => {
    const status = { name, running, desired, image };
    const troubles = [
      ...(trouble === undefined || isIdle(name, desired) ? [] : [trouble]),
      ...(name === "runner" ? overdue.map((each) => describeUnconnected(each, stack)) : []),
    ];
    return troubles.length === 0 ? status : { ...status, trouble: troubles.join("; ") };
  });
  const all: ServiceStatus[] = [...services, ...missing(state, services)];
  const isComplete =
    isRelaying(state.relay) &&
    jobs !== undefined &&
    all.every(({ name, trouble }) => trouble === undefined || OPTIONAL_SERVICES.includes(name));
  return {
    name: state.name,
    target: "docker",
    state: state.state === "running" && !isComplete ? "broken" : state.state,
    jobs: jobs ?? state.jobs,
    docker: describeEndpoint(state.docker),
    stack,
    machines: engine.nodes,
    services: all.sort((a, b) => a.name.localeCompare(b.name)),
    ports: isRelaying(state.relay) ? state.relay.ports : undefined,
  };
}

/** Returns whether a service needs no task: those for machines that join later, if there are no such machines. */
function isIdle(name: string, desired: number): boolean {
  return desired === 0 && name.endsWith("-joined");
}

function missing({ state }: DockerState, services: readonly ServiceStatus[]): ServiceStatus[] {
  if (state === "creating") return [];
  return NEEDED.filter((name) => state === "running" || !WORKING_SERVICES.includes(name))
    .filter((name) => !services.some((service) => service.name === name))
    .map((name) => ({ name, running: 0, desired: 1, image: "", trouble: "the service is missing" }));
}
