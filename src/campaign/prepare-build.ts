import { UserError } from "../errors.ts";
import { buildKey, ownBuildKey } from "../model/build.ts";
import type { CampaignEvent } from "../model/events.ts";
import { PROTOCOL } from "../model/protocol.ts";
import type { QueueClient } from "../queue/client.ts";
import type { BuildStore } from "../results/build-store.ts";
import type { CampaignPlan } from "./plan.ts";

/**
 * The build for the plan: the user's own, one that is kept, or a new one.
 * @returns its key.
 * @throws {UserError} with the last lines of the log when it fails.
 */
export async function* ensureBuild(
  plan: CampaignPlan,
  builds: BuildStore,
  queue: QueueClient,
  signal: AbortSignal,
): AsyncGenerator<CampaignEvent, string> {
  const startedAt = performance.now();
  const took = (): number => Math.round(performance.now() - startedAt);
  if (typeof plan.ownBuild !== "string") {
    const { products, nedExclusions, stamps } = plan.ownBuild;
    const key = ownBuildKey(plan.build, stamps);
    await builds.put(key, plan.gitTop, { protocol: PROTOCOL, products, nedExclusions });
    yield { type: "built", key, how: "own", tookMs: took() };
    return key;
  }
  const key = buildKey(plan.build);
  if (await builds.find(key)) {
    yield { type: "built", key, how: "kept", tookMs: took() };
    return key;
  }
  yield {
    type: "building",
    key,
    project: plan.build.checkoutName,
    reason: plan.ownBuild,
    log: builds.logFile(key),
  };
  const answer = await queue.build(plan.build, signal);
  if (!answer.ok) {
    const log = answer.log === "" ? undefined : `the whole log is ${answer.log}`;
    throw new UserError(`the build failed: ${answer.command}\n${answer.lastLines.join("\n")}`, { hint: log });
  }
  yield { type: "built", key, how: "made", tookMs: took() };
  return key;
}
