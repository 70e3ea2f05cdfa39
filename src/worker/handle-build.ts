import * as v from "valibot";
import { BuildRequestSchema, type BuildAnswer } from "../model/build.ts";
import { Postponed } from "../queue/postponed.ts";
import type { TakenJob } from "../queue/taken-job.ts";
import { parseOrExplain } from "../system/json.ts";
import { remoteText } from "../system/system-error.ts";
import { build, type BuildPlace } from "./build/builder.ts";
import { OtherOmnetpp } from "./build/omnetpp.ts";
import {
  BUILD_DELAY_MS,
  distinct,
  HAND_OVER_MS,
  isOfStores,
  isOwnTrouble,
  LEAST_RETRIES,
  obstacleOf,
  pauseAfter,
  withHostname,
  type TroubleContext,
} from "./own-trouble.ts";

/** The data of a job in the queue `build`. */
const BuildJobSchema = v.object({
  ...BuildRequestSchema.entries,
  /** Why it could not be built so far, each with the name of the machine. */
  troubles: v.optional(v.array(v.string())),
});
type BuildJob = v.InferOutput<typeof BuildJobSchema>;

/**
 * Returns what a builder answers for a job. That the project cannot be built is an answer; trouble of this machine is
 * none until it has come up several times.
 * @throws {Postponed} where the build is to be made later, or by another builder.
 */
export async function handleBuild(
  taken: TakenJob,
  place: BuildPlace,
  context: Pick<TroubleContext, "health" | "rebuilder" | "onError">,
): Promise<BuildAnswer> {
  let job: BuildJob;
  try {
    job = parseOrExplain(BuildJobSchema, taken.data, "queued build");
  } catch (error) {
    return notBegun(remoteText(error));
  }
  try {
    const answer = await build(job, place, taken.signal);
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
  context: Pick<TroubleContext, "health" | "rebuilder" | "onError">,
): Promise<BuildAnswer> {
  context.onError(error as Error);
  if (!isOwnTrouble(error) || error instanceof OtherOmnetpp) return notBegun(remoteText(error));
  if (!isOfStores(error) && !(await context.health.judge(error)).ok) throw new Postponed(HAND_OVER_MS);
  const obstacle = await obstacleOf(error, context);
  if (obstacle.state === "building") throw new Postponed(BUILD_DELAY_MS);
  const troubles = [...(job.troubles ?? []), withHostname(obstacle.reason)];
  if (troubles.length > LEAST_RETRIES) return notBegun(`no builder could execute it: ${distinct(troubles)}`);
  throw new Postponed(pauseAfter(troubles), { ...job, troubles });
}

function notBegun(reason: string): BuildAnswer {
  return { ok: false, command: "preparing the build", log: "", reason };
}
