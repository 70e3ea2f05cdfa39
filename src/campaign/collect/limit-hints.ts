import type { Campaign } from "../../model/campaign.ts";
import type { CampaignSummary } from "../../model/events.ts";

/** Returns hints about the limit that stopped runs, if their own reasons do not tell it. */
export function limitHints(
  { campaign, states }: Pick<CampaignSummary, "campaign" | "states">,
  { timeoutMs, stopOnError }: Pick<Campaign, "timeoutMs" | "stopOnError">,
): string[] {
  const { cancelled = 0, timeout = 0, "out-of-memory": outOfMemory = 0 } = states;
  const hasFailed = Object.keys(states).some((state) => state !== "done" && state !== "cancelled");
  return [
    ...(timeout > 0 && timeoutMs !== undefined
      ? [
          "runs that reached the limit of --timeout were stopped; to allow more time, run the command again with a larger one",
        ]
      : []),
    ...(outOfMemory > 0
      ? [
          `runs that ran out of memory were executed without others beside them; to execute them on machines with more memory, run: runall-swarm retry ${campaign}`,
        ]
      : []),
    ...(stopOnError && cancelled > 0 && hasFailed
      ? [
          `the other runs were cancelled because of --stop-on-error; to execute them, run: runall-swarm retry ${campaign}`,
        ]
      : []),
  ];
}
