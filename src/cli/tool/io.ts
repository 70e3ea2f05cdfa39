import type { StatusLine, SwarmStatus } from "../../providers/target.ts";
import { formatTable } from "../terminal/format.ts";
import { printableLine } from "../terminal/printable.ts";

/** Output of a command of swarm-tool. */
export interface Io {
  /** Prints a result to stdout. */
  say: (text: string) => void;
  /** Prints progress or a warning to stderr. */
  note: (text: string) => void;
  interrupt: AbortSignal;
}

/** Returns the lines of `status` for a swarm. Names and reasons come from its machines, so they are made printable. */
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

/** Returns the text of `status` about a queue. */
function describeQueue({ jobs }: SwarmStatus): string {
  if (jobs === undefined) return "not responding";
  const counts = `${jobs.waiting} waiting, ${jobs.running} running, ${jobs.uncollected} to collect`;
  return [counts, ...(jobs.troubles ?? []).map(printableLine)].join("\n  ");
}
