import { accessSync, constants, existsSync, lstatSync, readdirSync, realpathSync } from "node:fs";
import path from "node:path";
import { errorText, UserError } from "../../errors.ts";
import type { Outputs } from "../../model/campaign.ts";
import { YES } from "../../model/verdict.ts";
import { checkName } from "../../stores/output-path.ts";
import type { Expansion, RunOutputs } from "../../omnetpp/expand.ts";
import { iniFolders, type IniFolders } from "../../omnetpp/ini-folders.ts";
import { namedInis } from "../../omnetpp/named-files.ts";
import { config, isTyped, type SimulationArguments } from "../../omnetpp/opp-args.ts";
import { configuredOption, OUTPUT_OPTIONS, type OutputOption } from "../../omnetpp/output-options.ts";
import { extensionOf } from "../../omnetpp/result-files.ts";
import { isInside } from "../../system/paths.ts";
import { homeDirectory } from "../../system/user.ts";
import { refuseAbsoluteResultDirectory } from "./absolute-result-directory.ts";

/** Where the runs of a campaign write. */
export interface OutputPlan {
  /** Folder of the records, absolute. */
  resultDirectory: string;
  /** @see OutputPlaces */
  outside: string[];
  /** Configured output files, absolute. */
  files: string[];
  forWorkers: Omit<Outputs, "outside" | "folders">;
  /** Several runs must not share a process, because their outputs could not be distinguished. */
  runsAlone: boolean;
  /** Files to which a local run would append, if they exist: names, or patterns with a `*` in them. */
  appendedTo: { runNumber: number; option: string; file: string }[];
}

export interface OutputRequest {
  /** Git top level and study, absolute. */
  top: string;
  study: string;
  args: SimulationArguments;
}

/**
 * Determines from the configurations where the runs will write.
 * @throws {UserError} for what cannot work correctly on a swarm: a file to which
 *   several runs append; a result directory that contains the project itself or
 *   the user's home, or whose path on a worker would be in parameters.
 */
export async function planOutputs(expansion: Expansion, question: OutputRequest): Promise<OutputPlan> {
  const { args, study } = question;
  const folders = await iniFolders(study, namedInis(args));
  refuseAbsoluteResultDirectory(expansion.configuration, folders.all[0]!, study);
  const runs = expansion.outputs.map((run) => resolveRun(run, folders, question));
  const configured = OUTPUT_OPTIONS.filter((option) =>
    expansion.outputs.some((run) => run.values[option] !== undefined),
  );
  const links = new Map<string, string>();
  const outside = new Set<string>();
  for (const run of runs) {
    for (const folder of run.folders) addFolder(folder, question, { outside, links });
    for (const file of run.files) addFile(file, question, { outside, links });
  }
  // `true`, `false` or an expression
  const redirectOutput = configuredOption(expansion.configuration, "cmdenv-redirect-output") ?? "false";
  const mapsPaths = expansion.outputs.some((run) =>
    Object.values(run.values).some((value) => path.isAbsolute(value)),
  );
  const asksOutputFile = redirectOutput !== "true" && hidesOutputFile(configured);
  return {
    resultDirectory: resultRoot(runs, configured, question),
    outside: [...outside],
    files: [...new Set(runs.flatMap(({ byOption }) => Object.values(byOption)))],
    forWorkers: {
      iniFolder: path.relative(study, folders.all[0]!) || ".",
      ...(asksOutputFile && {
        outputFileFolder: path.relative(study, basesOf("cmdenv-output-file", folders, question)[0]!) || ".",
      }),
      ...(links.size > 0 && { openedLinks: [...links.keys()] }),
      ...(mapsPaths && { mapsPaths }),
      ...(configuredOption(expansion.configuration, "fname-append-host") === "true" && { appendsHost: true }),
      ...(asksOutputFile && { asksOutputFile }),
      ...(configured.length > 0 && { ownOutputFiles: configured }),
    },
    runsAlone: redirectOutput !== "false" || mapsPaths || asksOutputFile,
    appendedTo: appendedFiles(expansion, runs, args),
  };
}

