import * as v from "valibot";
import { UserError } from "../../errors.ts";
import { PROTOCOL } from "../../model/protocol.ts";
import { answerWithoutRunning, type RunResult } from "../../model/result.ts";
import { parseAnswer } from "../../queue/answers.ts";

export interface Answer extends RunResult {
  /** The run was not executed, or by a worker of another version: another worker may succeed. */
  unusable?: true;
}

/**
 * Returns a worker's answer; for a malformed one, a lost run. An invalid answer must not prevent the other
 * runs from being collected.
 */
export function resultOf(job: string, answer: unknown): Answer {
  try {
    return rejectOtherVersion(answer) ?? parseAnswer(job, answer);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { ...answerWithoutRunning("lost", error.message), unusable: true };
  }
}

/**
 * Returns a lost run for the answer of a worker of another version; the run can be retried. Such a worker has
 * joined during the campaign: one that was present before is rejected when runs are queued.
 * @returns undefined if the answer has this version or does not name one.
 */
function rejectOtherVersion(answer: unknown): Answer | undefined {
  const { success, output } = v.safeParse(v.object({ protocol: v.number() }), answer);
  if (!success || output.protocol === PROTOCOL) return undefined;
  const reason = `its worker runs another version of inet-swarm (protocol ${output.protocol}, here ${PROTOCOL})`;
  return { ...answerWithoutRunning("lost", reason), unusable: true };
}

/**
 * Returns the result of a run whose job has left the queue without an answer.
 * @param reason `removed` for a cancelled run.
 */
export function resultOfGoneJob(reason: string): RunResult {
  return reason === "removed"
    ? answerWithoutRunning("cancelled", "cancelled")
    : answerWithoutRunning("lost", reason);
}

/** Returns whether a run was cancelled before it started: such a run has neither files nor a record. */
export function neverStarted({ outcome, stored }: RunResult): boolean {
  return outcome.state === "cancelled" && stored === undefined;
}
