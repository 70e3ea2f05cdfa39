import { realpath, stat } from "node:fs/promises";
import path from "node:path";
import { errorCode, UserError } from "../errors.ts";
import type { BuildRequest } from "../model/build.ts";
import type { Campaign } from "../model/campaign.ts";
import { PROTOCOL } from "../model/protocol.ts";
import type { Run } from "../model/run.ts";
import { readCode, type Code } from "../project/code.ts";
import { describeProject, targetFile, type ProjectDescriptor } from "../project/descriptor.ts";
import { openCheckout, resolveCommit, type Checkout } from "../project/git.ts";
import { findOwnBuild, type OwnBuild } from "../project/own-build.ts";
import { recipeFor, sourcesHash } from "../project/sources.ts";
import type { Expansion } from "../simulation/expand.ts";
import {
  addedOptions,
  config,
  mapPaths,
  parseSimulationArguments,
  values,
  type SimulationArguments,
} from "../simulation/opp-args.ts";
import { omnetppVersion } from "../simulation/simulator.ts";
import { isInside } from "../system/paths.ts";
import { expandCode } from "./expand-code.ts";
import { findSimulationProgram, type SimulationProgram } from "./program.ts";

/** How a campaign deals with runs that do not end well. */
export type CampaignLimits = Pick<Campaign, "retries" | "timeoutMs" | "stopOnError">;

/** What the user asked for. */
export interface CampaignRequest {
  /** Where he typed it, or `-C`. */
  directory: string;
  /** Commit, branch or tag; undefined for the files as they lie here. */
  commit: string | undefined;
  program: string | undefined;
  /** Version of the OMNeT++ to use, where it is not to be the one that is here. */
  omnetpp?: string | undefined;
  /** The simulation's arguments, untouched. */
  arguments: readonly string[];
}

/** What is known of a campaign before there is a swarm for it. */
export type CampaignDraft = Omit<
  Campaign,
  | "id"
  | "user"
  | "host"
  | "createdAt"
  | "source"
  | "buildKey"
  | "identity"
  | "runs"
  | "skipped"
  | keyof CampaignLimits
>;

/** Everything that is known before a swarm is needed. It holds temporary files as long as it lives. */
export interface CampaignPlan extends AsyncDisposable {
  gitTop: string;
  studyDirectory: string;
  resultDirectory: string;
  runs: Run[];
  code: Code;
  build: Omit<BuildRequest, "source">;
  /** The user's own binaries, or why they cannot be used. */
  ownBuild: OwnBuild | string;
  campaign: CampaignDraft;
  expansion: Expansion;
}

/** Where the user is and what he typed. */
export interface Whereabouts {
  checkout: Checkout;
  study: string;
  project: ProjectDescriptor;
  program: SimulationProgram;
  args: SimulationArguments;
}

/**
 * Finds out what is to be run: the study, its project, the code and the runs.
 * @throws {UserError} for everything that the user has to mend first.
 */
export async function planCampaign(request: CampaignRequest, signal?: AbortSignal): Promise<CampaignPlan> {
  const args = parseSimulationArguments(request.arguments);
  const study = await studyDirectory(request.directory, args);
  const checkout = await openCheckout(study, signal);
  const project = await describeProject(checkout.top, study);
  const program = await findSimulationProgram(request.program, study, checkout.top, project);
  const here: Whereabouts = { checkout, study, project, program, args };
  const ref = request.commit;
  const commit = ref === undefined ? undefined : await resolveCommit(checkout, ref);
  const version = request.omnetpp ?? omnetppVersion(program.local, { signal });
  const expansion = expandCode(here, commit, signal);
  const isLeftOut = expansion.then((known) => leftOut(here, known));
  isLeftOut.catch(() => undefined); // told with the expansion
  const question = { checkout, ship: [], isLeftOut };
  const [reading] = await Promise.allSettled([readCode(question, commit, signal), expansion, version]);
  const known = await disposeUnless(reading, Promise.all([expansion, version]));
  if (reading.status === "rejected") throw reading.reason;
  return await disposeUnless(reading, makePlan(here, reading.value, known[0], known[1], signal));
}

