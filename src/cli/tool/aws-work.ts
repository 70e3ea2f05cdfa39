import type { AwsClients } from "../../providers/aws/clients.ts";
import { drain, withClients } from "../../providers/aws/aws.ts";
import { existingAws, type AwsEvent } from "../../providers/aws/swarm.ts";
import { withLock } from "../../providers/local/local.ts";
import { swarmDirectories } from "../../providers/swarm-folders.ts";
import type { AwsState } from "../../providers/swarm-state.ts";
import { swarmDeployer } from "../swarm/choose-swarm.ts";
import type { Io } from "./io.ts";

/** Works on a swarm that is known here. */
export function onAws(
  name: string,
  io: Io,
  work: (clients: AwsClients, state: AwsState) => Promise<void>,
): Promise<void> {
  return locked(name, io, () => withClients(name, work));
}

/** One command at a time changes a swarm. */
export function locked(name: string, io: Io, work: () => Promise<void>): Promise<void> {
  return withLock(swarmDirectories(name).state, work, io.interrupt);
}

export async function deploy(clients: AwsClients, state: AwsState, io: Io): Promise<void> {
  const { deployServices } = await import("../../providers/aws/deploy.ts");
  await drain(deployServices(clients, state, swarmDeployer, io.interrupt), tell(io));
}

export async function sayWhatRuns(name: string, text: string, io: Io): Promise<void> {
  const { tunnel } = await existingAws(name);
  io.say(text);
  io.say(`its dashboard: swarm-tool dashboard ${name}`);
  if (tunnel !== undefined) io.say(`its Docker: DOCKER_HOST=unix://${tunnel.dockerSocket}`);
}

/** Of a resource's states those that are final are shown. */
export function tell({ note }: Io): (event: AwsEvent) => void {
  return (event) => {
    switch (event.type) {
      case "step":
        return note(event.text);
      case "warning":
        return note(`warning: ${event.text}`);
      case "resource":
        if (event.status.endsWith("_IN_PROGRESS")) return undefined;
        return note(
          `  ${event.status.toLowerCase().replaceAll("_", " ")}: ${event.logicalId} (${event.resourceType})${event.reason && event.status.endsWith("_FAILED") ? `: ${event.reason}` : ""}`,
        );
      default:
        event satisfies never;
    }
  };
}
