import type { JSX } from "preact";
import { count } from "./format.ts";
import { inOrder, kindOf } from "./states.ts";

const PAINTED = ["done", "limited", "failed", "cancelled", "running"];

/** A bar with a part for each kind of states, proportional to the number of runs. */
export function StateBar({
  states,
  style = "bar",
}: {
  states: Record<string, number>;
  style?: string;
}): JSX.Element {
  const all = Object.values(states).reduce((sum, runs) => sum + runs, 0);
  const kinds = new Map<string, number>();
  for (const [state, runs] of inOrder(states))
    kinds.set(kindOf(state), (kinds.get(kindOf(state)) ?? 0) + runs);
  const parts = [...kinds].filter(([kind, runs]) => runs > 0 && PAINTED.includes(kind));
  return (
    <div class={style} aria-hidden="true">
      {parts.map(([kind, runs]) => (
        <i key={kind} class={`is-${kind}`} style={{ width: `${(100 * runs) / all}%` }} />
      ))}
    </div>
  );
}

/** A state with the dot in its colour. */
function State({ state, text = state }: { state: string; text?: string }): JSX.Element {
  return <span class={`state is-${kindOf(state)}`}>{text}</span>;
}

/** The number of runs in each state, in the colours of the bar. */
export function StateCounts({ states }: { states: Record<string, number> }): JSX.Element {
  return (
    <>
      {inOrder(states).map(([state, runs]) => (
        <State key={state} state={state} text={`${count(runs)} ${state}`} />
      ))}
    </>
  );
}
