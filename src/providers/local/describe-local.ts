import { count } from "../../model/amounts.ts";
import type { LocalStatus, StatusLine } from "../target.ts";

/** Returns what `swarm-tool status` shows for a swarm on this machine. */
export function describeLocal(swarm: LocalStatus): StatusLine[] {
  const { name, target, state, runners, processes, directories, dashboard } = swarm;
  const rows = processes.map(({ role, alive, pid, log }) => [
    `  ${role}`,
    alive ? `pid ${pid}` : "not running",
    log,
  ]);
  const more = [
    ...(dashboard === undefined ? [] : [`  dashboard: ${dashboard}`]),
    `  data: ${directories[0]}`,
    `  cache: ${directories[1]}`,
    ...(processes.some(({ alive }) => !alive)
      ? [`  to restart what is not running, run: swarm-tool resume ${name}`]
      : []),
  ];
  return [
    { type: "text", text: `${name} (${target}): ${state}, ${count(runners, "runner")}` },
    { type: "table", rows },
    { type: "queue" },
    ...more.map((text) => ({ type: "text" as const, text })),
  ];
}
