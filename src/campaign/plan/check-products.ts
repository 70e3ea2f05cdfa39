import { UserError } from "../../errors.ts";
import type { Dependency } from "../../model/build.ts";
import { isCompiled } from "../../project/files/code-files.ts";
import { isWithin } from "../../project/build/sources.ts";
import { libraryFiles } from "../../omnetpp/targets.ts";
import type { BuildStore } from "../../stores/build-store.ts";
import { lstatIfExists } from "../../system/files.ts";
import { namedLibraries } from "../../omnetpp/named-files.ts";
import { parseSimulationArguments } from "../../omnetpp/opp-args.ts";
import { chooseProgram, type Execution } from "./choose-program.ts";
import type { CampaignPlan } from "./plan.ts";

/** Maximum number of products named in a message. */
const SHOWN = 5;

type Plan = Pick<CampaignPlan, "build" | "campaign" | "code" | "needed" | "execution">;

/**
 * Checks that builds have produced what runs need; otherwise, all runs would fail for the same reason.
 * @param dependencies with the keys of their builds.
 * @returns how runs are executed.
 * @throws {UserError} with the log of the build that lacks something.
 */
export async function checkProducts(
  plan: Plan,
  { buildKey, dependencies = [] }: { buildKey: string; dependencies?: readonly Dependency[] | undefined },
  builds: BuildStore,
): Promise<Execution> {
  const { needed, campaign, build } = plan;
  const { products: own = [], targets = [] } = (await builds.find(buildKey)) ?? {};
  const inCheckout = new Set(own);
  for (const each of dependencies) {
    const products = (await builds.find(each.buildKey))?.products ?? [];
    if (each.source === undefined) for (const file of products) inCheckout.add(file);
    if (plan.execution.program?.kind !== "project") await checkLibraries(each, products, build.mode, builds);
  }
  const missing = needed.find(({ files }) => !files.some((file) => inCheckout.has(file)));
  if (missing !== undefined) throw await missingProduct(`the ${missing.name}`, own, buildKey, builds);
  if (targets.length === 0 && !isNamed(plan) && hasCode(plan))
    throw await missingProduct("a program or library", own, buildKey, builds);
  return chooseProgram(plan.execution, targets, campaign.study);
}

/** Returns whether the user or the project names what is executed; it may be in the source. */
function isNamed({ execution, campaign }: Plan): boolean {
  const named = namedLibraries(parseSimulationArguments(campaign.arguments));
  return execution.program?.kind === "project" || execution.targets !== undefined || named.length > 0;
}

async function checkLibraries(
  { name, libraries = [], buildKey }: Dependency,
  products: readonly string[],
  mode: Plan["build"]["mode"],
  builds: BuildStore,
): Promise<void> {
  const missing = libraries.find((each) => !libraryFiles(each, mode).some((file) => products.includes(file)));
  if (missing !== undefined)
    throw await missingProduct(`the library ${missing} of ${name}`, products, buildKey, builds);
}

/** Returns whether a project has code; a project with only NED and ini files needs no products. */
function hasCode({ build, code }: Plan): boolean {
  if (build.recipe.kind === "none") return false;
  return code.entries.some((entry) => isWithin(build.project, entry.path) && isCompiled(entry.path));
}

async function missingProduct(
  what: string,
  products: readonly string[],
  key: string,
  builds: BuildStore,
): Promise<UserError> {
  const log = builds.logFile(key);
  const hint =
    (await lstatIfExists(log)) === undefined
      ? "check whether the build works in a fresh clone"
      : `see the build log ${log}`;
  const others = products.length === 0 ? "" : `, only ${products.slice(0, SHOWN).join(", ")}`;
  return new UserError(`the build did not produce ${what}${others}`, { hint });
}
