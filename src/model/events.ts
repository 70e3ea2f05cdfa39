import * as v from "valibot";
import { BuildProgressSchema } from "./build-progress.ts";
import { OUTCOME_STATES, ProgressSchema } from "./outcome.ts";
import { RunRecordSchema } from "./result.ts";
import { PredictedTimesSchema } from "./run-order.ts";
import { RunSchema } from "./run.ts";

/** The cost of the collected runs; runs that never started do not count. */
export const ExecutedRunsSchema = v.object({
  runs: v.number(),
  /** Sum of the runs' wall times. */
  runTimeMs: v.number(),
  /** Sum of the runs' CPU times; undefined if the operating system does not report them. */
  cpuTimeMs: v.optional(v.number()),
  /** From the start of the first run to the end of the last one. */
  spanMs: v.number(),
  /** Total size of the files that the runs wrote. */
  sizeBytes: v.number(),
  /** The longest runs, the longest first. */
  longest: v.array(v.object({ ...RunSchema.entries, wallTimeMs: v.number() })),
});
export type ExecutedRuns = v.InferOutput<typeof ExecutedRunsSchema>;

/** Numbers of runs by their final state. */
const StatesSchema = v.object(v.entriesFromList(OUTCOME_STATES, v.optional(v.number())));

export const CampaignSummarySchema = v.object({
  /** Undefined if all runs had already completed. */
  campaign: v.optional(v.string()),
  /** Number of runs for each final state that occurred; skipped runs count as done. */
  states: StatesSchema,
  /** Number of runs that were skipped because they had already completed. */
  skipped: v.optional(v.number()),
  wallTimeMs: v.number(),
  resultDirectory: v.string(),
  /**
   * Number of runs that were collected before and whose records no longer exist; undefined if there are none.
   */
  unrecorded: v.optional(v.number()),
  /**
   * Number of runs that a later campaign has executed again, by campaign; their results have been replaced.
   */
  superseded: v.optional(v.array(v.object({ campaign: v.string(), runs: v.number() }))),
  /** Undefined if no collected run had started. */
  made: v.optional(ExecutedRunsSchema),
  /** Records of the runs that did not end as `done`. */
  failed: v.array(RunRecordSchema),
  /** Hints on how to avoid these failures. */
  hints: v.optional(v.array(v.string())),
});
export type CampaignSummary = v.InferOutput<typeof CampaignSummarySchema>;

/**
 * The events of a campaign, in the order in which they happen. Only `cli/` turns them into text; with
 * `--json` they are printed unchanged. docs/events.schema.json describes them.
 */
export const CampaignEventSchema = v.variant("type", [
  v.object({ type: v.literal("warning"), message: v.string(), details: v.array(v.string()) }),
  v.object({ type: v.literal("expanded"), config: v.string(), runs: v.number() }),
  /**
   * Runs that had completed, but whose results no longer
   * count, because something that they depend on has changed.
   */
  v.object({
    type: v.literal("outdated"),
    runs: v.number(),
    /** Source files that have changed since. */
    changed: v.array(v.string()),
    /** Other differences. */
    reasons: v.array(v.string()),
  }),
  /**
   * An equal campaign is already running: its runs are
   * followed and collected instead of being executed twice.
   */
  v.object({ type: v.literal("joined"), campaign: v.string(), runs: v.number() }),
  /** An earlier campaign with the same runs has results that were not collected: they are downloaded now. */
  v.object({ type: v.literal("fetching"), campaign: v.string(), runs: v.number() }),
  /**
   * Runs that have already completed: `runs` of them, of which
   * `fetched` were downloaded just now. `left` are to be executed.
   */
  v.object({ type: v.literal("skipped"), runs: v.number(), fetched: v.number(), left: v.number() }),
  v.object({
    type: v.literal("sent"),
    /** Name of the project if it is one that the study's project needs; otherwise undefined. */
    project: v.optional(v.string()),
    /** Files that differ from the commit or are missing from it. */
    changed: v.array(v.string()),
    /** Number of bytes sent to the swarm. */
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
  /** Progress of the build; the last of these events is not necessarily that of the last file. */
  v.object({ type: v.literal("compiling"), key: v.string(), ...BuildProgressSchema.entries }),
  v.object({
    type: v.literal("built"),
    key: v.string(),
    /** Name of the project if it is one that the study's project needs; otherwise undefined. */
    project: v.optional(v.string()),
    how: v.picklist(["own", "kept", "made"]),
    tookMs: v.number(),
  }),
  v.object({ type: v.literal("queued"), campaign: v.string(), runs: v.number() }),
  /** With `attach` and `retry`: how the campaign's other runs have ended, which are not followed now. */
  v.object({ type: v.literal("resumed"), campaign: v.string(), states: StatesSchema }),
  /** The predicted wall times of the runs that have not started; the longest are executed first. */
  v.object({ type: v.literal("predicted"), ...PredictedTimesSchema.entries }),
  v.object({ type: v.literal("started"), run: RunSchema }),
  v.object({ type: v.literal("progress"), run: RunSchema, progress: ProgressSchema }),
  /** Runs that are executed after `run` in the same process, one after the other. */
  v.object({ type: v.literal("batch"), run: RunSchema, others: v.array(RunSchema) }),
  /** The worker could not execute the run, for example because of a full disk; the run is queued again. */
  v.object({ type: v.literal("held"), run: RunSchema, reason: v.string() }),
  v.object({
    type: v.literal("finished"),
    run: RunSchema,
    record: RunRecordSchema,
    warnings: v.array(v.string()),
  }),
  v.object({ type: v.literal("reconnecting"), reason: v.string() }),
  /** No runner is connected to the swarm: the runs wait. */
  v.object({ type: v.literal("unattended") }),
  /** A runner is connected again. */
  v.object({ type: v.literal("attended") }),
  /** The user has interrupted `attach`: the campaign continues, with `runs` of its runs not yet collected. */
  v.object({ type: v.literal("left"), campaign: v.string(), runs: v.number() }),
  v.object({ type: v.literal("ended"), summary: CampaignSummarySchema }),
]);
export type CampaignEvent = v.InferOutput<typeof CampaignEventSchema>;
