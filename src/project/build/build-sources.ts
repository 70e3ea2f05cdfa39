import path from "node:path";
import { MODES, type Recipe } from "../../model/build.ts";
import type { Code } from "../git/code.ts";
import { isGeneratedCode, isInObjectFolder } from "../../omnetpp/generated-code.ts";
import type { ProjectDescriptor } from "../describe/descriptor.ts";
import { LINK } from "../git/disk.ts";
import { isOpaque, kindOf } from "../files/file-kinds.ts";
import type { TreeEntry } from "../git/git.ts";
import { isUnder, leadsOf, leadsOutOf, Places, type Lead } from "./leads.ts";
import { makemakeCommand } from "../../omnetpp/makemake.ts";
import { Mentions } from "../files/mentions.ts";
import { readObjects } from "../git/objects.ts";
import { scanCode, type FileScan, type FileScans } from "./scan-files.ts";
import { targetFile } from "../../omnetpp/targets.ts";
import { pathsUpwards } from "../files/text-scan.ts";

// The rule, as docs/builds.md describes it for users. A file decides a build if it is in the project's
// folder, or in a place that its code or its build refers to, and if it is code, describes a build, is of an
// unknown kind, or is data that the scripts of the build mention. In doubt, a file counts.

export interface BuildSourcesQuestion {
  project: Pick<ProjectDescriptor, "folder" | "makemake" | "commands" | "needs" | "targets">;
  recipe: Recipe;
  code: Code;
  signal?: AbortSignal | undefined;
}

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

function describesBuild(file: string): boolean {
  return ["code", "build"].includes(kindOf(file));
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

function folderOf(file: string): string {
  const folder = path.posix.dirname(file);
  return folder === "." ? "" : folder;
}

/** If a build mentions more scripts than this, they are not read, and all data counts as mentioned. */
const MOST_SCRIPTS = 300;

interface Mentioned {
  has: (file: string) => boolean;
  /** Scripts other than the files that describe builds. */
  scripts: Set<string>;
}

/** Returns which data the scripts of a build mention, and in turn the scripts that they mention. */
async function mentionedIn(
  question: BuildSourcesQuestion,
  near: readonly TreeEntry[],
  scans: FileScans,
): Promise<Mentioned> {
  const isNear = new Set(near.map((entry) => entry.path));
  const mentions = directMentions(question, isNear, scans);
  const startFolders = buildFolders(question);
  const described = scans.files.filter(({ entry, text }) => text !== undefined && isNear.has(entry.path));
  const read = new Set<string>();
  const called = new Set<string>();
  for (;;) {
    const next = described.filter(
      ({ entry: { path: file } }) =>
        !read.has(file) && (startFolders.has(folderOf(file)) || isCalled(mentions, file)),
    );
    for (const { entry } of next) read.add(entry.path);
    const texts = next.flatMap(({ entry, text }) =>
      isScript(entry.path) && makemakeCommand(text!) === undefined ? [text!] : [],
    );
    const scripts = near.filter((entry) => !read.has(entry.path) && isMentionedScript(entry, mentions));
    if (read.size + scripts.length > MOST_SCRIPTS) mentions.addAll();
    else texts.push(...(await textsOf(scripts, question.code, question.signal)));
    for (const { path: file } of scripts) {
      read.add(file);
      called.add(file);
      if (file.endsWith(".py")) addModulesBeside(file, near, mentions);
    }
    if (texts.length === 0) return { has: (file) => mentions.has(file), scripts: called };
    for (const text of texts) mentions.add(text);
  }
}

/** What the build commands, the code, and build files that are too large to be read mention. */
function directMentions(
  { project }: BuildSourcesQuestion,
  isNear: ReadonlySet<string>,
  { files, unread }: FileScans,
): Mentions {
  const mentions = new Mentions();
  for (const line of project.commands ?? []) mentions.add(line);
  for (const { entry, includedData } of files)
    if (isNear.has(entry.path)) for (const name of includedData) mentions.addName(name);
  if (unread.some((file) => isNear.has(file) && describesBuild(file))) mentions.addAll();
  return mentions;
}

/** The folders in which a build starts. */
function buildFolders({ project, recipe }: BuildSourcesQuestion): ReadonlySet<string> {
  const folders = new Set([project.folder, ...project.makemake.map(({ folder }) => folder)]);
  if (recipe.kind === "makemake") for (const { folder } of recipe.folders) folders.add(folder);
  return folders;
}

/** Whether a file may be a script that a build executes. */
function isMentionedScript({ mode, path: file }: TreeEntry, mentions: Mentions): boolean {
  if (mode === LINK || isOpaque(file)) return false;
  const kind = kindOf(file);
  return (
    (kind === "data" && !isTable(file) && mentions.has(file)) || (kind === "other" && mentions.hasName(file))
  );
}

/** Returns whether a build file can contain commands; the IDE's own files do not. */
function isScript(file: string): boolean {
  return !/^\.(?:opp|ned|project$)/.test(path.posix.basename(file));
}

/** Returns whether a file is a table of numbers, which names no files. */
function isTable(file: string): boolean {
  return /\.(?:csv|tsv|dat|log|trace)$/i.test(file);
}

/** Returns whether other scripts call a build file: they change to its folder, or name it. */
function isCalled(mentions: Mentions, file: string): boolean {
  return (
    mentions.hasFolderOf(file) || (!/^makefile$/i.test(path.posix.basename(file)) && mentions.hasName(file))
  );
}

function addModulesBeside(script: string, near: readonly TreeEntry[], mentions: Mentions): void {
  for (const { path: file } of near)
    if (isModuleBeside(file, script)) mentions.addName(path.posix.basename(file));
}

/** Returns whether a file is a Python module that a script can import without naming the file. */
function isModuleBeside(file: string, script: string): boolean {
  return file.endsWith(".py") && isUnder(folderOf(script), file);
}

async function textsOf(entries: readonly TreeEntry[], code: Code, signal?: AbortSignal): Promise<string[]> {
  const options = { cwd: code.checkout.top, env: code.env, signal };
  const texts: string[] = [];
  const objects = entries.map(({ object }) => object);
  for await (const [, text] of readObjects(objects, options)) texts.push(text);
  return texts;
}
