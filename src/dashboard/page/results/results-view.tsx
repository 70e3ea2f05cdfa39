import type { JSX } from "preact";
import type { CampaignData } from "../campaign-data.ts";

export function ResultsView({ campaign }: { campaign: CampaignData }): JSX.Element {
  return <p>{campaign.id}</p>;
}
