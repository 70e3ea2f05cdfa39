import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RunDetails } from "../../../model/dashboard.ts";
import type { Row } from "../base/data.ts";
import { askJson, messageOf } from "../base/request.ts";
import { session } from "../base/session.ts";
import type { CampaignData } from "../campaign-data.ts";

/** Returns what is known about a run, which is requested again when the run has ended. */
export function useRunDetails(
  campaign: CampaignData,
  row: Row,
): { details: RunDetails | undefined; failure: string } {
  const details = useSignal<RunDetails | undefined>(undefined);
  const failure = useSignal("");
  const { hasAccess } = session.value;
  const isOpen = row.state === "queued" || row.state === "running";
  useEffect(() => {
    const ended = new AbortController();
    const load = async (): Promise<void> => {
      try {
        const path = `${campaign.path}/runs/${row.runNumber}`;
        details.value = await askJson<RunDetails>(path, { signal: ended.signal });
        failure.value = "";
      } catch (error) {
        if (!ended.signal.aborted) failure.value = messageOf(error);
      }
    };
    if (hasAccess) void load();
    return () => ended.abort();
  }, [campaign.path, row.runNumber, hasAccess, isOpen, row.finishedAt, row.supersededBy]);
  return { details: details.value, failure: failure.value };
}
