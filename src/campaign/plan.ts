import { mkdtemp, realpath, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { errorCode, UserError } from "../errors.ts";
import type { BuildRequest } from "../model/build.ts";
import type { Campaign } from "../model/campaign.ts";
import { PROTOCOL } from "../model/protocol.ts";
import type { Run } from "../model/run.ts";
import { checkOut, removeTree } from "../project/checkout.ts";
import { describeProject, type ProjectDescriptor } from "../project/descriptor.ts";
import {
  listTree,
  openCheckout,
  resolveCommit,
  uncommittedChanges,
  type Changes,
  type Checkout,
} from "../project/git.ts";
import { findOwnBuild, type OwnBuild } from "../project/own-build.ts";
import { recipeFor, sourcesHash } from "../project/sources.ts";
import { expand, type Expansion } from "../simulation/expand.ts";
import {
  addedOptions,
  config,
  mapPaths,
  parseSimulationArguments,
  values,
  type SimulationArguments,
} from "../simulation/opp-args.ts";
import { isInside } from "../system/paths.ts";
import { runProgram } from "../system/program.ts";
import { findSimulationProgram, type SimulationProgram } from "./program.ts";

/** How a campaign deals with runs that do not end well. */
export type CampaignLimits = Pick<Campaign, "retries" | "timeoutMs" | "stopOnError">;

/** What the user asked for. */
export interface CampaignRequest {
  /** Where he typed it, or `-C`. */
  directory: string;
  /** Commit, branch or tag. */
  commit: string;
  program: string | undefined;
  /** The simulation's arguments, untouched. */
  arguments: readonly string[];
}

/** Everything that is known before a swarm is needed. */
export interface CampaignPlan {
  gitTop: string;
  studyDirectory: string;
  resultDirectory: string;
  runs: Run[];
  build: BuildRequest;
  /** The user's own binaries, or why they cannot be used. */
  ownBuild: OwnBuild | string;
  campaign: Omit<Campaign, "id" | "user" | "host" | "createdAt" | "buildKey" | keyof CampaignLimits>;
  /** Files that differ from the commit that runs. */
  uncommitted: string[];
}

/**
 * Finds out what is to be run: the study, its project, the commit and the runs.
 * @throws {UserError} for everything that the user has to mend first.
 */
export async function planCampaign(request: CampaignRequest, signal?: AbortSignal): Promise<CampaignPlan> {
  const args = parseSimulationArguments(request.arguments);
  const study = await studyDirectory(request.directory, args);
  const checkout = await openCheckout(study, signal);
  const project = await describeProject(checkout.top, study);
  const [program, commit, head, changes] = await Promise.all([
    findSimulationProgram(request.program, study, checkout.top, project),
    resolveCommit(checkout, request.commit),
    resolveCommit(checkout, "HEAD"),
    uncommittedChanges(checkout),
  ]);
  const here: Whereabouts = {
    checkout,
    study,
    project,
    program,
    commit,
    checkedOut: commit === head,
    changes,
    args,
  };
  const [expansion, version, tree] = await Promise.all([
    expandCommit(here, signal),
    omnetppVersion(program, signal),
    listTree(checkout, commit),
  ]);
  const build: BuildRequest = {
    protocol: PROTOCOL,
    source: { url: checkout.gitDirectory, commit },
    sourcesHash: sourcesHash(tree),
    checkoutName: path.basename(checkout.top),
    project: project.folder,
    recipe: recipeFor(project, tree),
    mode: program.mode,
    omnetpp: { version, ...(program.binDirectory !== undefined && { binDirectory: program.binDirectory }) },
    ...(project.featureState !== undefined && { featureState: project.featureState }),
  };
  const question = { top: checkout.top, project, mode: program.mode, tree, changes };
  return {
    gitTop: checkout.top,
    studyDirectory: study,
    resultDirectory: path.resolve(study, expansion.resultDirectory),
    runs: expansion.runs,
    build,
    ownBuild: here.checkedOut ? await findOwnBuild(question) : "another commit is checked out",
    campaign: describeCampaign(here, build, expansion),
    uncommitted: here.checkedOut ? [...changes.modified, ...changes.untracked] : changes.modified,
  };
}

interface Whereabouts {
  checkout: Checkout;
  study: string;
  project: ProjectDescriptor;
  program: SimulationProgram;
  commit: string;
  /** The commit to run is the one whose files lie here. */
  checkedOut: boolean;
  changes: Changes;
  args: SimulationArguments;
}

async function studyDirectory(directory: string, args: SimulationArguments): Promise<string> {
  const study = await realpath(directory).catch((error: unknown) => {
    throw errorCode(error) === "ENOENT" ? new UserError(`there is no folder ${directory}`) : error;
  });
  const inis = values(args, "-f");
  for (const ini of inis.length > 0 ? inis : ["omnetpp.ini"]) {
    const file = await stat(path.resolve(study, ini)).catch(() => undefined);
    if (file?.isFile()) continue;
    throw new UserError(`there is no ${ini} in ${study}`, {
      hint: "a study is a folder with an omnetpp.ini; change into one, or name the file with -f",
    });
  }
  return study;
}

/** Where the ini files here are not those of the commit, the commit's own are expanded. */
async function expandCommit(here: Whereabouts, signal?: AbortSignal): Promise<Expansion> {
  const { checkout, study, program, commit, changes } = here;
  const query = { program: program.local, args: here.args, directory: study };
  if (here.checkedOut && !changes.modified.some((file) => file.endsWith(".ini")))
    return await expand(query, { runProgram }, signal);
  const scratch = await mkdtemp(path.join(tmpdir(), "swarm-expand-"));
  const tree = path.join(scratch, "tree");
  try {
    await checkOut({ url: checkout.gitDirectory, commit }, tree, signal);
    const directory = path.join(tree, path.relative(checkout.top, study));
    return await expand({ ...query, directory }, { runProgram }, signal);
  } finally {
    await removeTree(scratch);
  }
}

/** @see `opp_run -v`, which prints `Version: 6.2.0, build: …`. */
async function omnetppVersion(program: SimulationProgram, signal?: AbortSignal): Promise<string> {
  const { stdout } = await runProgram(program.local, ["-v"], { signal });
  return /^Version: ([^\s,]+)/m.exec(stdout)?.[1] ?? "unknown";
}

function describeCampaign(
  here: Whereabouts,
  build: BuildRequest,
  expansion: Expansion,
): CampaignPlan["campaign"] {
  const { checkout, study, project, program, args } = here;
  const relative = (folder: string): string => path.relative(study, path.join(checkout.top, folder)) || ".";
  const nedPath = project.nedFolders.map(relative).join(":");
  const libraries = project.targets.filter((target) => target.kind === "library");
  return {
    protocol: PROTOCOL,
    directory: checkout.top,
    config: config(args),
    source: build.source,
    checkoutName: build.checkoutName,
    mode: build.mode,
    omnetpp: build.omnetpp,
    study: path.relative(checkout.top, study),
    project: project.folder,
    program: program.remote,
    arguments: mapPaths(args, (file) => portable(file, study, checkout.top)),
    addedOptions: addedOptions(expansion.configuration, args),
    libraries: libraries.map((target) => path.join(relative(target.folder), target.name)),
    ...(nedPath !== "." && { nedPath }),
    resultDirectory: expansion.resultDirectory,
    runs: expansion.runs.length,
  };
}

/** A path inside the checkout stays relative to the study; one outside of it can only be absolute. */
function portable(file: string, study: string, top: string): string {
  const absolute = path.resolve(study, file);
  return isInside(top, absolute) ? path.relative(study, absolute) || "." : absolute;
}
