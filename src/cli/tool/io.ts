import type { StatusLine, SwarmStatus } from "../../providers/target.ts";
import { formatTable } from "../terminal/format.ts";
import { printableLine } from "../terminal/printable.ts";

/** Where a command of swarm-tool prints. */
export interface Io {
  say: (text: string) => void;
  /** What is for people alone: progress and warnings. */
  note: (text: string) => void;
  interrupt: AbortSignal;
}

/** What `status` prints of a swarm. Names and reasons come from its machines: each stays in its line. */
export function statusLines(lines: readonly StatusLine[], status: SwarmStatus): string[] {
  return lines.flatMap((line) => {
    switch (line.type) {
      case "text":
        return [printableLine(line.text)];
      case "table":
        return formatTable(line.rows).map(printableLine);
      case "queue":
        return [`  queue: ${describeQueue(status)}`];
      default:
        line satisfies never;
        return [];
    }
  });
}

/** What `status` shows of a queue. */
function describeQueue({ jobs }: SwarmStatus): string {
  if (jobs === undefined) return "not responding";
  const counts = `${jobs.waiting} waiting, ${jobs.running} running, ${jobs.uncollected} to collect`;
  return [counts, ...(jobs.troubles ?? []).map(printableLine)].join("\n  ");
}
