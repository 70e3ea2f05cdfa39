import path from "node:path";
import { UserError } from "../../errors.ts";
import { readCode, type Code } from "../../project/git/code.ts";
import { describeFolder, type ProjectDescriptor } from "../../project/describe/descriptor.ts";
import { fetchDependency, type FetchOptions } from "../../project/describe/fetch-dependency.ts";
import { findDependency, NotFound } from "../../project/describe/find-dependency.ts";
import { checkoutName, NoCheckout, openCheckout, type Checkout } from "../../project/git/git.ts";
import type { Need } from "../../project/describe/needs.ts";
import { isIgnoredFolder, openFolder } from "../../project/git/plain-folder.ts";
import { targetFile } from "../../omnetpp/targets.ts";
import { usesProject } from "../../project/describe/uses-project.ts";
import { planProject, type BuildSettings, type DependencyPlan } from "./plan-project.ts";

/** A needed project, and its location. */
export interface FoundDependency {
  need: Need;
  checkout: Checkout;
  project: ProjectDescriptor;
  /** The projects that it needs itself, in build order: each after those that it needs. */
  needs: FoundDependency[];
}

export interface FoundDependencies {
  /** In build order: each after the projects that it needs itself. */
  dependencies: FoundDependency[];
  /** Projects to which only the IDE refers, which do not exist, and which nothing seems to use. */
  leftOut: Need[];
}

/**
 * Finds the projects that a project needs, directly and indirectly.
 * @throws {UserError} if one is not found, or the dependency is circular.
 */
export async function findDependencies(
  { checkout, project }: { checkout: Checkout; project: ProjectDescriptor },
  fetchOptions: FetchOptions,
): Promise<FoundDependencies> {
  const root = path.join(checkout.top, project.folder);
  const search: Search = { known: new Map(), leftOut: [], fetchOptions };
  const dependencies = await findNeeds({ root, checkout, project }, [root], search);
  return { dependencies, leftOut: search.leftOut };
}

interface Needing {
  root: string;
  checkout: Checkout;
  project: ProjectDescriptor;
}

interface Search {
  /** Dependencies by their folders. */
  known: Map<string, FoundDependency>;
  leftOut: Need[];
  fetchOptions: FetchOptions;
}

async function findNeeds(
  needing: Needing,
  above: readonly string[],
  search: Search,
): Promise<FoundDependency[]> {
  const needs: FoundDependency[] = [];
  for (const need of needing.project.needs) {
    const folder = await locate(need, needing, search);
    if (folder === undefined) continue;
    if (above.includes(folder)) {
      throw new UserError(`${need.statedIn} needs the project ${need.name}: the dependency is circular`, {
        hint: `${folder} depends on itself, through ${above.slice(above.indexOf(folder) + 1).join(", ")}`,
      });
    }
    const found = search.known.get(folder) ?? (await describe(need, folder, [...above, folder], search));
    search.known.set(folder, found);
    for (const each of [...found.needs, found]) if (!needs.includes(each)) needs.push(each);
  }
  return needs;
}

/**
 * Returns the folder of a needed project.
 * @returns undefined if the IDE's reference is to the project itself, or to a project that is left out.
 */
async function locate(need: Need, needing: Needing, search: Search): Promise<string | undefined> {
  const { name, statedIn, remote, isReference } = need;
  const { root, checkout, project } = needing;
  if (remote !== undefined) return await fetchDependency({ name, statedIn, ...remote }, search.fetchOptions);
  try {
    const folder = await findDependency(need, root, checkout.top);
    return isReference && folder === root ? undefined : folder;
  } catch (error) {
    if (!(error instanceof NotFound) || !isReference) throw error;
    if (await usesProject(root, project.makemake, need)) throw error;
    search.leftOut.push(need);
    return undefined;
  }
}

async function describe(
  need: Need,
  folder: string,
  above: readonly string[],
  search: Search,
): Promise<FoundDependency> {
  const checkout = await checkoutOf(need, folder, search.fetchOptions.signal);
  const project = await describeFolder(checkout.top, folder);
  const needs = await findNeeds({ root: folder, checkout, project }, above, search);
  return { need, checkout, project, needs };
}

