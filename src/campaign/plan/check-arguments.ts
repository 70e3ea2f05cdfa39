import { readdir } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import type { ProjectDescriptor } from "../../project/describe/descriptor.ts";
import { modeAdvice, otherModeOf } from "../../omnetpp/other-mode.ts";
import { libraryFiles, makemakeTarget, targetFile } from "../../omnetpp/targets.ts";
import { namedInis, namedLibraries, namedNedFolders } from "../../omnetpp/named-files.ts";
import { lstatIfExists } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";
import { isExecutable } from "../../system/program.ts";
import { nearest } from "../../model/near.ts";
import { executablesIn } from "./program.ts";
import type { DependencyPlan } from "./plan-project.ts";
import type { StudyContext } from "./study-context.ts";
import type { ProjectPlan } from "./plan-project.ts";

/** A program or library that runs need and that only a build can produce. */
export interface NeededProduct {
  /** Name for messages: `library ../src/mine`. */
  name: string;
  /** Any of these files is sufficient; relative to the git top level of the study. */
  files: string[];
}

interface Plans {
  plan: ProjectPlan;
  dependencies: readonly DependencyPlan[];
}

/** A checkout: the modes of its files, and the projects that are built in it. */
interface Place {
  top: string;
  files: ReadonlyMap<string, string>;
  projects: { project: ProjectDescriptor; plan: ProjectPlan }[];
  /** It contains the study. */
  isStudy: boolean;
}

/** Something that a campaign names: a path in a checkout, or anywhere else on this machine. */
interface Named {
  name: string;
  absolute: string;
  place: Place | undefined;
  /** Path relative to the place. */
  relative: string;
  /** Returns a file's path as the user would type it. */
  typed: (file: string) => string;
  /** Names in the same folder that may be meant. */
  similar: () => Promise<string[]>;
}

const EXECUTABLE = "100755";
const LINK = "120000";

/**
 * Checks that the ini files, NED folders, libraries and the program of a campaign are in its source, or can
 * be produced by its build.
 * @returns what the build of the study's checkout has to produce.
 * @throws {UserError} for the first one that is missing.
 */
export async function checkArguments(here: StudyContext, plans: Plans): Promise<NeededProduct[]> {
  const { args, checkout, study, program } = here;
  const places = placesOf(here, plans);
  const find = (name: string, file: string): Named => {
    const absolute = path.resolve(study, file);
    const place = places.find(({ top }) => isInside(top, absolute));
    const relative = place ? path.relative(place.top, absolute) : "";
    const typed = (other: string): string => path.relative(study, other);
    const similar = async (): Promise<string[]> => readdir(path.dirname(absolute)).catch(() => []);
    return { name, absolute, place, relative, typed, similar };
  };
  for (const ini of namedInis(args)) await checkFile(find(`ini file ${ini}`, ini));
  for (const { name, folder } of nedFolders(here)) await checkFolder(find(name, folder));
  const libraries = namedLibraries(args);
  const needed: NeededProduct[] = [];
  for (const library of libraries.filter((each) => each.includes("/"))) {
    const named = find(`library ${library}`, library);
    needed.push(...(await checkProduct(named, (file) => libraryFiles(file, program.mode))));
  }
  if (program.remote?.kind === "project") {
    const file = path.join(checkout.top, program.remote.path);
    const named = find(`program ${path.relative(study, file)}`, file);
    await checkMode(named);
    const typed = (other: string): string => programPath(path.relative(study, other));
    const similar = async (): Promise<string[]> => programsNear(file, here);
    needed.push(...(await checkProduct({ ...named, typed, similar }, (each) => [each])));
    return needed;
  }
  return libraries.length > 0 ? needed : ownLibraries(here, plans.plan);
}

/** Returns the programs in the folder of a program, and those that the project builds there. */
async function programsNear(file: string, { checkout, project, program }: StudyContext): Promise<string[]> {
  const folder = path.dirname(file);
  const built = project.targets
    .filter((target) => target.kind === "executable")
    .map((target) => path.join(checkout.top, targetFile(target, program.mode)))
    .filter((each) => path.dirname(each) === folder);
  return [...(await executablesIn(folder)), ...built.map((each) => path.basename(each))];
}

/** Returns the path of a program as a shell needs it. */
function programPath(relative: string): string {
  return relative.includes("/") ? relative : `./${relative}`;
}

/** Returns the libraries of the study's project that runs load if the user named none. */
function ownLibraries({ project, program }: StudyContext, { code }: ProjectPlan): NeededProduct[] {
  const files = new Set(code.entries.map((entry) => entry.path));
  if (!project.isDeclared) return []; // only the build determines its targets
  return project.targets.flatMap((target) => {
    const file = targetFile(target, program.mode);
    if (target.kind !== "library" || files.has(file)) return [];
    return [{ name: `library ${path.posix.join(target.folder, target.name)}`, files: [file] }];
  });
}

async function checkFile(named: Named): Promise<void> {
  const { place, relative, absolute } = named;
  const isThere = place === undefined ? await lstatIfExists(absolute) : isIn(place, relative);
  if (!isThere) throw await missing(named, [absolute]);
}

