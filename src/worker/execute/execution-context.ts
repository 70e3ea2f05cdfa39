import type { Campaign } from "../../model/campaign.ts";
import type { BuildStore } from "../../stores/build-store.ts";
import type { ResultStore } from "../../stores/store.ts";
import type { Slot } from "../tree/slot.ts";
import type { Batches } from "./batches.ts";
import type { MemoryClaim } from "./memory-budget.ts";

export interface RunnerDependencies {
  builds: BuildStore;
  results: ResultStore;
  /** Records how long runs take. */
  batches: Batches;
  /** Time between SIGINT and SIGKILL. */
  graceMs: number;
}

/** The campaign and the place in which runs are executed. */
export interface ExecutionContext {
  campaign: Campaign;
  slot: Slot;
  /** Call when the simulation has ended: the next one may start while its files are collected. */
  release: () => void;
  memory: Pick<MemoryClaim, "signal" | "watch" | "throwIfCrowded">;
  /** Aborted when the campaign is cancelled: the run is stopped and reported as cancelled. */
  cancelled: AbortSignal;
  /** The runs get their own copies of binaries and needed projects. */
  isPrivate?: boolean;
  /** Aborted when the runner ends or has lost the job: the run is stopped and its output discarded. */
  abandoned: AbortSignal;
}
