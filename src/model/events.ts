import * as v from "valibot";
import { OUTCOME_STATES, ProgressSchema } from "./outcome.ts";
import { RunRecordSchema } from "./result.ts";
import { RunSchema } from "./run.ts";

/** What the runs have cost that were collected; those that never began do not count. */
export const RunsMadeSchema = v.object({
  runs: v.number(),
  /** Sum of the runs' wall times. */
  runTimeMs: v.number(),
  /** Sum of the runs' CPU times; undefined where the operating system does not tell. */
  cpuTimeMs: v.optional(v.number()),
  /** From the start of the first run to the end of the last one. */
  spanMs: v.number(),
  /** Of all files they wrote. */
  sizeBytes: v.number(),
  /** Those that took longest, the longest first. */
  longest: v.array(v.object({ ...RunSchema.entries, wallTimeMs: v.number() })),
});
export type RunsMade = v.InferOutput<typeof RunsMadeSchema>;

export const CampaignSummarySchema = v.object({
  /** Undefined where the results of all runs were there. */
  campaign: v.optional(v.string()),
  /** How many runs ended in each state that occurred; those that were there already count as done. */
  states: v.object(v.entriesFromList(OUTCOME_STATES, v.optional(v.number()))),
  /** How many of them were there already. */
  skipped: v.optional(v.number()),
  wallTimeMs: v.number(),
  resultDirectory: v.string(),
  /** How many runs were collected before whose records are no longer there; undefined where there is none. */
  unrecorded: v.optional(v.number()),
  /** How many of the runs a later campaign has executed again, by campaign: their results have been replaced. */
  superseded: v.optional(v.array(v.object({ campaign: v.string(), runs: v.number() }))),
  /** Undefined where no run was collected that had begun. */
  made: v.optional(RunsMadeSchema),
  /** Records of the runs that did not end as `done`. */
  failed: v.array(RunRecordSchema),
  /** What may help against their errors. */
  hints: v.optional(v.array(v.string())),
});
export type CampaignSummary = v.InferOutput<typeof CampaignSummarySchema>;

/**
 * What happens in a campaign, in the order in which it happens. Only `cli/` turns it into text; with `--json`
 * it is printed as it is, and docs/events.schema.json describes it.
 */
export const CampaignEventSchema = v.variant("type", [
  v.object({ type: v.literal("warning"), message: v.string(), details: v.array(v.string()) }),
  v.object({ type: v.literal("expanded"), config: v.string(), runs: v.number() }),
  /** Runs that had completed, and whose results no longer count, because what decides them has changed. */
  v.object({
    type: v.literal("outdated"),
    runs: v.number(),
    /** Files of the source that have changed since. */
    changed: v.array(v.string()),
    /** What else differs. */
    reasons: v.array(v.string()),
  }),
  /** An equal campaign runs already: its runs are followed and collected instead of being executed a second time. */
  v.object({ type: v.literal("joined"), campaign: v.string(), runs: v.number() }),
  /** An earlier campaign of the same runs has results that nobody has collected: these are brought here. */
  v.object({ type: v.literal("fetching"), campaign: v.string(), runs: v.number() }),
  /** Results of runs that are there already: `runs` of them, of which some were fetched just now. */
  v.object({ type: v.literal("skipped"), runs: v.number(), fetched: v.number(), left: v.number() }),
  v.object({
    type: v.literal("sent"),
    /** The name of a project that the study's one needs, if it is that. */
    project: v.optional(v.string()),
    /** Files that differ from the commit, or that it does not have. */
    changed: v.array(v.string()),
    /** What went to the swarm. */
    sizeBytes: v.number(),
    tookMs: v.number(),
  }),
  v.object({
    type: v.literal("building"),
    key: v.string(),
    project: v.string(),
    /** Why the user's own binaries are not used. */
    reason: v.string(),
    log: v.string(),
  }),
  v.object({
    type: v.literal("built"),
    key: v.string(),
    /** The name of a project that the study's one needs, if it is that. */
    project: v.optional(v.string()),
    how: v.picklist(["own", "kept", "made"]),
    tookMs: v.number(),
  }),
  v.object({ type: v.literal("queued"), campaign: v.string(), runs: v.number() }),
  v.object({ type: v.literal("started"), run: RunSchema }),
  v.object({ type: v.literal("progress"), run: RunSchema, progress: ProgressSchema }),
  /** Its worker could not make the run for want of room; it is queued again. */
  v.object({ type: v.literal("held"), run: RunSchema, reason: v.string() }),
  v.object({
    type: v.literal("finished"),
    run: RunSchema,
    record: RunRecordSchema,
    warnings: v.array(v.string()),
  }),
  v.object({ type: v.literal("reconnecting"), reason: v.string() }),
  /** No runner is connected to the swarm: its runs wait. */
  v.object({ type: v.literal("unattended") }),
  /** A runner is connected again. */
  v.object({ type: v.literal("attended") }),
  v.object({ type: v.literal("ended"), summary: CampaignSummarySchema }),
]);
export type CampaignEvent = v.InferOutput<typeof CampaignEventSchema>;
