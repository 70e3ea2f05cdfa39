import type { Progress } from "./outcome.ts";
import type { RunRecord } from "./result.ts";
import type { Run } from "./run.ts";

/** What happens in a campaign, in the order in which it happens. Only `cli/` turns it into text. */
export type CampaignEvent =
  | { type: "warning"; message: string; details: readonly string[] }
  | { type: "expanded"; config: string; runs: number }
  /** `reason`: why the user's own binaries are not used. */
  | { type: "building"; key: string; project: string; reason: string; log: string }
  | { type: "built"; key: string; how: "own" | "kept" | "made"; tookMs: number }
  | { type: "queued"; campaign: string; runs: number }
  | { type: "started"; run: Run }
  | { type: "progress"; run: Run; progress: Progress }
  | { type: "finished"; run: Run; record: RunRecord; warnings: readonly string[] }
  | { type: "reconnecting"; reason: string }
  | { type: "ended"; summary: CampaignSummary };

export interface CampaignSummary {
  campaign: string;
  /** How many runs ended in each state that occurred. */
  states: Partial<Record<RunRecord["state"], number>>;
  wallTimeMs: number;
  resultDirectory: string;
  /** Records of the runs that did not end as `done`. */
  failed: readonly RunRecord[];
}
