import { readdir } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { readTextIfExists, linesOf } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";
import { chooseProject, type Leads } from "./choose-project.ts";
import { findBuild } from "./find-build.ts";
import { isNedFile } from "../../omnetpp/ned-files.ts";
import type { MakemakeFolder } from "../../omnetpp/makemake.ts";
import { readMakefile } from "../files/makefiles.ts";
import { defaultNedFolders } from "./ned-folders.ts";
import { findNeeds, type Need } from "./needs.ts";
import { readOppFile, type OppFile } from "./opp-file.ts";
import { readSwarmFile } from "./swarm-file.ts";
import { makefileTarget, makemakeTarget, type Target } from "../../omnetpp/targets.ts";

/**
 * The properties of a project. Each comes from the first source that has it: `swarm.json`, an `.opp` file,
 * the usual files of OMNeT++ projects. Paths are relative to the git top level.
 */
export interface ProjectDescriptor {
  name: string;
  /** The project's folder; empty for the top level. */
  folder: string;
  /** Why that folder is the project of a study, as half a sentence. */
  reason?: string;
  /** From `.nedfolders`, otherwise the project's folder. */
  nedFolders: string[];
  /** Packages excluded from these folders; undefined: as `.nedexclusions` says after the build. */
  nedExclusions: string[] | undefined;
  /**
   * From `.oppbuildspec`, otherwise from the header of a Makefile that `opp_makemake` wrote; may be empty.
   */
  makemake: MakemakeFolder[];
  /** The kind of Makefile in the project's folder; undefined if there is none that builds code. */
  makefile: "written" | "generated" | undefined;
  /** CMake builds it in an unknown way. */
  isOtherCmake: boolean;
  /**
   * The expected products of the build; the actual products
   * are used, unless the project names its targets itself.
   */
  targets: Target[];
  /** `swarm.json` or an `.opp` file names the targets. */
  isDeclared: boolean;
  /** Shell commands that build the project, instead of the detected way. */
  commands: string[] | undefined;
  /** Contents of files that git ignores and that decide what is built, by name. */
  stateFiles: Record<string, string>;
  /** Files that are sent although git ignores them. */
  ship: string[];
  environment: Record<string, string>;
  /** The projects that this one needs. */
  needs: Need[];
}

/** @see cmake(1): -S, -B, --build. */
const CMAKE = [
  'cmake -S . -B build -DCMAKE_BUILD_TYPE=$([ "$MODE" = debug ] && echo Debug || echo Release)',
  'cmake --build build --parallel "$JOBS"',
];

/**
 * Describes the project that a study belongs to. If the study is outside the project, its folder is added to
 * the NED folders, as a local run would load it.
 * @param top git top level, absolute.
 * @throws {UserError} if the project cannot be determined, or one of its files is invalid.
 */
export async function describeProject(top: string, study: string, leads?: Leads): Promise<ProjectDescriptor> {
  const { root, reason } = await chooseProject(top, study, leads);
  const project = { ...(await describeFolder(top, root)), reason };
  if (isInside(root, study) || !(await hasNed(study))) return project;
  return { ...project, nedFolders: [...project.nedFolders, path.relative(top, study)] };
}

async function hasNed(folder: string): Promise<boolean> {
  return (await readdir(folder)).some(isNedFile);
}

/**
 * Describes the project in a folder.
 * @throws {UserError} if one of its files is invalid.
 * @see OMNeT++ User Guide, "The .oppbuildspec file"; opp_makemake(1).
 */
export async function describeFolder(top: string, root: string): Promise<ProjectDescriptor> {
  const relative = (file: string): string => path.relative(top, path.resolve(root, file));
  const swarm = (await readSwarmFile(root, top)) ?? {};
  const opp = await readOppFile(root);
  const listed = (await linesOf(path.join(root, ".nedfolders"))).filter((line) => !line.startsWith("-"));
  const nedFolders =
    swarm.nedFolders ?? opp?.nedFolders ?? (listed.length > 0 ? listed : await defaultNedFolders(root));
  const build = await findBuild(root);
  const makemake = build.folders.map((entry) => ({ ...entry, folder: relative(entry.folder) }));
  refuseOutside(makemake, root, top);
  const declared = namedTargets(swarm, opp, relative);
  return {
    name: swarm.name ?? opp?.name ?? path.basename(root),
    folder: relative("."),
    nedFolders: nedFolders.map(relative),
    nedExclusions: swarm.nedExclusions ?? opp?.nedExclusions,
    makemake,
    makefile: build.makefile,
    targets: declared ?? (await Promise.all(makemake.map((each) => expectedTargets(top, each)))).flat(),
    isDeclared: declared !== undefined,
    commands: swarm.build ?? (build.cmake === "omnetpp" ? CMAKE : undefined),
    isOtherCmake: build.cmake === "other",
    stateFiles: await readStateFiles(root),
    ship: (swarm.ship ?? []).map(relative),
    environment: swarm.environment ?? {},
    needs: await findNeeds(root, swarm.uses, opp, build.folders),
  };
}

/** Workers have only the checkout, so nothing outside can be built. */
function refuseOutside(makemake: readonly MakemakeFolder[], root: string, top: string): void {
  const outside = makemake.find(({ folder }) => !isInside(top, path.join(top, folder)));
  if (outside === undefined) return;
  throw new UserError(
    `${root} builds in ${path.join(top, outside.folder)}, which is outside the checkout ${top}`,
    {
      hint: 'list projects outside the checkout in swarm.json: "uses": […]',
    },
  );
}

function namedTargets(
  { libraries, executable }: { libraries?: string[] | undefined; executable?: string | undefined },
  opp: OppFile | undefined,
  relative: (file: string) => string,
): Target[] | undefined {
  const target = (kind: Target["kind"], file: string): Target => {
    const { dir, base } = path.posix.parse(relative(file));
    return { kind, folder: dir, name: base };
  };
  if (executable !== undefined) return [target("executable", executable)];
  if (libraries !== undefined) return libraries.map((library) => target("library", library));
  return opp?.targets?.map((each) => ({ ...each, folder: relative(each.folder) }));
}

/**
 * Returns the target that a generated Makefile names, otherwise the targets that `opp_makemake` would build.
 */
async function expectedTargets(top: string, { folder, options }: MakemakeFolder): Promise<Target[]> {
  const place = path.join(top, folder);
  const makefile = (await readMakefile(place))?.text ?? "";
  const target = makefileTarget(makefile, folder);
  return target === undefined ? makemakeTarget(place, folder, options) : [target];
}

/**
 * Returns the contents of the state files. In a project
 * with features, the build writes `.nedexclusions` itself.
 */
async function readStateFiles(root: string): Promise<Record<string, string>> {
  const features = await readTextIfExists(path.join(root, ".oppfeatures"));
  const names = [".oppfeaturestate", ...(features === undefined ? [".nedexclusions"] : [])];
  const contents = await Promise.all(
    names.map(async (name) => [name, await readTextIfExists(path.join(root, name))] as const),
  );
  return Object.fromEntries(contents.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
