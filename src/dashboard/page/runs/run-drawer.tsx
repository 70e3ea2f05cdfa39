import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { RunDetails } from "../../../model/dashboard.ts";
import type { Row } from "../base/data.ts";
import { amount, count, counted, duration, size } from "../base/format.ts";
import { now } from "../base/live.ts";
import { Link } from "../base/location.tsx";
import { session } from "../base/session.ts";
import { kindOf } from "../base/states.ts";
import type { CampaignData } from "../campaign-data.ts";
import { stateText } from "./columns.ts";
import { CopyButton } from "./copy-button.tsx";
import { elapsedAt } from "./fields.ts";
import { Recordings } from "./recordings.tsx";
import { useRunDetails } from "./run-details.ts";
import { RunFiles } from "./run-files.tsx";
import { RunOutput } from "./run-output.tsx";

interface DrawerProps {
  campaign: CampaignData;
  row: Row;
  close: () => void;
}

/** The details of a run beside the table, with its files, recordings and output. Escape closes it. */
export function RunDrawer({ campaign, row, close }: DrawerProps): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const { details, failure } = useRunDetails(campaign, row);
  const access = session.value;
  const command = `runall-swarm logs ${campaign.id} ${row.runNumber}`;
  const error = details?.error ?? row.error;
  const isEnded = row.state !== "queued" && row.state !== "running";
  const path = `${campaign.path}/runs/${row.runNumber}`;
  return (
    <div
      class="drawer"
      role="dialog"
      aria-labelledby="drawer-title"
      onKeyDown={(event) => {
        if (event.key === "Escape") close();
      }}
    >
      <div class="drawer-head">
        <h2 id="drawer-title" ref={heading} tabIndex={-1}>{`Run #${row.runNumber}`}</h2>
        <span class={`state is-${kindOf(row.state)}`}>{stateText(row)}</span>
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
      {error !== null && <p class="error whole">{error}</p>}
      {row.supersededBy !== null && (
        <p>
          {"Superseded by campaign "}
          <Link href={`/campaigns/${encodeURIComponent(row.supersededBy)}`}>{row.supersededBy}</Link>
        </p>
      )}
      <Facts campaign={campaign} row={row} details={details} />
      {failure !== "" && <p class="note error">{`The details of the run are unknown: ${failure}`}</p>}
      <p class="command">
        <code>{command}</code> <CopyButton text={command} label="Copy command" />
      </p>
      {details !== undefined && <Repeat details={details} />}
      {details !== undefined && <RunFiles path={path} details={details} />}
      {access.hasAccess && isEnded && row.supersededBy === null && <Recordings path={path} />}
      {access.hasAccess && row.state !== "queued" && <RunOutput campaign={campaign} row={row} />}
      {!access.hasAccess && <p class="quiet">{access.reason}</p>}
    </div>
  );
}

interface FactsProps {
  campaign: CampaignData;
  row: Row;
  details: RunDetails | undefined;
}

function Facts({ campaign, row, details }: FactsProps): JSX.Element {
  const time = (at: number | null): string => (at === null ? "" : new Date(at).toLocaleString());
  const facts = [
    ...campaign.variables.value.map((name, index) => [`$${name}`, row.values[index] ?? ""]),
    ["repetition", `${row.repetition}`],
    ["started", time(row.startedAt)],
    ["ended", time(row.finishedAt)],
    ["time", duration(elapsedAt(now.value)(row))],
    ["CPU time", duration(row.cpuTimeMs)],
    ["peak memory", size(row.memoryBytes)],
    ["events/s", amount(row.eventsPerSecond)],
    ...(details === undefined ? [] : recordedFacts(details)),
  ];
  return (
    <dl class="facts">
      {facts
        .filter(([, value]) => value !== "")
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** Returns what only the record of a run, or its result, contains; unknown values are empty. */
function recordedFacts(details: RunDetails): [name: string, value: string][] {
  const { worker, attempt, seedSet, exitCode, signal, events, simTime } = details;
  const { commit, changedFiles = 0, omnetpp, reason, error } = details;
  const changes = changedFiles === 0 ? "" : `, ${counted(changedFiles, "file")} changed`;
  return [
    ["events", events === undefined ? "" : count(events)],
    ["simulation time", simTime === undefined ? "" : `${simTime} s`],
    ["exit status", signal === undefined ? `${exitCode ?? ""}` : `signal ${signal}`],
    ["reason", error === undefined ? (reason ?? "") : ""],
    ["worker", worker ?? ""],
    ["attempt", `${attempt ?? ""}`],
    ["seed set", seedSet ?? ""],
    ["commit", commit === undefined ? "" : `${commit.slice(0, 12)}${changes}`],
    ["OMNeT++", omnetpp ?? ""],
  ];
}

/** The command line that repeats a run without the swarm. */
function Repeat({ details: { local, localNote } }: { details: RunDetails }): JSX.Element {
  return (
    <section class="drawer-part" aria-label="repeat locally">
      <details>
        <summary>Repeat locally</summary>
        {local === undefined ? (
          <p class="quiet">{localNote}</p>
        ) : (
          <>
            <p class="command">
              <code>{local.command}</code> <CopyButton text={local.command} label="Copy" />
            </p>
            {local.notes.map((note) => (
              <p key={note} class="quiet note">
                {note}
              </p>
            ))}
          </>
        )}
      </details>
    </section>
  );
}
