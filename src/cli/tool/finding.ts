import { UserError } from "../../errors.ts";

/** A kind of swarm whose requirements can be checked. */
export type Target = "local" | "docker" | "aws";

/** What a check has found. */
export interface Finding {
  /** What was checked, with its version. */
  what: string;
  /** The problem; undefined if there is none. */
  trouble: string | undefined;
  fix?: string | undefined;
  /** The kinds of swarms that cannot be used with the problem; undefined: all of them. */
  neededFor?: readonly Target[];
}

/** Returns a finding for an error that the user can fix. */
export function troubleOf(what: string, error: unknown, neededFor?: readonly Target[]): Finding {
  if (!(error instanceof UserError)) throw error;
  return { what, trouble: error.message, fix: error.hint, ...(neededFor && { neededFor }) };
}