/** Whether these options leave open where a run prints: its result files are elsewhere, or its output is. */
function hidesOutputFile(configured: readonly OutputOption[]): boolean {
  const has = (option: OutputOption): boolean => configured.includes(option);
  return has("cmdenv-output-file") || (has("output-scalar-file") && has("output-vector-file"));
}

interface ResolvedRun {
  runNumber: number;
  /** Result directory as the simulator's default file names use it, and as parameters use it. */
  folders: string[];
  /** Configured files, relative to each folder to which their names may be relative. */
  files: string[];
  /** The most likely path of each file. */
  byOption: Partial<Record<OutputOption, string>>;
  appends: RunOutputs["appends"];
}

function resolveRun(
  { runNumber, values: configured, appends }: RunOutputs,
  folders: IniFolders,
  question: OutputRequest,
): ResolvedRun {
  const resultDirectory = configured["result-dir"] ?? "results";
  const byOption: ResolvedRun["byOption"] = {};
  const files: string[] = [];
  for (const option of OUTPUT_OPTIONS) {
    const value = configured[option];
    if (option === "result-dir" || value === undefined) continue;
    const bases = basesOf(option, folders, question);
    byOption[option] = path.resolve(bases[0]!, value);
    files.push(...bases.map((base) => path.resolve(base, value)));
  }
  const directory = path.resolve(folders.all[0]!, resultDirectory);
  return {
    runNumber,
    folders: [directory, path.resolve(question.study, resultDirectory)],
    files,
    byOption,
    appends,
  };
}

/** Returns the folders to which the name of a file may be relative; the first one is the most likely. */
function basesOf(
  option: OutputOption,
  { all, having }: IniFolders,
  { study, args }: OutputRequest,
): string[] {
  if (isTyped(args, option)) return [study];
  return having.get(option) ?? (option === "cmdenv-output-file" ? all.slice(0, 1) : all);
}

interface Found {
  outside: Set<string>;
  links: Map<string, string>;
}

function addFolder(folder: string, { top, study }: OutputRequest, { outside, links }: Found): void {
  if (isInside(top, folder)) {
    refuseForbidden(folder.slice(top.length), folder);
    const real = addLinks(folder, top, links);
    if (real !== undefined && !isInside(top, real))
      addFolder(real, { top, study, args: [] }, { outside, links });
    return;
  }
  const home = homeDirectory();
  if (isInside(folder, top) || (home !== undefined && isInside(folder, home))) {
    throw new UserError(
      `the result directory ${folder} contains ${isInside(folder, top) ? "the project itself" : "your home directory"}`,
      {
        hint: "set result-dir to a folder that holds only results, such as results or ../../results/name",
      },
    );
  }
  refuseForbidden(folder, folder);
  outside.add(`${folder}/`);
}

function addFile(file: string, { top }: OutputRequest, { outside, links }: Found): void {
  if (!isInside(top, file)) {
    refuseForbidden(file, file);
    outside.add(file);
    return;
  }
  refuseForbidden(file.slice(top.length), file);
  const real = addLinks(path.dirname(file), top, links);
  if (real !== undefined && !isInside(top, real)) outside.add(path.join(real, path.basename(file)));
}

function refuseForbidden(name: string, place: string): void {
  const named = name === "" ? YES : checkName(name);
  if (named.ok) return;
  throw new UserError(`cannot store results in ${place}: it is ${named.reason}`, {
    hint: "set result-dir to another folder, or rename this one",
  });
}

/**
 * Adds the user's links on the way to a folder, by which the runs of a worker would leave its working tree.
 * @returns the folder without links, if there are any.
 */
function addLinks(folder: string, top: string, links: Map<string, string>): string | undefined {
  let real: string | undefined;
  const names = path.relative(top, folder).split(path.sep);
  for (const index of names.keys()) {
    const place = path.join(top, ...names.slice(0, index + 1));
    if (!lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink()) continue;
    if (!existsSync(place)) {
      throw new UserError(`cannot store results in ${folder}: ${place} is a dangling symbolic link`, {
        hint: "create the folder that the link points to, or remove the link",
      });
    }
    const target = realpathSync(place);
    links.set(path.relative(top, place), target);
    real = path.join(target, ...names.slice(index + 1));
  }
  return real;
}

