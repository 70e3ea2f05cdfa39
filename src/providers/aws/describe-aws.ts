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
    ...describeStops(swarm, now),
    ...(swarm.bootError === undefined ? [] : [`  the manager could not be set up: ${swarm.bootError}`]),
    ...swarm.warnings.map((text) => `  warning: ${text}`),
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

/** Returns when the swarm is halted at the latest, and whether the manager reports. */
function describeStops({ ends, report, state }: AwsStatus, now: number): string[] {
  if (state === "halted" || ends === undefined) return [];
  const last = [ends.manager, ends.worker].flatMap((at) => (at === undefined ? [] : new Date(at).getTime()));
  const end = last.length === 0 ? [] : [`  ends in any case at ${clockTime(Math.max(...last))}`];
  if (report === undefined) return end;
  const age = formatDuration(Math.max(now - new Date(report.at).getTime(), 0));
  return [...end, `  manager: ${report.busy ? "busy" : "idle"}, by its report of ${age} ago`];
}

/** Returns a time by the user's clock: `2026-01-31 18:05`. */
function clockTime(ms: number): string {
  return `${new Date(ms).toLocaleDateString("sv")} ${new Date(ms).toLocaleTimeString("sv", { timeStyle: "short" })}`;
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
