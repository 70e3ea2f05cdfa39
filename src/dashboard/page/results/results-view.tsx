import type { JSX } from "preact";
import { counted } from "../base/format.ts";
import { parameters, setParameters } from "../base/location.tsx";
import { endedRuns, type CampaignData } from "../campaign-data.ts";
import { Chooser } from "./chooser.tsx";
import { Controls } from "./controls.tsx";
import { FigureSection } from "./figure-section.tsx";
import type { Item, ResultList } from "./items.ts";
import { usePolled } from "./polled.ts";
import { MOST_PATTERNS, settingsIn, type Settings } from "./settings.ts";

/** Figures of what the runs have recorded, also while the campaign runs. */
export function ResultsView({ campaign }: { campaign: CampaignData }): JSX.Element {
  const settings = settingsIn(parameters.value);
  const version = endedRuns(campaign);
  const { answers, failure } = usePolled<ResultList>([`${campaign.path}/results`], version);
  const [list] = answers.value ?? [];
  if (failure.value !== "" && list === undefined) return <p class="error">{failure.value}</p>;
  if (list === undefined) return <p class="quiet">Loading the list of scalars…</p>;
  return (
    <>
      {failure.value !== "" && (
        <p class="note error">{`The list of scalars is not up to date: ${failure.value}`}</p>
      )}
      {list.unread > 0 && (
        <p
          class="note"
          role="status"
        >{`Reading results: ${counted(list.unread, "run")} left. What is shown is incomplete.`}</p>
      )}
      {(list.problems ?? []).map(({ runs, reason }) => (
        <p
          key={reason}
          class="note error"
        >{`The results of ${counted(runs, "run")} cannot be read: ${reason}`}</p>
      ))}
      {list.items.length === 0 ? (
        <p class="quiet">{list.unread > 0 ? "" : "No run has recorded a scalar yet."}</p>
      ) : (
        <div class="results">
          <Chooser
            list={list}
            chosen={settings.patterns}
            toggle={(item) => choose(item, settings)}
            add={(pattern) => add(pattern, settings)}
          />
          <div class="figure-side">
            <Chosen settings={settings} />
            {settings.patterns.length === 0 ? (
              <p class="quiet">Choose one or more scalars from the list, or enter a pattern.</p>
            ) : (
              <>
                <Controls campaign={campaign} settings={settings} />
                <FigureSection campaign={campaign} settings={settings} list={list} version={version} />
              </>
            )}
          </div>
        </div>
      )}
    </>
  );
}

function choose(item: Item, { patterns, over }: Settings): void {
  const isChosen = patterns.includes(item.pattern);
  const next = isChosen
    ? patterns.filter((pattern) => pattern !== item.pattern)
    : [...patterns, item.pattern];
  const combined = !isChosen && item.modules > 1 && over === "each" ? "mean" : over;
  setParameters(
    { s: next.slice(-MOST_PATTERNS), over: combined === "each" ? undefined : combined },
    { push: true },
  );
}

function add(pattern: string, { patterns }: Settings): void {
  const next = [...patterns.filter((each) => each !== pattern), pattern];
  setParameters({ s: next.slice(-MOST_PATTERNS) }, { push: true });
}

/** The chosen scalars. A click removes one. */
function Chosen({ settings: { patterns } }: { settings: Settings }): JSX.Element {
  const remove = (pattern: string): void =>
    setParameters({ s: patterns.filter((each) => each !== pattern) }, { push: true });
  return (
    <div class="bar-line chosen">
      {patterns.map((pattern) => (
        <button key={pattern} type="button" aria-label={`remove ${pattern}`} onClick={() => remove(pattern)}>
          {pattern} <span aria-hidden="true">×</span>
        </button>
      ))}
    </div>
  );
}
