import { count } from "./format.ts";

const FAILED = ["failed", "crashed", "out-of-memory", "timeout", "lost"];
/** The order of kinds of states in a bar. */
const KINDS = ["done", "limited", "failed", "cancelled", "running", "queued"] as const;

/** Returns the state by which a state is coloured and filtered. */
export function kindOf(state: string): string {
  return FAILED.includes(state) ? "failed" : state;
}

/** Returns the states with their numbers of runs, in the order of a bar. */
export function inOrder(states: Readonly<Record<string, number>>): [state: string, runs: number][] {
  const rank = (state: string): number => {
    const index = (KINDS as readonly string[]).indexOf(kindOf(state));
    return index < 0 ? KINDS.length : index;
  };
  return Object.entries(states).sort(([a], [b]) => rank(a) - rank(b));
}

/** Returns the number of runs in each state as a text. */
export function statesText(states: Readonly<Record<string, number>>): string {
  return inOrder(states)
    .map(([state, runs]) => `${count(runs)} ${state}`)
    .join(", ");
}
