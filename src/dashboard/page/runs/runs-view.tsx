import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { parameters, setParameters } from "../base/location.tsx";
import type { CampaignData } from "../campaign-data.ts";
import { ColumnControl } from "./column-control.tsx";
import { ErrorList } from "./error-list.tsx";
import { RunDrawer } from "./run-drawer.tsx";
import { RunTable } from "./run-table.tsx";
import { StateMap } from "./state-map.tsx";
import type { ScalarStatus } from "./use-scalars.ts";

/** The runs of a campaign: errors, a map of states, a table, and the details of one run. */
export function RunsView({
  campaign,
  scalars,
}: {
  campaign: CampaignData;
  scalars: ScalarStatus;
}): JSX.Element {
  const table = useRef<HTMLDivElement>(null);
  const chosen = parameters.value.get("run");
  const row =
    chosen === null ? undefined : campaign.rows.value.find(({ runNumber }) => `${runNumber}` === chosen);
  const close = (): void => {
    setParameters({ run: undefined, preview: undefined });
    table.current?.focus();
  };
  return (
    <>
      <ErrorList campaign={campaign} />
      <StateMap campaign={campaign} />
      <ColumnControl campaign={campaign} status={scalars} />
      <RunTable campaign={campaign} place={table} />
      {row !== undefined && <RunDrawer key={row.runNumber} campaign={campaign} row={row} close={close} />}
      {chosen !== null && row === undefined && (
        <p class="note error" role="alert">{`This campaign has no run ${chosen}.`}</p>
      )}
    </>
  );
}
