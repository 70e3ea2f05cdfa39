import type { StatusLine, SwarmStatus } from "../../providers/target.ts";
import { formatTable } from "../terminal/format.ts";
import { printableLine } from "../terminal/printable.ts";
import { textWidth } from "../terminal/text-width.ts";

/** Output of a command of swarm-tool. */
export interface Io {
  /** Prints a result to stdout. */
  say: (text: string) => void;
  /** Prints a result for programs to stdout, without changing its lines. */
  sayData: (text: string) => void;
  /** Width of the terminal to which results are printed; undefined if there is none. */
  columns: number | undefined;
  /** Prints progress or a warning to stderr. */
  note: (text: string) => void;
  interrupt: AbortSignal;
}

/** Returns the lines of `status` for a swarm. Names and reasons come from its machines, so they are made printable. */
export function statusLines(lines: readonly StatusLine[], status: SwarmStatus, columns?: number): string[] {
  return lines.flatMap((line) => {
    switch (line.type) {
      case "text":
        return [printableLine(line.text)];
      case "table":
        return tableLines(line.rows, columns).map(printableLine);
      case "queue":
        return [`  queue: ${describeQueue(status)}`];
      default:
        line satisfies never;
        return [];
    }
  });
}

/** Returns the lines of a table without a head, whose rows are wrapped as text if the terminal is too narrow. */
function tableLines(rows: readonly (readonly string[])[], columns = Infinity): string[] {
  const lines = formatTable(rows);
  if (lines.every((line) => textWidth(line) <= columns)) return lines;
  return rows.map((row) => row.filter((cell) => cell !== "").join(" "));
}

/** Returns the text of `status` about a queue. */
function describeQueue({ jobs }: SwarmStatus): string {
  if (jobs === undefined) return "not responding";
  const counts = `${jobs.waiting} waiting, ${jobs.running} running, ${jobs.uncollected} to collect`;
  return [counts, ...(jobs.troubles ?? []).map(printableLine)].join("\n  ");
}
