import type { CampaignRequest } from "./request.ts";
import path from "node:path";
import type { Campaign } from "../../model/campaign.ts";
import { PROTOCOL } from "../../model/protocol.ts";
import type { Run } from "../../model/run.ts";
import { readCode, type Code } from "../../project/git/code.ts";
import { resolveCommit } from "../../project/git/commit.ts";
import { foldersBeside, surveyFolders, type FolderSurvey } from "../../project/git/folders.ts";
import type { RunSources } from "../../project/build/run-sources.ts";
import { scanCode } from "../../project/build/scan-files.ts";
import { findCompilers } from "../../project/build/find-compilers.ts";
import { fileOf } from "../../omnetpp/targets.ts";
import type { Need } from "../../project/describe/needs.ts";
import type { WorkTreeRequest } from "../../project/git/reading.ts";
import type { Expansion } from "../../omnetpp/expand.ts";
import { addedOptions, config, mapPaths } from "../../omnetpp/opp-args.ts";
import { omnetppVersion } from "../../omnetpp/simulator.ts";
import { isInside } from "../../system/paths.ts";
import { filesForDependencies, planDependencies, readDependencies, type Codes } from "./dependencies.ts";
import type { DependencyPlan } from "./plan-project.ts";
import { checkArguments, type NeededProduct } from "./check-arguments.ts";
import type { ExecutionRequest } from "./choose-program.ts";
import { expandCode } from "./expand-code.ts";
import { recordRootsOutside } from "../collect/notes.ts";
import { outputFilter } from "./output-filter.ts";
import { planOutputs, type OutputPlan } from "./outputs.ts";
import { planProject, type ProjectPlan } from "./plan-project.ts";
import { runSourcesOf } from "./run-sources-of.ts";
import { findStudyContext, type StudyContext } from "./study-context.ts";

/** How a campaign handles runs that do not complete. */
export type CampaignLimits = Pick<
  Campaign,
  "retries" | "timeoutMs" | "stopOnError" | "batchSize" | "concurrency" | "memoryBytes"
>;

/** The parts of a campaign that are known before there is a swarm for it. */
type CampaignDraft = Omit<
  Campaign,
  | "id"
  | "user"
  | "host"
  | "createdAt"
  | "source"
  | "buildKey"
  | "identity"
  | "program"
  | "libraries"
  | "runs"
  | "skipped"
  | Exclude<keyof CampaignLimits, "batchSize">
>;

/**
 * Everything that is known before a swarm is needed. A plan owns
 * temporary files, which are removed when it is disposed of.
 */
export interface CampaignPlan extends ProjectPlan, AsyncDisposable {
  studyDirectory: string;
  resultDirectory: string;
  outputs: OutputPlan;
  runs: Run[];
  /** The projects that this one needs, in build order: each after those that it needs itself. */
  dependencies: DependencyPlan[];
  campaign: CampaignDraft;
  expansion: Expansion;
  /** Projects that are referred to, but do not exist and are not used. */
  leftOut: readonly Need[];
  /** The files of the sources that runs can read. */
  runSources: RunSources;
  /** What builds must produce; otherwise all runs would fail. */
  needed: NeededProduct[];
  /** What the user and the project specify about how runs are executed. */
  execution: ExecutionRequest;
}

/**
 * Determines what to run: the study, its project, the code and the runs.
 * @throws {UserError} for everything that the user has to fix first.
 */
export async function planCampaign(request: CampaignRequest, signal?: AbortSignal): Promise<CampaignPlan> {
  return await planFrom(await findStudyContext(request, signal), request, signal);
}

/**
 * Determines what to run, like `planCampaign`, in a study that was already located.
 * @throws {UserError} for everything that the user has to fix first.
 */