/**
 * Returns the checkout of a needed project. If the project is not in a repository, or the repository around
 * it ignores it, it is taken as it is in its folder.
 */
async function checkoutOf(need: Need, folder: string, signal?: AbortSignal): Promise<Checkout> {
  try {
    const checkout = await openCheckout(folder, signal);
    return (await isIgnoredFolder(checkout, folder)) ? await openFolder(folder, signal) : checkout;
  } catch (error) {
    if (error instanceof NoCheckout) return await openFolder(folder, signal);
    throw error instanceof UserError ? notReadable(need, error) : error;
  }
}

function notReadable({ name, statedIn }: Need, error: UserError): UserError {
  const { message, hint } = error;
  return new UserError(`${statedIn} needs the project ${name}: ${message}`, {
    hint: `${hint ?? ""}; or exclude it with "uses": [] in swarm.json`,
    cause: error,
  });
}

/**
 * Returns which binaries are left out of a checkout, and which
 * ignored files are sent, because of the dependencies in it.
 */
export function filesForDependencies(
  dependencies: readonly FoundDependency[],
  top: string,
): { binaries: string[]; ship: string[] } {
  const projects = dependencies.filter(({ checkout }) => checkout.top === top).map(({ project }) => project);
  const targets = projects.flatMap((project) => project.targets);
  return {
    binaries: targets.flatMap((target) => [targetFile(target, "release"), targetFile(target, "debug")]),
    ship: projects.flatMap((project) => project.ship),
  };
}

/** The code of each checkout, by its top level. */
export type Codes = Map<string, Code>;

/**
 * Reads the work trees of the dependencies that are in other checkouts than the study.
 * @param top git top level of the study.
 */
export async function readDependencies(
  dependencies: readonly FoundDependency[],
  top: string,
  signal?: AbortSignal,
): Promise<Codes & AsyncDisposable> {
  const checkouts = new Map(dependencies.map(({ checkout }) => [checkout.top, checkout]));
  checkouts.delete(top);
  const codes = new Map<string, Code>();
  const dispose = async (): Promise<void> => {
    await Promise.all([...codes.values()].map((code) => code[Symbol.asyncDispose]()));
  };
  const reading = [...checkouts.values()].map(async (checkout) => {
    codes.set(checkout.top, await readCode(workTreeOf(checkout, dependencies), undefined, signal));
  });
  const failed = (await Promise.allSettled(reading)).find((each) => each.status === "rejected");
  if (failed !== undefined) {
    await dispose();
    throw failed.reason;
  }
  return Object.assign(codes, { [Symbol.asyncDispose]: dispose });
}

function workTreeOf(checkout: Checkout, dependencies: readonly FoundDependency[]) {
  const { binaries, ship } = filesForDependencies(dependencies, checkout.top);
  return { checkout, ship, isLeftOut: Promise.resolve((file: string) => binaries.includes(file)) };
}

/**
 * Returns how each dependency is built.
 * @param codes of the checkouts, by their top levels.
 */
export async function planDependencies(
  dependencies: readonly FoundDependency[],
  codes: ReadonlyMap<string, Code>,
  settings: BuildSettings,
  signal?: AbortSignal,
): Promise<DependencyPlan[]> {
  const plans = new Map<FoundDependency, DependencyPlan>();
  for (const each of dependencies) {
    const { checkout, project } = each;
    const plan = await planProject(
      {
        project,
        code: codes.get(checkout.top)!,
        workTree: workTreeOf(checkout, dependencies),
        ...settings,
        dependencies: each.needs.map((need) => plans.get(need)!),
      },
      signal,
    );
    plans.set(each, { ...plan, project, about: about(each, plan.code.tree) });
  }
  return [...plans.values()];
}

function about({ need, checkout, project }: FoundDependency, tree: string): DependencyPlan["about"] {
  const { targets, isDeclared, environment } = project;
  const libraries = targets.filter(({ kind }) => kind === "library");
  return {
    name: need.name,
    variable: need.variable,
    tree,
    checkoutName: checkoutName(checkout),
    project: project.folder,
    nedFolders: project.nedFolders,
    ...(Object.keys(environment).length > 0 && { environment }),
    ...(isDeclared && {
      libraries: libraries.map(({ folder, name }) => path.posix.join(folder, name)),
    }),
  };
}
