import type { Dependency, Source } from "../../model/build.ts";
import type { CampaignEvent } from "../../model/events.ts";
import type { QueueClient } from "../../queue/client.ts";
import type { CampaignPlan } from "../plan/plan.ts";
import { dependencyId } from "../plan/plan-project.ts";
import { ensureBuild, type BuildStores } from "./prepare-build.ts";
import { sendSource } from "./send-source.ts";

/** A dependency that workers can have, and the top level of its checkout here. */
interface Ready {
  dependency: Dependency;
  source: Source;
  gitTop: string;
}

/**
 * Sees to it that the workers can have what the project needs, with binaries. Each is built once, for all
 * campaigns that need it.
 * @param plan with the source of the study's own checkout.
 * @returns what goes into the project's build and into the campaign.
 */
export async function* ensureDependencies(
  plan: Pick<CampaignPlan, "dependencies" | "build" | "gitTop"> & { source: Source },
  stores: BuildStores,
  queue: QueueClient,
  signal: AbortSignal,
): AsyncGenerator<CampaignEvent, { dependencies?: Dependency[] }> {
  const sources = new Map([[plan.gitTop, plan.source]]);
  const ready = new Map<string, Ready>();
  for (const each of plan.dependencies) {
    const { gitTop, about, code } = each;
    const { name } = about;
    const source = sources.get(gitTop) ?? (yield* sendSource(code, stores.sources, signal, name));
    sources.set(gitTop, source);
    const build = { ...each.build, ...completed(each.build.dependencies, ready, gitTop) };
    const buildKey = yield* ensureBuild({ ...each, build, source, name }, stores, queue, signal);
    ready.set(dependencyId(about), { dependency: { ...about, buildKey }, source, gitTop });
  }
  return completed(plan.build.dependencies, ready, plan.gitTop);
}

/** One that lies in the same checkout comes with that. */
function completed(
  dependencies: readonly Dependency[] | undefined,
  ready: ReadonlyMap<string, Ready>,
  gitTop: string,
): { dependencies?: Dependency[] } {
  if (dependencies === undefined) return {};
  const complete = dependencies.map((each) => {
    const { dependency, source, gitTop: theirs } = ready.get(dependencyId(each))!;
    return theirs === gitTop ? dependency : { ...dependency, source };
  });
  return { dependencies: complete };
}
