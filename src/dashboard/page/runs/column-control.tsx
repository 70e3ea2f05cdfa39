import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { counted } from "../base/format.ts";
import { setParameters } from "../base/location.tsx";
import { endedRuns, type CampaignData } from "../campaign-data.ts";
import { Chooser } from "../results/chooser.tsx";
import type { ResultList } from "../results/items.ts";
import { usePolled } from "../results/polled.ts";
import { scalarParameter, scalarPatterns } from "./scalar-patterns.ts";
import type { ScalarStatus } from "./use-scalars.ts";

interface ControlProps {
  campaign: CampaignData;
  status: ScalarStatus;
}

/** Chooses scalars as columns of the table. */
export function ColumnControl({ campaign, status }: ControlProps): JSX.Element {
  const isOpen = useSignal(false);
  const patterns = scalarPatterns.value;
  return (
    <section class="columns" aria-label="columns of the table">
      <details open={isOpen.value} onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
        <summary>Columns</summary>
        {isOpen.value && <ScalarList campaign={campaign} />}
      </details>
      {patterns.length > 0 && (
        <div class="bar-line chosen">
          {patterns.map((pattern) => (
            <button
              key={pattern}
              type="button"
              aria-label={`remove the column ${pattern}`}
              onClick={() => choose(patterns.filter((each) => each !== pattern))}
            >
              {pattern} <span aria-hidden="true">×</span>
            </button>
          ))}
        </div>
      )}
      <Notes status={status} />
    </section>
  );
}

function Notes({ status: { failure, isLoading, unread, unmatched } }: { status: ScalarStatus }): JSX.Element {
  return (
    <>
      {failure !== "" && <p class="note error">{`The scalars are not up to date: ${failure}`}</p>}
      {isLoading && failure === "" && <p class="quiet">Loading values…</p>}
      {unread > 0 && <p class="note" role="status">{`Reading results: ${counted(unread, "run")} left.`}</p>}
      {unmatched.map((pattern) => (
        <p key={pattern} class="note">{`No scalar matches ${pattern} in the runs that have ended so far.`}</p>
      ))}
    </>
  );
}

function ScalarList({ campaign }: { campaign: CampaignData }): JSX.Element {
  const { answers, failure } = usePolled<ResultList>([`${campaign.path}/results`], endedRuns(campaign));
  const [list] = answers.value ?? [];
  if (list === undefined)
    return failure.value === "" ? (
      <p class="quiet">Loading the list of scalars…</p>
    ) : (
      <p class="error">{failure.value}</p>
    );
  if (list.items.length === 0)
    return <p class="quiet">{list.unread > 0 ? "Reading results…" : "No run has recorded a scalar yet."}</p>;
  const chosen = scalarPatterns.value;
  const toggle = (pattern: string): void =>
    choose(chosen.includes(pattern) ? chosen.filter((each) => each !== pattern) : [...chosen, pattern]);
  return (
    <>
      <p class="quiet">
        A scalar that is a column is also a field of the filter. If several modules match, it is their mean.
      </p>
      <Chooser
        list={list}
        chosen={chosen}
        toggle={({ pattern }) => toggle(pattern)}
        add={(pattern) => choose([...chosen.filter((each) => each !== pattern), pattern])}
      />
    </>
  );
}

function choose(patterns: readonly string[]): void {
  setParameters(scalarParameter(patterns), { push: true });
}
