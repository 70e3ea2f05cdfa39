import type { DockerStatus, StatusLine } from "../target.ts";

/** Returns what `swarm-tool status` shows for a swarm on a Docker Swarm. */
export function describeDocker(swarm: DockerStatus): StatusLine[] {
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
  const more = [
    ...services.flatMap(({ name: service, trouble }) => (trouble ? [`  ${service}: ${trouble}`] : [])),
    ...(ports === undefined
      ? [`  not connected; connect it with: swarm-tool connect ${name}`]
      : [
          `  dashboard: http://localhost:${ports["dashboard"]}/`,
          `  visualizer: http://localhost:${ports["visualizer"]}/`,
        ]),
  ];
  return [
    { type: "text", text: `${name} (${target}): ${state}, the stack ${stack} of ${docker}` },
    { type: "table", rows },
    ...more.map((text) => ({ type: "text" as const, text })),
    { type: "queue" },
  ];
}
