import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { count, counted } from "../base/format.ts";
import { session } from "../base/session.ts";
import { queryText, setQuery, type CampaignData } from "../campaign-data.ts";
import { useAction } from "../use-action.ts";
import { groupErrors } from "./error-groups.ts";
import { replaceTerms, termText } from "./query.ts";

/** Number of errors that are listed before the others are asked for. */
const SHOWN = 5;

/** The different errors with their numbers of runs. A click shows these runs; others execute them again. */
export function ErrorList({ campaign }: { campaign: CampaignData }): JSX.Element | null {
  const groups = useComputed(() => groupErrors(campaign.rows.value)).value;
  const names = new Set(campaign.fields.value.keys());
  const isChosen = (message: string): boolean =>
    campaign.query.value.terms.some(
      ({ field, operator, values }) => field === "error" && operator === "=" && values.includes(message),
    );
  const choose = (message: string): void => {
    const term = isChosen(message) ? "" : termText("error", "=", message);
    setQuery(replaceTerms(queryText.value, names, { error: term }), { push: true });
  };
  const { id, summary } = campaign;
  const { act, answer, isOff } = useAction(id);
  const mayRetry = (summary.value?.actions.retry ?? 0) > 0;
  if (groups.length === 0) return null;
  const entries = groups.map(({ message, runs, states, current }) => (
    <li key={message}>
      <button type="button" aria-pressed={isChosen(message)} onClick={() => choose(message)}>
        <b>{`${count(runs)} ×`}</b> {message}
      </button>{" "}
      <span class="quiet">{Object.keys(states).join(", ")}</span>{" "}
      {mayRetry && current.length > 0 && (
        <button
          type="button"
          class="retry"
          aria-label={`Retry these ${counted(current.length, "run")}: ${message}`}
          disabled={isOff}
          onClick={() =>
            void act("retry", `Execute ${counted(current.length, "run")} with this error again?`, current)
          }
        >
          Retry these
        </button>
      )}
    </li>
  ));
  return (
    <section class="errors" aria-label="errors">
      <h2>Errors</h2>
      <ul>{entries.slice(0, SHOWN)}</ul>
      {entries.length > SHOWN && (
        <details>
          <summary>{`${entries.length - SHOWN} more`}</summary>
          <ul>{entries.slice(SHOWN)}</ul>
        </details>
      )}
      {mayRetry && !session.value.hasAccess && <p class="quiet">{session.value.reason}</p>}
      <p role="status">{answer}</p>
    </section>
  );
}
