import type { Campaign } from "../../model/campaign.ts";
import type { CampaignSummary } from "../../model/events.ts";

/** Returns hints that name the option of the campaign that stopped runs: their own reasons do not tell it. */
export function limitHints(
  { campaign, states }: Pick<CampaignSummary, "campaign" | "states">,
  { timeoutMs, stopOnError }: Pick<Campaign, "timeoutMs" | "stopOnError">,
): string[] {
  const { done = 0, cancelled = 0, timeout = 0, ...failed } = states;
  const hasFailed = timeout > 0 || Object.keys(failed).length > 0;
  return [
    ...(timeout > 0 && timeoutMs !== undefined
      ? [
          "runs that reached the limit of --timeout were stopped; to allow more time, run the command again with a larger one",
        ]
      : []),
    ...(stopOnError && cancelled > 0 && hasFailed
      ? [
          `the other runs were cancelled because of --stop-on-error; to execute them, run: runall-swarm retry ${campaign}`,
        ]
      : []),
  ];
}
