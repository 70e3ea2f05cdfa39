import * as v from "valibot";
import { UserError } from "../../errors.ts";
import type { Outcome } from "../../model/outcome.ts";
import { PROTOCOL } from "../../model/protocol.ts";
import type { RunResult } from "../../model/result.ts";
import { parseAnswer } from "../../queue/answers.ts";

export interface Answer extends RunResult {
  /** The run has not been executed, or not by these rules: another worker may do better. */
  unusable?: true;
}

/** The answer of a worker, also if it is malformed: that must not keep the other runs from being collected. */
export function resultOf(job: string, answer: unknown): Answer {
  try {
    return refusedBy(answer) ?? parseAnswer(job, answer);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { ...withoutAnswer({ state: "lost", reason: error.message }), unusable: true };
  }
}

/**
 * A worker of another version that came in the middle of the campaign (one that was there before is refused
 * when runs are queued) makes none of its runs; they can be retried.
 * @returns undefined for an answer that is of this version, as far as it tells.
 */
function refusedBy(answer: unknown): Answer | undefined {
  const { success, output } = v.safeParse(v.object({ protocol: v.number() }), answer);
  if (!success || output.protocol === PROTOCOL) return undefined;
  const reason = `its worker runs another version of inet-swarm (protocol ${output.protocol}, here ${PROTOCOL})`;
  return { ...withoutAnswer({ state: "lost", reason }), unusable: true };
}

/** A run whose job has left the queue without an answer. */
export function goneResult(reason: string): RunResult {
  return withoutAnswer(
    reason === "removed" ? { state: "cancelled", reason: "cancelled" } : { state: "lost", reason },
  );
}

function withoutAnswer(outcome: Outcome): RunResult {
  const now = Date.now();
  return {
    protocol: PROTOCOL,
    outcome,
    usage: { wallTimeMs: 0 },
    files: [],
    startedAt: now,
    finishedAt: now,
    worker: "",
  };
}

/** Whether a run was cancelled before it started: such a run has neither files nor a record. */
export function neverStarted({ outcome, stored }: RunResult): boolean {
  return outcome.state === "cancelled" && stored === undefined;
}
