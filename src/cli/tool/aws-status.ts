import type { AwsStatus } from "../../providers/aws/status.ts";
import { count, formatDuration, formatTable } from "../terminal/format.ts";
import { printableLine } from "../terminal/printable.ts";
import { describeQueue } from "./io.ts";

/** `$0.42`; an amount below a cent is not rounded to nothing. */
export function dollars(amount: number): string {
  return amount > 0 && amount < 0.01 ? "less than $0.01" : `$${amount.toFixed(2)}`;
}

/** What `status` shows of a swarm on AWS. */
export function describeAws(swarm: AwsStatus, now = Date.now()): string[] {
  const machines = swarm.machines.map(({ id, role, type, state, launched, spot }) => [
    `  ${role}`,
    id,
    `${type}${spot ? " (spot)" : ""}`,
    state,
    state === "running" ? `for ${formatDuration(now - new Date(launched).getTime())}` : "",
  ]);
  return [
    `${swarm.name} (aws, ${swarm.region}): ${swarm.state}, stack ${swarm.stack.name} ${swarm.stack.status}`,
    ...formatTable(machines),
    ...(swarm.machines.length > 0
      ? [`  ${swarm.workers.inService} of ${count(swarm.workers.wanted, "worker")} in service`]
      : []),
    ...(swarm.workers.trouble === undefined ? [] : [`  ${printableLine(swarm.workers.trouble)}`]),
    ...swarm.volumes.map(({ id, sizeGiB, state }) => `  volume ${id}: ${sizeGiB} GiB, ${state}`),
    `  ${describeCost(swarm)}`,
    ...swarm.alarms.map(
      ({ name, state, armed }) => `  alarm ${name}: ${state}${armed ? "" : ", its actions are disabled"}`,
    ),
    ...(swarm.warning === undefined ? [] : [`  warning: ${swarm.warning}`]),
    `  ${describeTunnel(swarm)}`,
    `  queue: ${describeQueue(swarm)}`,
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