/** Returns the folder of the records: the one that contains the results of all runs. */
function resultRoot(
  runs: readonly ResolvedRun[],
  configured: readonly OutputOption[],
  { top, study }: OutputRequest,
): string {
  const usesDirectory =
    !configured.includes("output-scalar-file") || !configured.includes("output-vector-file");
  const folders = runs.flatMap(({ folders: [directory], byOption }) =>
    usesDirectory
      ? [directory!]
      : [byOption["output-scalar-file"], byOption["output-vector-file"]].flatMap((file) =>
          file === undefined ? [] : [path.dirname(file)],
        ),
  );
  const common = folders.reduce(commonFolder);
  const isChosen = folders.includes(common);
  return isChosen || (isInside(top, common) && !isInside(common, study)) ? common : folders[0]!;
}

function commonFolder(one: string, other: string): string {
  return isInside(one, other) ? one : commonFolder(path.dirname(one), other);
}

/**
 * Returns the files to which a local run would append.
 * @throws {UserError} if several runs append to one file.
 */
function appendedFiles(
  { runs: chosen }: Expansion,
  runs: readonly ResolvedRun[],
  args: SimulationArguments,
): OutputPlan["appendedTo"] {
  const appended: OutputPlan["appendedTo"] = [];
  for (const { runNumber, folders, byOption, appends } of runs) {
    for (const option of appends) {
      const file = byOption[option] ?? path.join(folders[0]!, `${config(args)}-*${extensionOf(option)}`);
      const other = appended.find((each) => each.file === file && byOption[option] !== undefined);
      if (
        other !== undefined ||
        (byOption[option] !== undefined && runs.length < chosen.length && chosen.length > 1)
      ) {
        throw new UserError(`${option}-append is true, and several runs append to ${file}`, {
          hint: `on a swarm each run needs its own file: set ${option}-append = false and remove ${option}`,
        });
      }
      appended.push({ runNumber, option, file });
    }
  }
  return appended;
}

/**
 * Refuses runs that would append to existing files: on a swarm, they would overwrite them.
 * @param runNumbers of the runs that are about to be queued.
 * @throws {UserError}
 */
export function refuseAppending(appendedTo: OutputPlan["appendedTo"], runNumbers: ReadonlySet<number>): void {
  if (runNumbers.size === 0) return;
  for (const { runNumber, option, file } of appendedTo) {
    if (!file.includes("*") && !runNumbers.has(runNumber)) continue;
    const existing = file.includes("*") ? matching(file) : existsSync(file) ? file : undefined;
    if (existing === undefined) continue;
    throw new UserError(
      `${option}-append is true, and ${existing} exists: a run on a swarm cannot append to it`,
      {
        hint: `set ${option}-append = false, or move the file away`,
      },
    );
  }
}

/**
 * Checks before the campaign that the places outside the checkout can be written.
 * @throws {UserError} if one cannot.
 */
export function refuseUnwritable(outside: readonly string[]): void {
  for (const place of outside) {
    let folder = place.endsWith("/") ? place.slice(0, -1) : path.dirname(place);
    while (!existsSync(folder) && folder !== "/") folder = path.dirname(folder);
    try {
      accessSync(folder, constants.W_OK);
    } catch (error) {
      throw new UserError(`cannot store results in ${place}: ${errorText(error)}`, { cause: error });
    }
  }
}

function matching(pattern: string): string | undefined {
  const { dir, base } = path.parse(pattern);
  const [start = "", end = ""] = base.split("*");
  const names = existsSync(dir) ? readdirSync(dir) : [];
  const found = names.find((name) => name.startsWith(start) && name.endsWith(end));
  return found === undefined ? undefined : path.join(dir, found);
}