/** What fails beside the code would leave the files behind that belong to it. */
async function disposeUnless<T>(reading: PromiseSettledResult<Code>, other: Promise<T>): Promise<T> {
  try {
    return await other;
  } catch (error) {
    if (reading.status === "fulfilled") await reading.value[Symbol.asyncDispose]();
    throw error;
  }
}

async function makePlan(
  here: Whereabouts,
  code: Code,
  expansion: Expansion,
  version: string,
  signal?: AbortSignal,
): Promise<CampaignPlan> {
  const { checkout, study, project, program } = here;
  const build: CampaignPlan["build"] = {
    protocol: PROTOCOL,
    sourcesHash: sourcesHash(code.entries),
    checkoutName: path.basename(checkout.top),
    project: project.folder,
    recipe: recipeFor(project, code.entries),
    mode: program.mode,
    omnetpp: { version, ...(program.binDirectory !== undefined && { binDirectory: program.binDirectory }) },
    ...(project.featureState !== undefined && { featureState: project.featureState }),
  };
  return {
    gitTop: checkout.top,
    studyDirectory: study,
    resultDirectory: path.resolve(study, expansion.resultDirectory),
    runs: expansion.runs,
    code,
    build,
    ownBuild: await ownBuild(here, code, build, expansion, signal),
    campaign: describeCampaign(here, code, build, expansion),
    expansion,
    [Symbol.asyncDispose]: () => code[Symbol.asyncDispose](),
  };
}

/** The binaries here are those of the work tree: of a commit only where its sources are the same. */
async function ownBuild(
  here: Whereabouts,
  code: Code,
  build: CampaignPlan["build"],
  expansion: Expansion,
  signal?: AbortSignal,
): Promise<OwnBuild | string> {
  const { checkout, project, program } = here;
  const question = { top: checkout.top, project, mode: program.mode, tree: code.entries };
  if (code.checkedOut) return await findOwnBuild(question);
  const isLeftOut = Promise.resolve(leftOut(here, expansion));
  await using lying = await readCode({ checkout, ship: [], isLeftOut }, undefined, signal);
  if (sourcesHash(lying.entries) !== build.sourcesHash) return "other sources are checked out";
  return await findOwnBuild({ ...question, tree: lying.entries });
}

/** Of the untracked files, binaries and results have no business in a source. */
function leftOut({ checkout, study, project }: Whereabouts, expansion: Expansion): (file: string) => boolean {
  const binaries = project.targets.flatMap((target) => [
    targetFile(target, "release"),
    targetFile(target, "debug"),
  ]);
  const results = path.resolve(study, expansion.resultDirectory);
  const isStudy = isInside(results, study); // `--result-dir=.`: what is a result is told by its name alone
  return (file) => binaries.includes(file) || (!isStudy && isInside(results, path.join(checkout.top, file)));
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

function describeCampaign(
  here: Whereabouts,
  code: Code,
  build: CampaignPlan["build"],
  expansion: Expansion,
): CampaignDraft {
  const { checkout, study, project, program, args } = here;
  const relative = (folder: string): string => path.relative(study, path.join(checkout.top, folder)) || ".";
  const nedPath = project.nedFolders.map(relative).join(":");
  const libraries = project.targets.filter((target) => target.kind === "library");
  return {
    protocol: PROTOCOL,
    directory: checkout.top,
    config: config(args),
    commit: code.commit,
    changedFiles: code.changed.length,
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
  };
}

/**
 * A path inside the checkout stays relative to the study; one outside of it can only be absolute. A library of
 * the study keeps its folder: without one it is looked for elsewhere.
 */
function portable(file: string, study: string, top: string): string {
  const absolute = path.resolve(study, file);
  if (!isInside(top, absolute)) return absolute;
  const relative = path.relative(study, absolute) || ".";
  return /^\.\/[^/]+$/.test(file) ? `./${relative}` : relative;
}
