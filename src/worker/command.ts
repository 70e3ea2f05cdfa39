import path from "node:path";
import type { Campaign } from "../model/campaign.ts";
import type { Run } from "../model/run.ts";
import { parseSimulationArguments, runArguments } from "../simulation/opp-args.ts";
import { findProgram } from "../system/program.ts";
import { UserError } from "../errors.ts";
import type { Mode } from "../model/build.ts";
import { projectEnvironment, withLibraryPath } from "./environment.ts";
import { checkOmnetpp } from "./omnetpp.ts";
import type { SlotTree } from "./slot.ts";

export interface Command {
  program: string;
  args: string[];
  directory: string;
  env: NodeJS.ProcessEnv;
}

const environments = new WeakMap<SlotTree, Promise<NodeJS.ProcessEnv>>();

/** The command line of one run in a working tree. */
export async function commandFor(tree: SlotTree, campaign: Campaign, run: Run): Promise<Command> {
  const env = await environmentOf(tree, campaign);
  const { manifest } = tree;
  const args = runArguments(parseSimulationArguments(campaign.arguments), {
    config: run.config,
    runNumbers: [run.runNumber],
    libraries: campaign.program.kind === "opp_run" ? campaign.libraries : [],
    nedPath: campaign.nedPath,
    nedExclusions: manifest.nedExclusions.length > 0 ? manifest.nedExclusions.join(";") : undefined,
    extra: campaign.addedOptions,
  });
  const program =
    campaign.program.kind === "project"
      ? path.join(tree.root, campaign.program.path)
      : await simulatorFor(campaign.mode, env);
  return { program, args, directory: path.join(tree.root, campaign.study), env };
}

function environmentOf(tree: SlotTree, campaign: Campaign): Promise<NodeJS.ProcessEnv> {
  const known = environments.get(tree);
  if (known) return known;
  const made = makeEnvironment(tree, campaign);
  environments.set(tree, made);
  made.catch(() => environments.delete(tree)); // the next one tries again
  return made;
}

async function makeEnvironment(tree: SlotTree, { project, omnetpp }: Campaign): Promise<NodeJS.ProcessEnv> {
  const env = await projectEnvironment(path.join(tree.root, project), omnetpp);
  await checkOmnetpp(omnetpp, env); // a build may have been kept longer than the OMNeT++ that made it
  return withLibraryPath(env, tree.root, tree.manifest.products);
}

async function simulatorFor(mode: Mode, env: NodeJS.ProcessEnv): Promise<string> {
  const names = mode === "debug" ? ["opp_run_dbg"] : ["opp_run_release", "opp_run"];
  const found = await findProgram(names, env["PATH"]);
  if (found !== undefined) return found;
  throw new UserError(`${names.join(" and ")}: command not found`, {
    hint: "set OMNeT++ up where the worker runs: source its setenv script",
  });
}
