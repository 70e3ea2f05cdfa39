import { MODES, type Recipe } from "../../model/build.ts";
import { isGeneratedCode, isInObjectFolder } from "../../omnetpp/generated-code.ts";
import { targetFile } from "../../omnetpp/targets.ts";
import type { ProjectDescriptor } from "../describe/descriptor.ts";
import { describesBuild, kindOf } from "../files/file-kinds.ts";
import { pathsUpwards } from "../files/text-scan.ts";
import { LINK } from "../git/disk.ts";
import type { TreeEntry } from "../git/git.ts";
import { folderOf, isUnder, leadsOf, leadsOutOf, Places, type Lead } from "./leads.ts";
import { mentionedIn, type BuildSourcesQuestion, type Mentioned } from "./mentioned-files.ts";
import { scanCode, type FileScan, type FileScans } from "./scan-files.ts";

// The rule, as docs/builds.md describes it for users. A file decides a build if it is in the project's
// folder, or in a place that its code or its build refers to, and if it is code, describes a build, is of an
// unknown kind, or is data that the scripts of the build mention. In doubt, a file counts.

/** Returns the files that decide what a build of a project produces. */
export async function findBuildSources(question: BuildSourcesQuestion): Promise<TreeEntry[]> {
  const { recipe, code } = question;
  if (recipe.kind === "none") return [];
  const scans = await scanCode(code);
  const isData = ({ mode, path: file }: TreeEntry): boolean => mode !== LINK && kindOf(file) === "data";
  let scripts = new Set<string>();
  let near: readonly TreeEntry[];
  let mentioned: Mentioned;
  for (;;) {
    const inArea = areaOf(question, scans, scripts);
    near = code.entries.filter((entry) => inArea(entry.path));
    mentioned = await mentionedIn(question, near, scans);
    if (mentioned.scripts.size === scripts.size) break;
    scripts = mentioned.scripts; // files that these refer to count, too
  }
  const paths = new Set(code.entries.map((entry) => entry.path));
  const products = question.project.targets.flatMap((target) =>
    MODES.map((mode) => targetFile(target, mode)),
  );
  return near.filter((entry) => {
    if (isRemade(entry.path, recipe, paths) || products.includes(entry.path)) return false;
    return !isData(entry) || mentioned.has(entry.path);
  });
}

/** Returns whether a build by `opp_makemake` always rewrites a file, even if git tracks it. */
function isRemade(file: string, recipe: Recipe, paths: ReadonlySet<string>): boolean {
  if (recipe.kind !== "makemake") return false;
  return isInObjectFolder(file) || isGeneratedCode(file, (source) => paths.has(source));
}

/**
 * Returns a function that reports whether a file is in the project's
 * folder, or in a place that something in this area refers to.
 */
function areaOf(
  question: BuildSourcesQuestion,
  { files, unread }: FileScans,
  scripts: ReadonlySet<string>,
): (file: string) => boolean {
  const { project, code, recipe } = question;
  const { top } = code.checkout;
  const folders = recipe.kind === "makemake" ? recipe.folders : project.makemake;
  const area: Lead[] = [project.folder, ...folders.map(({ folder }) => folder)].map(known);
  const places = new Places(code.entries);
  const inArea = (file: string): boolean => area.some((lead) => places.reaches(lead, file));
  const leads = [...ofOptions(question, folders), ...ofCommands(question)];
  let left: readonly FileScan[] = files;
  for (;;) {
    for (const lead of leads.splice(0)) if (places.isThere(lead) && !isUnderAny(area, lead)) area.push(lead);
    if (area.some(({ place }) => place === "")) return () => true;
    if (unread.some((file) => describesBuild(file) && inArea(file))) return () => true;
    const found = left.filter(({ entry }) => inArea(entry.path));
    if (found.length === 0) return inArea;
    const isFound = new Set(found);
    left = left.filter((scan) => !isFound.has(scan));
    const root = area.map(({ place }) => place);
    for (const scan of found) {
      const isScript = scan.text !== undefined || scripts.has(scan.entry.path);
      leads.push(...(isScript ? leadsOfScript(scan, top) : leadsOfCode(scan, root, places, top)));
    }
  }
}

