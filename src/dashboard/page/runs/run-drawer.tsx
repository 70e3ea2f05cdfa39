import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Row } from "../base/data.ts";
import { amount, duration, size } from "../base/format.ts";
import { now } from "../base/live.ts";
import { Link } from "../base/location.tsx";
import { kindOf } from "../base/states.ts";
import type { CampaignData } from "../campaign-data.ts";
import { stateText } from "./columns.ts";
import { CopyButton } from "./copy-button.tsx";
import { elapsedAt } from "./fields.ts";
import { RunOutput } from "./run-output.tsx";

interface DrawerProps {
  campaign: CampaignData;
  row: Row;
  close: () => void;
}

/** The details of a run beside the table, with its output. Escape closes it. */
export function RunDrawer({ campaign, row, close }: DrawerProps): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const command = `runall-swarm logs ${campaign.id} ${row.runNumber}`;
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
      {row.error !== null && <p class="error">{row.error}</p>}
      {row.supersededBy !== null && (
        <p>
          {"Superseded by campaign "}
          <Link href={`/campaigns/${encodeURIComponent(row.supersededBy)}`}>{row.supersededBy}</Link>
        </p>
      )}
      <Facts campaign={campaign} row={row} />
      <p class="command">
        <code>{command}</code> <CopyButton text={command} label="Copy command" />
      </p>
      {row.state !== "queued" && <RunOutput campaign={campaign} row={row} />}
    </div>
  );
}

function Facts({ campaign, row }: { campaign: CampaignData; row: Row }): JSX.Element {
  const time = (at: number | null): string => (at === null ? "" : new Date(at).toLocaleString());
  const facts = [
    ...campaign.variables.value.map((name, index) => [`$${name}`, row.values[index] ?? ""]),
    ["repetition", `${row.repetition}`],
    ["started", time(row.startedAt)],
    ["ended", time(row.finishedAt)],
    ["time", duration(elapsedAt(now.value)(row))],
    ["CPU time", duration(row.cpuTimeMs)],
    ["memory", size(row.memoryBytes)],
    ["events/s", amount(row.eventsPerSecond)],
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
