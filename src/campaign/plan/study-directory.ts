import { readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { errorCode, UserError } from "../../errors.ts";
import { nearest } from "../../model/near.ts";
import { shellWord } from "../../model/shell-word.ts";
import { DEFAULT_INI, iniFiles, isIniFile } from "../../omnetpp/named-files.ts";
import type { SimulationArguments } from "../../omnetpp/opp-args.ts";

/**
 * Returns the folder of a study, without symbolic links.
 * @throws {UserError} if the folder or one of its ini files is missing; the hint names ini files nearby.
 */
export async function studyDirectory(directory: string, args: SimulationArguments): Promise<string> {
  const study = await realpath(directory).catch(async (error: unknown) => {
    if (errorCode(error) !== "ENOENT") throw error;
    const hint = directory.includes("\ufffd")
      ? "its name is not valid UTF-8: rename the folder"
      : await similarFolder(directory);
    throw new UserError(`no such folder: ${directory}`, { hint });
  });
  for (const ini of iniFiles(args)) {
    const file = await stat(path.resolve(study, ini)).catch(() => undefined);
    if (file?.isFile()) continue;
    throw new UserError(`no ${ini} in ${study}`, { hint: hintFor(ini, await inisNear(study)) });
  }
  return study;
}

/** Returns a hint that names a folder with a similar name, or else the one that exists above it. */
async function similarFolder(directory: string): Promise<string> {
  const above = path.dirname(directory);
  const entries = await readdir(above, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return await similarFolder(above);
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const [near] = nearest(path.basename(directory), folders);
  return near === undefined
    ? `${above} exists, but contains no folder ${path.basename(directory)}`
    : `did you mean ${path.join(above, near)}?`;
}

/** Number of levels below a folder, and of folders, that are searched for ini files. */
const DEPTH = 4;
const MOST_FOLDERS = 2000;
const MOST_NAMED = 8;
const WITHOUT_STUDIES = /^(?:\..*|node_modules|results|out)$/;

/**
 * Returns the ini files in a folder and below it, otherwise
 * those above it; relative paths, the nearest first.
 */
async function inisNear(study: string): Promise<string[]> {
  const below = await inisBelow(study);
  if (below.length > 0) return below;
  for (const up of ["..", "../.."]) {
    const names = await readdir(path.resolve(study, up)).catch(() => []);
    const found = names.filter(isIniFile).map((name) => path.join(up, name));
    if (found.length > 0) return found.sort();
  }
  return [];
}

async function inisBelow(study: string): Promise<string[]> {
  const found: string[] = [];
  const waiting = [{ folder: "", depth: 0 }];
  for (let searched = 0; searched < MOST_FOLDERS; searched++) {
    const next = waiting.shift();
    if (next === undefined) break;
    const entries = await readdir(path.join(study, next.folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const place = path.join(next.folder, entry.name);
      if (entry.isDirectory() && next.depth < DEPTH && !WITHOUT_STUDIES.test(entry.name))
        waiting.push({ folder: place, depth: next.depth + 1 });
      else if (!entry.isDirectory() && isIniFile(entry.name)) found.push(place);
    }
  }
  return found;
}

function hintFor(ini: string, found: readonly string[]): string {
  if (found.length === 0)
    return "change to a folder that contains an omnetpp.ini, or name the ini file with -f";
  const near = nearest(
    path.basename(ini),
    found.map((file) => path.basename(file)),
  );
  const files = [...found].sort((a, b) => rank(near, a) - rank(near, b));
  const more = files.length > MOST_NAMED ? `, and ${files.length - MOST_NAMED} more` : "";
  return `found ${files.slice(0, MOST_NAMED).join(", ")}${more}; run: ${commandFor(files[0]!)}`;
}

/** Returns the sort key of a file: files with similar names come first, the others keep their order. */
function rank(near: readonly string[], file: string): number {
  return near.indexOf(path.basename(file)) >>> 0;
}

/**
 * Returns the command for an ini file. File names in an ini
 * file are relative to its folder, so this folder is the study.
 */
function commandFor(file: string): string {
  const { dir, base } = path.parse(file);
  const folder = dir === "" ? [] : ["-C", shellWord(dir)];
  const name = base === DEFAULT_INI ? [] : ["-f", shellWord(base)];
  return ["runall-swarm", ...folder, ...name, "-c", "CONFIG"].join(" ");
}