function known(place: string): Lead {
  return { place, isPartial: false };
}

function isUnderAny(area: readonly Lead[], { place, isPartial }: Lead): boolean {
  return (
    !isPartial && area.some((lead) => lead.place === place || (!lead.isPartial && isUnder(lead.place, place)))
  );
}

/** Variables that refer to OMNeT++ or to folders of the build itself. */
const HARMLESS =
  /\$[({](?:OMNETPP\w*|O|D|CONFIGNAME|MODE|PROJECT_OUTPUT_DIR|PROJECTRELATIVE_PATH|\w*_LIB\w*|\w*_FLAGS)[)}]/g;

/**
 * Returns the places that options such as `-I../common` refer
 * to, relative to the folder in which `opp_makemake` runs.
 */
function ofOptions({ project, code }: BuildSourcesQuestion, folders: ProjectDescriptor["makemake"]): Lead[] {
  const needed = new Set(
    project.needs.flatMap(({ variable }) => [variable, variable.replace(/_ROOT$/, "_PROJ")]),
  );
  return folders.flatMap(({ folder, options }) =>
    options.flatMap((option, index) => {
      const isPath = /^-[IL]/.test(option) || /^-[IL]$/.test(options[index - 1] ?? "");
      const text = option.replace(/^-[IL]/, "").replace(HARMLESS, "");
      const variable = /\$[({]?(\w+)/.exec(text)?.[1];
      if (variable !== undefined && !needed.has(variable)) return isPath ? [known("")] : [];
      if (variable !== undefined) return [];
      const paths = isPath ? [text] : pathsUpwards(text, true);
      return paths.flatMap((each) => leadsOf(each, [folder], code.checkout.top));
    }),
  );
}

function ofCommands({ project, code }: BuildSourcesQuestion): Lead[] {
  const paths = pathsUpwards((project.commands ?? []).join("\n"), true);
  return paths.flatMap((each) => leadsOutOf(project.folder, each, code.checkout.top));
}

/**
 * Returns the places that links and includes refer to. For headers this is their folder, because headers
 * include files next to them.
 */
function leadsOfCode(scan: FileScan, area: readonly string[], places: Places, top: string): Lead[] {
  const { entry, includedUpwards, upwards } = scan;
  if (entry.mode === LINK) return upwards.flatMap((each) => leadsOf(each, [folderOf(entry.path)], top));
  const roots = area.filter((folder) => isUnder(folder, entry.path));
  return includedUpwards.flatMap((each) =>
    roots
      .filter((root) => places.mayLeadOutOf(root, each, top))
      .flatMap((root) =>
        leadsOutOf(root, each, top).map((lead) => {
          const folder = folderOf(lead.place);
          const isBeside = places.hasFolder(folder) && !isUnder(folder, root); // the header may be generated
          const isHere = places.hasFile(lead.place) || places.hasFile(sourceOf(lead.place));
          return isBeside || isHere ? known(folder) : lead;
        }),
      ),
  );
}

/** Returns `X.msg` for `X_m.h`. */
function sourceOf(header: string): string {
  return header.replace(/_m\.h$/, ".msg").replace(/_sm\.h$/, ".sm");
}

/** Returns all places that a script or a build file names: it may read any of them. */
function leadsOfScript({ entry, upwards, text = "", namesTop }: FileScan, top: string): Lead[] {
  if (namesTop || /show-toplevel/.test(text) || namesFolderOf(text, top)) return [known("")];
  return upwards.flatMap((each) => leadsOutOf(folderOf(entry.path), each, top));
}

/** Returns whether a script can find the checkout by an environment variable. */
function namesFolderOf(text: string, top: string): boolean {
  return Object.entries(process.env).some(
    ([name, value]) =>
      (value === top || value?.startsWith(`${top}/`) === true) &&
      new RegExp(`\\b${name}\\b`).test(text) &&
      name !== "PWD" &&
      name !== "OLDPWD",
  );
}
