import path from "node:path";
import { UserError } from "../../errors.ts";
import type { Mode } from "../../model/build.ts";
import type { Campaign } from "../../model/campaign.ts";
import type { Run } from "../../model/run.ts";
import { libraryNames } from "../../omnetpp/targets.ts";
import { parseSimulationArguments, runArguments } from "../../omnetpp/opp-args.ts";
import { simulatorsFor } from "../../omnetpp/simulator.ts";
import { findProgram } from "../../system/program.ts";
import type { ProvidedDependency } from "../tree/dependencies.ts";
import { projectEnvironment, withLibraryPath } from "../tree/environment.ts";
import { checkOmnetpp } from "../tree/omnetpp.ts";
import type { SlotTree } from "../tree/slot-tree.ts";

export interface Command {
  program: string;
  args: string[];
  directory: string;
  env: NodeJS.ProcessEnv;
}

/** Environments that were built for a tree, by the settings of the campaigns that use them. */
const environments = new WeakMap<SlotTree, Map<string, Promise<NodeJS.ProcessEnv>>>();
const ENVIRONMENTS_PER_TREE = 8;

/**
 * Returns the command that executes runs of one config in a working tree, one after the other in one process.
 * @throws {UserError} if OMNeT++ is not on PATH or has another version than the user's.
 * @see OMNeT++ Simulation Manual, "Running Simulations": options -c, -r, -u, -l, -n, -x.
 */
export async function commandFor(
  tree: SlotTree,
  campaign: Campaign,
  runs: readonly [Run, ...Run[]],
): Promise<Command> {
  const env = await runEnvironment(tree, campaign);
  const directory = path.join(tree.root, campaign.study);
  const fromStudy = (file: string): string => path.relative(directory, file) || ".";
  const own = campaign.program.kind === "project" ? path.join(tree.root, campaign.program.path) : undefined;
  const needed = tree.dependencies.map((each) => neededFor(each, fromStudy));
  const nedFolders = needed.flatMap((each) => each.nedFolders);
  const exclusions = [tree.manifest, ...tree.dependencies.map((each) => each.manifest)].flatMap(
    ({ nedExclusions }) => nedExclusions,
  );
  const args = runArguments(parseSimulationArguments(campaign.arguments), {
    config: runs[0].config,
    runNumbers: runs.map((run) => run.runNumber),
    libraries: own === undefined ? [...needed.flatMap((each) => each.libraries), ...campaign.libraries] : [],
    nedPath: nedFolders.length === 0 ? campaign.nedPath : [campaign.nedPath ?? ".", ...nedFolders].join(":"),
    nedExclusions: exclusions.length > 0 ? [...new Set(exclusions)].join(";") : undefined,
    extra: campaign.addedOptions,
  });
  const program = own ?? (await simulatorFor(campaign.mode, env));
  return { program, args, directory, env: { ...env, PWD: directory } };
}

/**
 * Returns the libraries and NED folders of a needed project, relative to the study. Libraries that others are
 * linked with come first.
 */
function neededFor(
  { dependency, seenAs, manifest }: ProvidedDependency,
  fromStudy: (file: string) => string,
): { libraries: string[]; nedFolders: string[] } {
  const place = (file: string): string => fromStudy(path.join(seenAs, file));
  return {
    libraries: (dependency.libraries ?? libraryNames(manifest.targets)).map(place),
    nedFolders: dependency.nedFolders.map(place),
  };
}

/** Returns the environment of a campaign's runs. Campaigns that share a tree may have different environments. */
export function runEnvironment(tree: SlotTree, campaign: Campaign): Promise<NodeJS.ProcessEnv> {
  const { omnetpp, environment, namedEnvironment, terminal } = campaign;
  const name = JSON.stringify([omnetpp, environment, namedEnvironment, terminal?.environment]);
  const ofTree = environments.get(tree) ?? new Map<string, Promise<NodeJS.ProcessEnv>>();
  environments.set(tree, ofTree);
  const known = ofTree.get(name);
  if (known) return known;
  if (ofTree.size >= ENVIRONMENTS_PER_TREE) ofTree.clear();
  const created = createEnvironment(tree, campaign);
  ofTree.set(name, created);
  created.catch(() => ofTree.delete(name)); // so that the next run tries again
  return created;
}

async function createEnvironment(tree: SlotTree, campaign: Campaign): Promise<NodeJS.ProcessEnv> {
  const { omnetpp, environment, namedEnvironment: named, terminal } = campaign;
  const project = path.join(tree.root, campaign.project);
  const { dependencies, manifest } = tree;
  const client = terminal?.environment;
  const env = await projectEnvironment({ project, omnetpp, environment, named, client, dependencies });
  await checkOmnetpp(omnetpp, env); // the OMNeT++ may have been replaced since the build
  return withLibraryPath(env, tree.root, manifest.products);
}

async function simulatorFor(mode: Mode, env: NodeJS.ProcessEnv): Promise<string> {
  const names = simulatorsFor(mode);
  const found = await findProgram(names, env["PATH"]);
  if (found !== undefined) return found;
  throw new UserError(`${names.join(" and ")}: command not found`, {
    hint: "set up OMNeT++ on the worker's machine: source its setenv script",
  });
}
