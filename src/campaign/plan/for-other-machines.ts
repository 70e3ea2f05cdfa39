import { no } from "../../model/verdict.ts";
import type { CampaignPlan } from "./plan.ts";
import { dependencyId, plannedKey, type ProjectPlan } from "./plan-project.ts";

/**
 * Returns the plan for a swarm on other machines. These have their own OMNeT++
 * and environment, and binaries that were built here need not run there. So
 * all builds differ, and so do the builds of projects that need them.
 */
export function planForOtherMachines(plan: CampaignPlan): CampaignPlan {
  const { version } = plan.build.omnetpp;
  const keys = new Map<string, string>();
  const adapt = <P extends ProjectPlan>(project: P): P => {
    const needed = project.build.dependencies?.map((each) => ({
      ...each,
      buildKey: keys.get(dependencyId(each))!,
    }));
    const { clientEnvironment: _, compilers: _compilers, ...rest } = project.build;
    const build = { ...rest, omnetpp: { version }, ...(needed && { dependencies: needed }) };
    return { ...project, ownBuild: no("its workers run on other machines"), build };
  };
  const dependencies = plan.dependencies.map((each) => {
    const changed = adapt(each);
    keys.set(dependencyId(each.about), plannedKey(changed));
    return changed;
  });
  const changed = adapt(plan);
  const needed = changed.build.dependencies;
  const { terminal: _, ...rest } = plan.campaign;
  const campaign = { ...rest, omnetpp: { version }, ...(needed && { dependencies: needed }) };
  return { ...changed, dependencies, campaign };
}
