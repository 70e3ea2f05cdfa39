import type { SwarmEvent, SwarmEvents } from "../../providers/provider.ts";
import { count, dollars } from "../terminal/format.ts";
import { explainPlan } from "./aws-plan.ts";
import type { Io } from "./io.ts";

/** Prints the events of an operation on a swarm until it ends. */
export async function show(events: SwarmEvents, io: Io): Promise<void> {
  for await (const event of events) print(event, io);
}

function print(event: SwarmEvent, { say, note }: Io): void {
  switch (event.type) {
    case "step":
      return note(event.text);
    case "warning":
      return note(`warning: ${event.text}`);
    case "resource":
      return printResource(event, note);
    case "left-running":
      return note(leftRunning(event));
    default:
      resultLines(event).forEach(say);
  }
}

type Of<T extends SwarmEvent["type"]> = Extract<SwarmEvent, { type: T }>;

/** Prints the final states of a resource, and omits states in progress. */
function printResource(event: Of<"resource">, note: Io["note"]): void {
  const { logicalId, resourceType, status, reason } = event;
  if (status.endsWith("_IN_PROGRESS")) return;
  const why = reason && status.endsWith("_FAILED") ? `: ${reason}` : "";
  note(`  ${status.toLowerCase().replaceAll("_", " ")}: ${logicalId} (${resourceType})${why}`);
}

function leftRunning({ name, known, hourly }: Of<"left-running">): string {
  const price = hourly === undefined ? "money" : `about ${dollars(hourly)} an hour`;
  return `warning: AWS ${known ? "has" : "may have"} machines of the swarm ${name}, which cost ${price}. To continue, run: swarm-tool init ${name}; to remove them, run: swarm-tool remove ${name}`;
}

/** Returns the lines of a result. */
function resultLines(
  event: Exclude<SwarmEvent, { type: "step" | "warning" | "resource" | "left-running" }>,
): string[] {
  if (event.type === "planned") return explainPlan(event.plan);
  const { name } = event;
  switch (event.type) {
    case "made-here":
      return [
        `the swarm ${name} is running on this machine with ${count(event.runners, "runner")}. It shuts down after one hour idle.`,
        `Its dashboard: swarm-tool dashboard ${name}`,
      ];
    case "made":
      return [
        `the swarm ${name} is running${event.place === undefined ? "" : ` on ${event.place}`}; to halt it, run: swarm-tool halt ${name}`,
      ];
    case "already-halted":
      return [`the swarm ${name} is already halted`];
    case "halted":
      return haltedLines(event);
    case "running":
      return [
        `the swarm ${name} is running${event.workers === undefined ? "" : ` with ${count(event.workers, "worker")}`}`,
      ];
    case "scaled":
      return [`scaling the swarm ${name} to ${count(event.workers, "worker")}`];
    case "connected":
      return [`connected to the swarm ${name}`];
    case "disconnected":
      return [
        event.wasConnected
          ? `disconnected from the swarm ${name}; it keeps running`
          : `the swarm ${name} was not connected`,
      ];
    case "deployed":
      return [`the services of the swarm ${name} are deployed`];
    case "removed":
      return [
        `removed the swarm ${name}${event.provider === undefined ? "" : `; nothing of it is left on ${event.provider}`}`,
      ];
    case "forgotten":
      return [`the swarm ${name} is forgotten on this machine; its services and data on Docker are kept`];
    case "reachable":
      return reachableLines(event);
    default:
      event satisfies never;
      return [];
  }
}

function haltedLines({ name, jobs, volumeMonthly }: Of<"halted">): string[] {
  const resume = `swarm-tool resume ${name}`;
  if (volumeMonthly === undefined) return [`the swarm ${name} is halted; resume it with: ${resume}`];
  return [
    ...(jobs === undefined
      ? []
      : [
          `its volume holds ${count(jobs.waiting + jobs.running, "run")} to execute and ${count(jobs.uncollected, "run")} to collect`,
        ]),
    `the swarm ${name} is halted; its volume costs ${dollars(volumeMonthly)} a month. To resume it, run: ${resume}`,
  ];
}

function reachableLines({ name, dockerSocket, visualizerPort }: Of<"reachable">): string[] {
  return [
    `its dashboard: swarm-tool dashboard ${name}`,
    ...(visualizerPort === undefined ? [] : [`its machines: http://localhost:${visualizerPort}/`]),
    ...(dockerSocket === undefined ? [] : [`its Docker: DOCKER_HOST=unix://${dockerSocket}`]),
  ];
}
