import { UserError } from "../errors.ts";
import type { Dependency } from "../model/build.ts";
import { isCompiled } from "../project/code-files.ts";
import { isWithin } from "../project/sources.ts";
import { libraryFiles } from "../project/targets.ts";
import type { BuildStore } from "../results/build-store.ts";
import { statIfThere } from "../system/files.ts";
import type { CampaignPlan } from "./plan.ts";

type Plan = Pick<CampaignPlan, "build" | "campaign" | "code" | "needed">;

/**
 * Checks that builds have made what runs need: otherwise each run would fail for the same reason.
 * @param dependencies with the keys of their builds.
 * @throws {UserError} with the log of the build that lacks something.
 */
export async function checkProducts(
  plan: Plan,
  { buildKey, dependencies = [] }: { buildKey: string; dependencies?: readonly Dependency[] | undefined },
  builds: BuildStore,
): Promise<void> {
  const { needed, campaign, build } = plan;
  const own = await productsOf(buildKey, builds);
  const inCheckout = new Set(own);
  for (const each of dependencies) {
    const products = await productsOf(each.buildKey, builds);
    if (each.source === undefined) for (const file of products) inCheckout.add(file);
    if (campaign.program.kind !== "project") await checkLibraries(each, products, build.mode, builds);
  }
  const lacking = needed.find(({ files }) => !files.some((file) => inCheckout.has(file)));
  if (lacking !== undefined) throw await notMade(`the ${lacking.name}`, buildKey, builds);
  if (own.length === 0 && campaign.program.kind === "built" && hasCode(plan))
    throw await notMade("a program or library", buildKey, builds);
}

async function checkLibraries(
  { name, libraries = [], buildKey }: Dependency,
  products: readonly string[],
  mode: Plan["build"]["mode"],
  builds: BuildStore,
): Promise<void> {
  const lacking = libraries.find((each) => !libraryFiles(each, mode).some((file) => products.includes(file)));
  if (lacking !== undefined) throw await notMade(`the library ${lacking} of ${name}`, buildKey, builds);
}

async function productsOf(key: string, builds: BuildStore): Promise<string[]> {
  return (await builds.find(key))?.products ?? [];
}

/** A project of NED and ini files alone needs nothing that a build makes. */
function hasCode({ build, code }: Plan): boolean {
  if (build.recipe.kind === "none") return false;
  return code.entries.some((entry) => isWithin(build.project, entry.path) && isCompiled(entry.path));
}

async function notMade(what: string, key: string, builds: BuildStore): Promise<UserError> {
  const log = builds.logFile(key);
  const hint =
    (await statIfThere(log)) === undefined ? "does it work in a fresh clone?" : `its log is ${log}`;
  return new UserError(`the build did not make ${what}`, { hint });
}