/** Returns the NED folders of the option `-n`, otherwise those of the project. */
function nedFolders({ args, project, checkout }: StudyContext): { name: string; folder: string }[] {
  const named = namedNedFolders(args);
  if (named !== undefined) return named.map((folder) => ({ name: `NED folder ${folder}`, folder }));
  return project.nedFolders.map((folder) => ({
    name: `NED folder ${folder || "."} of the project`,
    folder: path.join(checkout.top, folder),
  }));
}

/** Checks that a folder exists; it may be empty. */
async function checkFolder(named: Named): Promise<void> {
  const { place, relative, absolute } = named;
  if (place !== undefined && (relative === "" || isIn(place, relative))) return;
  for (const file of place?.files.keys() ?? []) if (file.startsWith(`${relative}/`)) return;
  const names = await readdir(absolute).catch(() => undefined);
  if (names === undefined || (place !== undefined && names.length > 0))
    throw await missing(named, [absolute]);
}

/** Checks that a program in the source is executable, unless the build replaces it. */
async function checkMode({ name, place, relative, absolute }: Named): Promise<void> {
  const mode = place?.files.get(relative);
  if (place === undefined || mode === undefined || mode === EXECUTABLE || mode === LINK) return;
  if (place.projects.some((each) => mayBuild(each, [relative])) || (await isExecutable(absolute))) return;
  throw new UserError(`the ${name} is not executable`, { hint: `run: chmod +x ${absolute}` });
}

/**
 * Checks that a product exists or can be built.
 * @returns the product, if the build of the study's checkout has to produce it.
 */
async function checkProduct(named: Named, candidates: (file: string) => string[]): Promise<NeededProduct[]> {
  const { name, place, relative, absolute } = named;
  const here = candidates(absolute);
  const files = candidates(relative);
  if (place === undefined) {
    const found = await Promise.all(here.map((file) => lstatIfExists(file)));
    if (found.some((each) => each?.isFile())) return [];
    throw await missing(named, [], here);
  }
  if (files.some((file) => isIn(place, file))) return [];
  if (!place.projects.some((each) => mayBuild(each, files))) throw await missing(named, here, here);
  return place.isStudy ? [{ name, files }] : [];
}

/** Returns whether the source contains a file, or a symbolic link on the way to it. */
function isIn({ files }: Pick<Place, "files">, file: string): boolean {
  if (files.has(file)) return true;
  const folder = path.dirname(file);
  return folder !== "." && (files.get(folder) === LINK || isIn({ files }, folder));
}

/**
 * Returns whether a project's build may produce one of some files. Only the products of `opp_makemake` are
 * known in advance; a Makefile, configure or commands may produce anything.
 */
function mayBuild({ project, plan }: Place["projects"][number], files: readonly string[]): boolean {
  const { kind } = plan.build.recipe;
  if (kind === "none") return false;
  if (kind !== "makemake" || project.targets.length === 0) return true;
  const defaultTargets = project.makemake.flatMap(({ folder, options }) =>
    makemakeTarget(path.join(plan.gitTop, folder), folder, options),
  );
  return [...project.targets, ...defaultTargets].some((target) =>
    files.includes(targetFile(target, plan.build.mode)),
  );
}

function placesOf({ checkout, project }: StudyContext, { plan, dependencies }: Plans): Place[] {
  const places = new Map<string, Place>();
  for (const each of [
    { project, plan },
    ...dependencies.map((one) => ({ project: one.project, plan: one })),
  ]) {
    const { gitTop: top, code } = each.plan;
    const files = new Map(code.entries.map((entry) => [entry.path, entry.mode]));
    const place = places.get(top) ?? { top, files, projects: [], isStudy: top === checkout.top };
    place.projects.push(each);
    places.set(top, place);
  }
  // nested checkouts before those that contain them
  return [...places.values()].sort((one, other) => other.top.length - one.top.length);
}

/** Returns a hint that names a file with a similar name, or else the paths that were looked for. */
async function similarFile({ absolute, typed, similar }: Named, files: readonly string[]): Promise<string> {
  const names = await similar();
  const [near] = files.flatMap((file) => nearest(path.basename(file), names).slice(0, 1));
  if (near !== undefined) return `did you mean ${typed(path.join(path.dirname(absolute), near))}?`;
  return `looked for ${files.join(", ")}`;
}

/**
 * Returns the error for something that is missing.
 * @param files its possible paths on this machine.
 * @param products paths of the products that a build would have produced.
 */
async function missing(
  named: Named,
  files: readonly string[],
  products: readonly string[] = [],
): Promise<UserError> {
  const { name, place } = named;
  const found = await Promise.all(files.map((file) => lstatIfExists(file)));
  const isHere = place !== undefined && found.some((each) => each !== undefined);
  const reason = isHere ? "is not part of the source" : "does not exist";
  for (const file of isHere ? [] : products) {
    const other = await otherModeOf(file);
    if (other !== undefined)
      return new UserError(`the ${name} ${reason}`, { hint: `${other}; ${modeAdvice(file)}` });
  }
  return new UserError(`the ${name} ${reason}`, {
    hint: isHere
      ? 'check the name; if git ignores the file, list it under "ship" in swarm.json'
      : await similarFile(named, files),
  });
}
