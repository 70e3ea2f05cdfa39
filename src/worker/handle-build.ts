import * as v from "valibot";
import { BuildRequestSchema, type BuildAnswer } from "../model/build.ts";
import { Postponed } from "../queue/postponed.ts";
import type { TakenJob } from "../queue/taken-job.ts";
import { parseOrExplain } from "../system/json.ts";
import { remoteText } from "../system/system-error.ts";
import { build, type BuildPlace } from "./build/builder.ts";
import { OtherOmnetpp } from "./tree/omnetpp.ts";
import { FetchFailed } from "./tree/repositories.ts";
import { isMachineFault, isOfStores } from "./tree/fault-kinds.ts";
import {
  BUILD_DELAY_MS,
  distinct,
  HAND_OVER_MS,
  LEAST_RETRIES,
  obstacleOf,
  pauseAfter,
  withHostname,
  type FaultContext,
} from "./machine-faults.ts";

/** The data of a job in the queue `build`. */
const BuildJobSchema = v.object({
  ...BuildRequestSchema.entries,
  /** Reasons why earlier attempts failed, each with the name of the machine. */
  troubles: v.optional(v.array(v.string())),
});
type BuildJob = v.InferOutput<typeof BuildJobSchema>;

/**
 * Executes a build job and returns the answer. A failing build is reported in the answer, a fault of the
 * machine only after several attempts.
 * @throws {Postponed} if the build has to be executed later, or by another builder.
 */
export async function handleBuild(
  taken: TakenJob,
  place: BuildPlace,
  context: Pick<FaultContext, "health" | "rebuilder" | "onError">,
): Promise<BuildAnswer> {
  let job: BuildJob;
  try {
    job = parseOrExplain(BuildJobSchema, taken.data, "queued build");
  } catch (error) {
    return notStarted(remoteText(error));
  }
  try {
    const answer = await build(job, place, taken.signal, (progress) => taken.report(progress));
    context.health.isWell();
    return answer;
  } catch (error) {
    if (taken.signal.aborted) throw error;
    return await requeueBuild(error, job, context);
  }
}

async function requeueBuild(
  error: unknown,
  job: BuildJob,
  context: Pick<FaultContext, "health" | "rebuilder" | "onError">,
): Promise<BuildAnswer> {
  context.onError(error as Error);
  const isForUser = [OtherOmnetpp, FetchFailed].some((kind) => error instanceof kind); // only the user can change it
  if (!isMachineFault(error) || isForUser) return notStarted(remoteText(error));
  if (!isOfStores(error) && !(await context.health.judge(error)).ok) throw new Postponed(HAND_OVER_MS);
  const obstacle = await obstacleOf(error, context);
  if (obstacle.state === "building") throw new Postponed(BUILD_DELAY_MS);
  const troubles = [...(job.troubles ?? []), withHostname(obstacle.reason)];
  if (troubles.length > LEAST_RETRIES)
    return notStarted(`no builder could execute it: ${distinct(troubles)}`);
  throw new Postponed(pauseAfter(troubles), { ...job, troubles });
}

function notStarted(reason: string): BuildAnswer {
  return { ok: false, command: "preparing the build", log: "", reason };
}