export async function planFrom(
  here: StudyContext,
  request: CampaignRequest,
  signal?: AbortSignal,
): Promise<CampaignPlan> {
  const { checkout, study, program, args } = here;
  const ref = request.commit;
  const commit = ref === undefined ? undefined : await resolveCommit(checkout, ref);
  const version = request.omnetpp ?? omnetppVersion(program.local, { signal });
  const expansion = expandCode(here, commit, signal);
  const outputs = expansion.then((known) => planOutputs(known, { top: checkout.top, study, args }));
  const survey = surveyFolders(checkout.top, signal);
  // awaited below, where errors are reported
  for (const each of [outputs, survey]) each.catch(() => undefined);
  const question = workTreeOf(here, outputs, survey);
  const queries = Promise.allSettled([
    readScanned(question, commit, signal),
    readDependencies(here.dependencies, checkout.top, signal),
    expansion,
    version,
  ]);
  request.onAsked?.();
  const [reading, needed] = await queries;
  const opened = [reading, needed].flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const dispose = async (): Promise<void> => {
    await Promise.all(opened.map((each) => each[Symbol.asyncDispose]()));
  };
  try {
    const [expanded, omnetpp] = await Promise.all([expansion, version]);
    if (reading.status === "rejected") throw reading.reason;
    if (needed.status === "rejected") throw needed.reason;
    const read = { code: reading.value, needed: needed.value, workTree: question };
    const found = { ...read, survey: await survey, expansion: expanded, outputs: await outputs };
    return { ...(await makePlan(here, found, omnetpp, signal)), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose(); // otherwise the temporary files of the code would remain
    throw error;
  }
}

/** Reads the code, and starts to scan its files for names of others while the simulator lists the runs. */
async function readScanned(
  question: WorkTreeRequest,
  commit: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Code> {
  const code = await readCode(question, commit, signal);
  void scanCode(code);
  return code;
}

interface Found {
  code: Code;
  needed: Codes;
  workTree: WorkTreeRequest;
  survey: FolderSurvey;
  expansion: Expansion;
  outputs: OutputPlan;
}

async function makePlan(
  here: StudyContext,
  { code, needed, workTree, survey, expansion, outputs }: Found,
  version: string,
  signal?: AbortSignal,
): Promise<Omit<CampaignPlan, keyof AsyncDisposable>> {
  const { checkout, study, project, program } = here;
  const { mode, binDirectory } = program;
  const omnetpp = { version, ...(binDirectory !== undefined && { binDirectory }) };
  const codes = new Map(needed).set(checkout.top, code);
  const client = here.terminal.environment;
  const compilers = await findCompilers({ ...client, ...here.named });
  const settings = { mode, omnetpp, named: here.named, client, compilers };
  const dependencies = await planDependencies(here.dependencies, codes, settings, signal);
  const plan = await planProject({ project, code, workTree, ...settings, dependencies }, signal);
  const products = await checkArguments(here, { plan, dependencies });
  return {
    ...plan,
    runSources: await runSourcesOf(here, [code, ...needed.values()], expansion),
    needed: products,
    execution: {
      ...(program.remote !== undefined && { program: program.remote }),
      ...(project.isDeclared && { targets: project.targets.map((target) => fileOf(target, mode)) }),
    },
    leftOut: here.leftOut,
    studyDirectory: study,
    resultDirectory: outputs.resultDirectory,
    outputs,
    runs: expansion.runs,
    dependencies,
    campaign: describeCampaign(here, plan, { expansion, outputs, survey }),
    expansion,
  };
}

/** Returns how to read the study's checkout: without binaries and without outputs of runs. */
function workTreeOf(
  here: StudyContext,
  outputs: Promise<OutputPlan>,
  survey: Promise<FolderSurvey>,
): WorkTreeRequest {
  const { checkout, project, dependencies } = here;
  const { ship, binaries } = filesForDependencies(dependencies, checkout.top);
  const outside = recordRootsOutside(checkout.top);
  const filter = Promise.all([outputs, survey, outside]).then(([known, { recordRoots }, rootsOutside]) =>
    outputFilter({
      ...here,
      binaries,
      resultDirectory: known.resultDirectory,
      outputFiles: known.files,
      recordRoots: [...recordRoots.map((root) => path.join(checkout.top, root)), ...rootsOutside],
    }),
  );
  const isLeftOut = filter.then((found) => found.isLeftOut);
  const isOutput = filter.then((found) => found.isOutput);
  for (const each of [isLeftOut, isOutput]) each.catch(() => undefined); // reported with the expansion
  return { checkout, ship: [...project.ship, ...ship], isLeftOut, isOutput };
}

function describeCampaign(
  here: StudyContext,
  { code, build }: ProjectPlan,
  { expansion, outputs, survey }: Pick<Found, "expansion" | "outputs" | "survey">,
): CampaignDraft {
  const { checkout, study, project, args, terminal } = here;
  const relative = (folder: string): string => path.relative(study, path.join(checkout.top, folder)) || ".";
  const nedPath = project.nedFolders.map(relative).join(":");
  const folders = foldersBeside(
    survey,
    code.entries.map((entry) => entry.path),
  );
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
    ...(build.dependencies !== undefined && { dependencies: build.dependencies }),
    ...(build.environment !== undefined && { environment: build.environment }),
    ...(build.namedEnvironment !== undefined && { namedEnvironment: build.namedEnvironment }),
    terminal,
    arguments: mapPaths(args, (file) => pathForWorkers(file, here)),
    addedOptions: addedOptions(expansion.configuration, args),
    ...(nedPath !== "." && { nedPath }),
    resultDirectory: path.relative(study, outputs.resultDirectory) || ".",
    ...outputs.forWorkers,
    ...(outputs.outside.length > 0 && { outside: outputs.outside }),
    ...(code.checkedOut && folders.length > 0 && { folders }),
    // it is unknown what these libraries keep from one run to the next
    ...((expansion.configuration.has("load-libs") || outputs.runsAlone) && { batchSize: 1 }),
  };
}

/**
 * Returns the path of a file for workers. A path inside the checkout is relative to the study; a path in a
 * dependency's checkout leads to where this is on a worker, next to the study's checkout; any other path is
 * absolute. A library in the study keeps its `./`: without a folder, it is searched for elsewhere.
 */
function pathForWorkers(file: string, { checkout, study, dependencies }: StudyContext): string {
  const absolute = path.resolve(study, file);
  if (isInside(checkout.top, absolute)) {
    const relative = path.relative(study, absolute) || ".";
    return /^\.\/[^/]+$/.test(file) ? `./${relative}` : relative;
  }
  const needed = dependencies.find((each) => isInside(each.checkout.top, absolute))?.checkout.top;
  if (needed === undefined) return absolute;
  const beside = path.join(path.dirname(checkout.top), path.basename(needed));
  return path.relative(study, path.join(beside, path.relative(needed, absolute)));
}
