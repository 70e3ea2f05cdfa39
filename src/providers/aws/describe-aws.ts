import { count, dollars, formatDuration } from "../../model/amounts.ts";
import type { StatusLine } from "../target.ts";
import type { AwsStatus } from "./status.ts";

/** Returns what `swarm-tool status` shows for a swarm on AWS. */
export function describeAws(swarm: AwsStatus, now = Date.now()): StatusLine[] {
  const machines = swarm.machines.map(({ id, role, type, state, launched, spot }) => [
    `  ${role}`,
    id,
    `${type}${spot ? " (spot)" : ""}`,
    state,
    state === "running" ? `for ${formatDuration(now - new Date(launched).getTime())}` : "",
  ]);
  const more = [
    ...(swarm.machines.length > 0
      ? [`  ${swarm.workers.inService} of ${count(swarm.workers.wanted, "worker")} in service`]
      : []),
    ...(swarm.workers.trouble === undefined ? [] : [`  ${swarm.workers.trouble}`]),
    ...swarm.volumes.map(({ id, sizeGiB, state }) => `  volume ${id}: ${sizeGiB} GiB, ${state}`),
    `  ${describeCost(swarm)}`,
    ...swarm.alarms.map(
      ({ name, state, armed }) => `  alarm ${name}: ${state}${armed ? "" : ", its actions are disabled"}`,
    ),
    ...(swarm.warning === undefined ? [] : [`  warning: ${swarm.warning}`]),
    `  ${describeTunnel(swarm)}`,
  ];
  const { name, region, state, stack } = swarm;
  return [
    { type: "text", text: `${name} (aws, ${region}): ${state}, stack ${stack.name} ${stack.status}` },
    { type: "table", rows: machines },
    ...more.map((text) => ({ type: "text" as const, text })),
    { type: "queue" },
  ];
}

function describeCost({ cost, machines }: AwsStatus): string {
  const volume = `volume ${dollars(cost.volumeMonthly)} a month (${dollars(cost.volumeSoFar)} so far)`;
  if (machines.length === 0) return `costs: ${volume}`;
  if (cost.hourly === undefined) return `costs: machines of a type whose price is unknown; ${volume}`;
  return `costs: ${dollars(cost.hourly)} an hour, ${dollars(cost.sinceStart ?? 0)} since the machines started; ${volume}`;
}

function describeTunnel({ tunnel, name, state }: AwsStatus): string {
  if (tunnel.open) {
    const ports = Object.entries(tunnel.ports ?? {}).map(([service, port]) => `${service} ${port}`);
    return `tunnel: open (pid ${tunnel.pid ?? "?"}), local ports: ${ports.join(", ")}; Docker at ${tunnel.dockerSocket ?? "?"}`;
  }
  return state === "running" ? `tunnel: closed; open it with: swarm-tool connect ${name}` : "tunnel: closed";
}
