import type { Queue } from "bullmq";
import { UserError } from "../errors.ts";
import { BuildAnswerSchema, buildKey, type BuildAnswer, type BuildRequest } from "../model/build.ts";
import { parseBuildProgress, type BuildProgress } from "../model/build-progress.ts";
import { parseOrExplain } from "../system/json.ts";
import { lastEventId } from "./bull-layout.ts";
import { followJobs, type FollowContext } from "./follow.ts";
import { BUILD_QUEUE, buildJobId } from "./names.ts";

/** Our job disappears if another client requests the same build just after it has failed. */
const TRIES = 3;

/**
 * Requests a build and waits for the answer. Clients that request the same build concurrently share one job.
 * @param onProgress called when the builder reports its progress.
 * @throws {UserError} if the job is repeatedly removed from the queue.
 */
export async function askBuild(
  context: Omit<FollowContext, "position"> & { queue: Queue<BuildRequest> },
  request: BuildRequest,
  signal: AbortSignal,
  onProgress: (progress: BuildProgress) => void = () => undefined,
): Promise<BuildAnswer> {
  const { queue } = context;
  const id = buildJobId(buildKey(request));
  const old = await queue.getJob(id);
  if (old?.finishedOn !== undefined) await queue.remove(id); // it failed, or its build no longer exists
  for (let left = TRIES; left > 0; left--) {
    const position = await lastEventId(context.redis, BUILD_QUEUE);
    await queue.add("build", request, { jobId: id });
    const answer = await answerOf(id, { ...context, position }, signal, onProgress);
    if (answer !== undefined) return parseOrExplain(BuildAnswerSchema, answer, "the builder's answer");
  }
  throw new UserError(`the build ${id} was removed from the queue while it waited`, {
    hint: "run the command again",
  });
}

/** Waits for a build job to complete and returns its value; undefined if the job is removed. */
async function answerOf(
  id: string,
  context: FollowContext,
  signal: AbortSignal,
  onProgress: (progress: BuildProgress) => void,
): Promise<unknown> {
  const numberOf = (other: string): number | undefined => (other === id ? 0 : undefined);
  const events = await followJobs(context, { open: new Set([0]), idOf: () => id, numberOf });
  const reader = events.getReader();
  const cancel = (): void => void reader.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const { value: event, done } = await reader.read();
      signal.throwIfAborted();
      if (done || event.type === "gone") return undefined;
      if (event.type === "completed") return event.value;
      const progress = event.type === "progress" ? parseBuildProgress(event.progress) : undefined;
      if (progress !== undefined) onProgress(progress);
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    await reader.cancel();
  }
}
