import path from "node:path";
import type { Recipe } from "../../model/build.ts";
import { makemakeCommand } from "../../omnetpp/makemake.ts";
import type { ProjectDescriptor } from "../describe/descriptor.ts";
import { describesBuild, isOpaque, kindOf } from "../files/file-kinds.ts";
import { isMakefile } from "../files/makefiles.ts";
import { Mentions } from "../files/mentions.ts";
import type { Code } from "../git/code.ts";
import { LINK } from "../git/disk.ts";
import type { TreeEntry } from "../git/git.ts";
import { readObjects } from "../git/objects.ts";
import { folderOf, isUnder } from "./leads.ts";
import { Makefiles, makesAnyGoal, withoutProse } from "./makefile-goals.ts";
import type { FileScans } from "./scan-files.ts";

export interface BuildSourcesQuestion {
  project: Pick<ProjectDescriptor, "folder" | "makemake" | "commands" | "needs" | "targets">;
  recipe: Recipe;
  code: Code;
  signal?: AbortSignal | undefined;
}

/** If a build mentions more scripts than this, they are not read, and all data counts as mentioned. */
const MOST_SCRIPTS = 300;

export interface Mentioned {
  has: (file: string) => boolean;
  /** Scripts other than the files that describe builds. */
  scripts: Set<string>;
}

/** Returns which data the scripts of a build mention, and in turn the scripts that they mention. */
export async function mentionedIn(
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
  const makefiles = new Makefiles(mentions);
  if (question.project.commands?.some(makesAnyGoal) === true) makefiles.addAllGoals();
  for (;;) {
    const from = withParents([...startFolders, ...[...read].map(folderOf)]);
    const next = described.filter(
      ({ entry: { path: file } }) =>
        !read.has(file) && (startFolders.has(folderOf(file)) || isCalled(mentions, file, from)),
    );
    for (const { entry } of next) read.add(entry.path);
    const texts = next.flatMap(({ entry: { path: file }, text }) => {
      if (!isScript(file) || makemakeCommand(text!) !== undefined) return [];
      if (isMakefrag(file)) return [withoutProse(text!)];
      if (!isMakefile(file)) return [text!];
      makefiles.read(text!);
      return [];
    });
    texts.push(...makefiles.newTexts());
    const scripts = near.filter((entry) => !read.has(entry.path) && isMentionedScript(entry, mentions));
    if (read.size + scripts.length > MOST_SCRIPTS) mentions.addAll();
    else texts.push(...(await textsOf(scripts, question.code, question.signal)));
    for (const { path: file } of scripts) {
      read.add(file);
      called.add(file);
      if (file.endsWith(".py")) addModulesBeside(file, near, mentions);
    }
    if (texts.length === 0) return { has: (file) => mentions.has(file), scripts: called };
    for (const text of texts) {
      mentions.add(text);
      if (makesAnyGoal(text)) makefiles.addAllGoals();
    }
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

/** Returns whether a file is a part of Makefiles. */
function isMakefrag(file: string): boolean {
  return /^makefrag|\.mk$/i.test(path.posix.basename(file));
}

/** Returns whether a file is a table of numbers, which names no files. */
function isTable(file: string): boolean {
  return /\.(?:csv|tsv|dat|log|trace)$/i.test(file);
}

/** Returns whether scripts in some folders call a build file: they change to its folder, or name it. */
function isCalled(mentions: Mentions, file: string, from: ReadonlySet<string>): boolean {
  return (
    mentions.leadsTo(folderOf(file), from) ||
    (!/^makefile$/i.test(path.posix.basename(file)) && mentions.hasName(file))
  );
}

/** Returns folders with all folders above them, to which their scripts may refer. */
function withParents(folders: readonly string[]): Set<string> {
  return new Set(
    folders.flatMap((folder) => [
      "",
      ...folder.split("/").map((_, at, parts) => parts.slice(0, at + 1).join("/")),
    ]),
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
