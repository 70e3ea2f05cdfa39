import { UserError } from "../../errors.ts";
import type { SwarmStatus } from "../../providers/target.ts";
import { confirm } from "../swarm/choose-swarm.ts";
import { printableLine } from "../terminal/printable.ts";

/** Where a command of swarm-tool prints. */
export interface Io {
  say: (text: string) => void;
  /** What is for people alone: progress and warnings. */
  note: (text: string) => void;
  interrupt: AbortSignal;
}

export interface ForceOptions {
  force?: true;
  yes?: true;
}

/** @throws {UserError} where the answer is no. */
export async function ask(fact: string, flag = "--force"): Promise<void> {
  if (await confirm(`${fact}. Continue?`)) return;
  throw new UserError(fact, { hint: `add ${flag} to continue without being asked` });
}

/** What `status` shows of a queue. */
export function describeQueue({ jobs }: SwarmStatus): string {
  if (jobs === undefined) return "not responding";
  const counts = `${jobs.waiting} waiting, ${jobs.running} running, ${jobs.uncollected} to collect`;
  return [counts, ...(jobs.troubles ?? []).map(printableLine)].join("\n  ");
}
