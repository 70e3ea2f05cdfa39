import type { Dependency, Source } from "../../model/build.ts";
import type { CampaignEvent } from "../../model/events.ts";
import type { CampaignPlan } from "../plan/plan.ts";
import { dependencyId } from "../plan/plan-project.ts";
import { ensureBuild, type BuildSession } from "./prepare-build.ts";
import { sendSource } from "./send-source.ts";

/** A dependency that is available to workers, and the top level of its checkout on this machine. */
interface Ready {
  dependency: Dependency;
  source: Source;
  gitTop: string;
}

/**
 * Provides the projects that a project needs to the workers, including their binaries. Each is built once for
 * all campaigns that need it.
 * @param plan with the source of the study's own checkout.
 * @returns the dependencies for the project's build and for the campaign.
 */
export async function* ensureDependencies(
  plan: Pick<CampaignPlan, "dependencies" | "build" | "gitTop"> & { source: Source },
  session: BuildSession,
): AsyncGenerator<CampaignEvent, { dependencies?: Dependency[] }> {
  const sources = new Map([[plan.gitTop, plan.source]]);
  const ready = new Map<string, Ready>();
  for (const each of plan.dependencies) {
    const { gitTop, about, code } = each;
    const { name } = about;
    const source = sources.get(gitTop) ?? (yield* sendSource(code, session.sources, session.interrupt, name));
    sources.set(gitTop, source);
    const build = { ...each.build, ...withSources(each.build.dependencies, ready, gitTop) };
    const buildKey = yield* ensureBuild({ ...each, build, source, name }, session);
    ready.set(dependencyId(about), { dependency: { ...about, buildKey }, source, gitTop });
  }
  return withSources(plan.build.dependencies, ready, plan.gitTop);
}

/** Returns dependencies with their sources; one in the same checkout needs none. */
function withSources(
  dependencies: readonly Dependency[] | undefined,
  ready: ReadonlyMap<string, Ready>,
  gitTop: string,
): { dependencies?: Dependency[] } {
  if (dependencies === undefined) return {};
  const complete = dependencies.map((each) => {
    const { dependency, source, gitTop: top } = ready.get(dependencyId(each))!;
    return top === gitTop ? dependency : { ...dependency, source };
  });
  return { dependencies: complete };
}
