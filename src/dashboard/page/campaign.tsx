import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import type { Summary } from "../../model/dashboard.ts";
import { count, counted, estimate, rate } from "./base/format.ts";
import { updatedAt } from "./base/live.ts";
import { Link, parameters, setParameters } from "./base/location.tsx";
import { StateBar } from "./base/state-bar.tsx";
import { ActionBar } from "./action-bar.tsx";
import { campaignData, type CampaignData } from "./campaign-data.ts";
import { Waiting } from "./connection-status.tsx";
import { QueryBox } from "./query-box.tsx";
import { ResultsView } from "./results/results-view.tsx";
import { RunsView } from "./runs/runs-view.tsx";
import { useScalars } from "./runs/use-scalars.ts";
import { StateFilter } from "./runs/state-filter.tsx";
import { clockTime } from "./swarm/time-axis.ts";
import { TimelineView } from "./swarm/timeline-view.tsx";

/** A campaign with its runs and results. */
export function CampaignPage({ id }: { id: string }): JSX.Element {
  const campaign = useMemo(() => campaignData(id), [id]);
  useEffect(() => campaign.open(), [campaign]);
  const summary = campaign.summary.value;
  useEffect(() => {
    document.title = summary === undefined ? id : `${summary.config} – ${id}`;
  }, [summary?.config, id]);
  if (summary === undefined) return <Waiting heading={id} />;
  return (
    <>
      <Head summary={summary} />
      <StateFilter campaign={campaign} states={summary.states} />
      <ActionBar summary={summary} />
      {campaign.rows.value.length === 0 ? <NoRuns summary={summary} /> : <Views campaign={campaign} />}
    </>
  );
}

function Head({ summary }: { summary: Summary }): JSX.Element {
  const at = updatedAt.value ?? Date.now();
  const { id, config, study, user, runs, leftMs, states, reading, trouble, superseded } = summary;
  const facts = [
    study,
    `by ${user}`,
    counted(runs, "run"),
    rate(summary),
    leftMs === undefined ? "" : `about ${estimate(leftMs)} left, until ${clockTime(at + leftMs, at)}`,
  ];
  return (
    <>
      <h1>
        {config} <span class="quiet">{id}</span>
      </h1>
      <div class="quiet">{facts.filter((fact) => fact !== "").join(" · ")}</div>
      <StateBar states={states} />
      {reading !== undefined && (
        <p class="note">{`Reading the records: ${count(reading.done)} of ${count(reading.of)}`}</p>
      )}
      {trouble !== undefined && <p class="note error">{trouble}</p>}
      {Object.entries(superseded).map(([by, number]) => (
        <p key={by} class="note">
          {`${counted(number, "run")} executed again by campaign `}
          <Link href={`/campaigns/${encodeURIComponent(by)}`}>{by}</Link>, which has replaced the files.
        </p>
      ))}
    </>
  );
}

function NoRuns({ summary: { reading } }: { summary: Summary }): JSX.Element | null {
  if (reading !== undefined) return null;
  return (
    <p class="quiet">
      No records of this campaign’s runs are stored here: their results were collected on another machine,
      replaced or removed.
    </p>
  );
}

const VIEWS = [
  { name: "runs", title: "Runs", View: RunsView },
  { name: "results", title: "Results", View: ResultsView },
  { name: "timeline", title: "Timeline", View: TimelineView },
] as const;

function Views({ campaign }: { campaign: CampaignData }): JSX.Element {
  const { name: current, View } = VIEWS.find(({ name }) => name === parameters.value.get("view")) ?? VIEWS[0];
  const scalars = useScalars(campaign); // the filter may name them in each view
  const turn = (event: KeyboardEvent): void => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const step = event.key === "ArrowLeft" ? -1 : 1;
    const other = VIEWS.at((VIEWS.findIndex(({ name }) => name === current) + step) % VIEWS.length)!;
    show(other.name);
    document.getElementById(`tab-${other.name}`)?.focus();
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label="views" onKeyDown={turn}>
        {VIEWS.map(({ name, title }) => (
          <button
            key={name}
            id={`tab-${name}`}
            type="button"
            role="tab"
            aria-selected={name === current}
            aria-controls="view"
            tabIndex={name === current ? 0 : -1}
            onClick={() => show(name)}
          >
            {title}
          </button>
        ))}
      </div>
      <div id="view" role="tabpanel" aria-labelledby={`tab-${current}`}>
        <QueryBox campaign={campaign} />
        <View campaign={campaign} scalars={scalars} />
      </div>
    </>
  );
}

function show(view: string): void {
  setParameters({ view: view === "runs" ? undefined : view }, { push: true });
}
