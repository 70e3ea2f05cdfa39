import { readdir } from "node:fs/promises";
import path from "node:path";
import { shortHash } from "../../short-hash.ts";
import { simulationVariables } from "../../model/environment.ts";
import { namedLibraries } from "../../omnetpp/named-files.ts";
import {
  parseSimulationArguments,
  toArgv,
  without,
  type SimulationArguments,
} from "../../omnetpp/opp-args.ts";
import { withoutMoments } from "../../omnetpp/query-output.ts";
import { isPartOfSimulator } from "../../omnetpp/simulator.ts";
import { linkedFiles } from "../../omnetpp/targets.ts";
import { lstatIfExists } from "../../system/files.ts";
import type { CampaignPlan } from "./plan.ts";
import { plannedKey } from "./plan-project.ts";

/** Increased if the same campaign would write other files than with an earlier version of inet-swarm. */
const VERSION = 3;

/**
 * Returns a hash over everything that decides which files the runs of a campaign write,
 * except their config, number and variables: the files of the sources that they can read,
 * the binaries, OMNeT++, the command line, and the configuration as the simulator reads
 * it. In doubt, the hash differs, and runs are executed again. Files outside the checkout
 * that a model reads are not included, nor are environment variables that were not named.
 * @param plan for the machines that execute the runs.
 */
export async function identityOf(plan: CampaignPlan): Promise<string> {
  const {
    directory: _,
    commit: _commit,
    changedFiles: _changed,
    folders: _folders,
    terminal,
    ...campaign
  } = plan.campaign;
  const args = parseSimulationArguments(campaign.arguments);
  const dependencies = campaign.dependencies?.map(({ tree: _tree, ...dependency }) => dependency);
  const parts: unknown[] = [
    VERSION,
    [plan, ...plan.dependencies].map(({ code }) => plan.runSources.hashOf(code)),
    plannedKey(plan),
    {
      ...campaign,
      ...plan.execution,
      ...(dependencies && { dependencies }),
      arguments: decidingArguments(args),
    },
    [...plan.expansion.configuration].map(([key, value]) => [key, withoutMoments(value)]),
    await stampsOf([...(await ownOmnetpp(plan)), ...libraryFilesOf(plan, namedLibraries(args))]),
  ];
  const read = simulationVariables(terminal?.environment ?? {});
  if (Object.keys(read).length > 0) parts.push(read);
  return shortHash(JSON.stringify(parts));
}

/**
 * Returns the arguments that decide which files a run
 * writes; not those that select runs or control the display.
 */
export function decidingArguments(args: SimulationArguments): string[] {
  return toArgv(without(args, "-c", "-r", "-u", "-s", "-S", "-m"));
}

/**
 * Returns the files of the simulator and its libraries, if
 * workers use the user's OMNeT++, which may have been rebuilt.
 */
async function ownOmnetpp({ build: { omnetpp } }: CampaignPlan): Promise<string[]> {
  if (omnetpp.binDirectory === undefined) return [];
  const folders = [omnetpp.binDirectory, path.join(omnetpp.binDirectory, "../lib")];
  const files = folders.map(async (folder) => {
    const names = await readdir(folder).catch(() => []); // OMNeT++ was installed in another way
    return names.filter(isPartOfSimulator).map((name) => path.join(folder, name));
  });
  return (await Promise.all(files)).flat().sort();
}

/** Returns the files that an option `-l` with a folder may refer to. */
function libraryFilesOf({ studyDirectory }: CampaignPlan, libraries: readonly string[]): string[] {
  return libraries.flatMap((library) => {
    return library.includes("/") ? linkedFiles(path.resolve(studyDirectory, library)) : [];
  });
}

async function stampsOf(files: readonly string[]): Promise<string[]> {
  const stats = await Promise.all(files.map((file) => lstatIfExists(file)));
  return files.flatMap((file, index) => {
    const found = stats[index];
    return found === undefined ? [] : [`${file} ${found.size} ${found.mtimeMs}`];
  });
}
