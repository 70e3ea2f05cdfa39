import type { JSX } from "preact";
import { count } from "../base/format.ts";
import { inOrder, kindOf } from "../base/states.ts";
import { queryText, setQuery, type CampaignData } from "../campaign-data.ts";
import { replaceTerms } from "./query.ts";

/** The number of runs in each state. A click shows only these runs, another one all. */
export function StateFilter({
  campaign,
  states,
}: {
  campaign: CampaignData;
  states: Record<string, number>;
}): JSX.Element {
  const names = new Set(campaign.fields.value.keys());
  const chosen = campaign.query.value.terms.find(({ field }) => field === "state");
  const choose = (state: string, isChosen: boolean): void =>
    setQuery(replaceTerms(queryText.value, names, { state: isChosen ? "" : `state=${state}` }), {
      push: true,
    });
  return (
    <div data-states class="counts">
      {inOrder(states).map(([state, runs]) => {
        const text = `${count(runs)} ${state}`;
        const isChosen = chosen?.operator === "=" && chosen.values.includes(state);
        return / /.test(state) ? (
          <span key={state} class="state">
            {text}
          </span>
        ) : (
          <button
            key={state}
            type="button"
            class={`state is-${kindOf(state)}`}
            aria-pressed={isChosen}
            onClick={() => choose(state, isChosen)}
          >
            {text}
          </button>
        );
      })}
    </div>
  );
}
