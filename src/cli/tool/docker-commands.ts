import { UserError } from "../../errors.ts";
import type { DockerEndpoint } from "../../providers/docker-endpoint.ts";
import { dockerTarget, type DockerTarget } from "../../providers/docker/docker.ts";
import type { DockerStatus } from "../../providers/target.ts";
import { swarmDeployer } from "../swarm/choose-swarm.ts";
import type { ServiceFlags } from "./docker-options.ts";
import { serviceChange } from "./service-change.ts";
import { formatTable } from "../terminal/format.ts";
import { printableLine } from "../terminal/printable.ts";
import type { Io } from "./io.ts";

const DEFAULT_DOCKER = "docker";

export interface DockerFlags extends ServiceFlags {
  host?: string;
  context?: string;
}

export async function initDocker(name: string | undefined, flags: DockerFlags, io: Io): Promise<void> {
  const swarm = name ?? DEFAULT_DOCKER;
  const { host, context } = flags;
  if (host !== undefined && context !== undefined) {
    throw new UserError("--host and --context cannot be used together", {
      hint: "give only one of them",
    });
  }
  const endpoint: DockerEndpoint = {
    ...(host !== undefined && { host }),
    ...(context !== undefined && { context }),
  };
  const target = targetFor(swarm, io);
  await target.init(endpoint, await serviceChange(flags));
  await sayWhereItIs(target, io);
  io.say(`the swarm ${swarm} is running; to halt it, run: swarm-tool halt ${swarm}`);
}

export async function deployDocker(name: string, flags: ServiceFlags, io: Io): Promise<void> {
  await targetFor(name, io).deploy(await serviceChange(flags));
  io.say(`the services of the swarm ${name} are deployed`);
}

export async function connectDocker(name: string, io: Io): Promise<void> {
  const target = targetFor(name, io);
  await target.isReady(); // whether it is known here
  await target.mend({ signal: io.interrupt });
  await sayWhereItIs(target, io);
}

export async function disconnectDocker(name: string, io: Io): Promise<void> {
  const was = await targetFor(name, io).disconnect();
  io.say(
    was ? `disconnected from the swarm ${name}; it keeps running` : `the swarm ${name} was not connected`,
  );
}

export async function forgetDocker(name: string, io: Io): Promise<void> {
  await targetFor(name, io).forget();
  io.say(`the swarm ${name} is forgotten on this machine; its services and data on Docker are kept`);
}

export function targetFor(name: string, io: Io): DockerTarget {
  return dockerTarget(name, swarmDeployer, io.note, io.interrupt);
}

export function describeDocker(swarm: DockerStatus): string[] {
  const { name, target, state, docker, stack, machines, services, ports } = swarm;
  const rows = [
    ...machines.map(({ hostname, role, status, availability }) => [
      `  ${hostname}`,
      role,
      `${status.toLowerCase()}${availability === "Active" ? "" : `, ${availability.toLowerCase()}`}`,
    ]),
    ...services.map(({ name: service, running, desired, image }) => [
      `  ${service}`,
      `${running} of ${desired}`,
      image,
    ]),
  ];
  return [
    `${name} (${target}): ${state}, the stack ${stack} of ${docker}`,
    ...formatTable(rows),
    ...services.flatMap(({ name: service, trouble }) => (trouble ? [`  ${service}: ${trouble}`] : [])),
    ...(ports === undefined
      ? [`  not connected; connect it with: swarm-tool connect ${name}`]
      : [
          `  dashboard: http://localhost:${ports["dashboard"]}/`,
          `  visualizer: http://localhost:${ports["visualizer"]}/`,
        ]),
  ].map(printableLine);
}

async function sayWhereItIs(target: DockerTarget, io: Io): Promise<void> {
  const { name, ports = {} } = await target.status();
  io.say(`its dashboard: swarm-tool dashboard ${name}`);
  io.say(`its machines: http://localhost:${ports["visualizer"]}/`);
}
