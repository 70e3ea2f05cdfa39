import type { SwarmStatus } from "../../providers/target.ts";
import { printable } from "../terminal/printable.ts";

/** Where a command of swarm-tool prints. */
export interface Io {
  say: (text: string) => void;
  /** What is for people alone: progress and warnings. */
  note: (text: string) => void;
  interrupt: AbortSignal;
}

/** What `status` shows of a queue. */
export function describeQueue({ jobs }: SwarmStatus): string {
  if (jobs === undefined) return "does not answer";
  const counts = `${jobs.waiting} waiting, ${jobs.running} running, ${jobs.uncollected} to collect`;
  return [counts, ...(jobs.troubles ?? []).map(printable)].join("\n  ");
}
