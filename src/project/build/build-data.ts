import { readdir } from "node:fs/promises";
import path from "node:path";
import { isGitFolder } from "../../model/names.ts";
import { readTextIfExists, lstatIfExists } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";
import { isCode } from "../files/code-files.ts";
import type { ProjectDescriptor } from "../describe/descriptor.ts";
import { isGenerated } from "../files/generated.ts";
import { makemakeCommand } from "../../omnetpp/makemake.ts";
import { isMakefile, MAKEFILES } from "../files/makefiles.ts";

/** Files with rules that people write; generated Makefiles include `makefrag`. */
const RULES = [...MAKEFILES, "makefrag", "makefrag.vc"];
/** A file with more words is not a Makefile. */
const MOST_WORDS = 20_000;

/**
 * Returns the data that a build by the user has left in a checkout for runs to read: files that the rules of
 * the project name, possibly by a pattern such as `%.dat`, and that are not part of the source.
 * @param isSource whether a file is part of the source, given its path relative to the git top level.
 * @returns paths relative to the git top level.
 */
export async function findBuildData(
  top: string,
  { folder, makemake, commands = [] }: Pick<ProjectDescriptor, "folder" | "makemake" | "commands">,
  isSource: (file: string) => boolean,
): Promise<string[]> {
  const found = new Set<string>();
  for (const place of new Set([folder, ...makemake.map((each) => each.folder)])) {
    const rules = await rulesIn(path.join(top, place));
    const texts = place === folder ? [...rules, ...commands] : rules;
    const words = new Set(
      texts
        .join("\n")
        .split(/[\s:;=()"'`|&<>,]+/)
        .slice(0, MOST_WORDS),
    );
    for (const file of await filesNamed(top, place, words)) if (!isSource(file)) found.add(file);
  }
  return [...found].sort();
}

/**
 * Returns the texts with rules in a folder. Generated Makefiles
 * are left out: they contain no rules of the project.
 */
async function rulesIn(folder: string): Promise<string[]> {
  const texts = await Promise.all(RULES.map((name) => readTextIfExists(path.join(folder, name))));
  return texts.filter((text): text is string => text !== undefined && makemakeCommand(text) === undefined);
}

async function filesNamed(top: string, folder: string, words: ReadonlySet<string>): Promise<string[]> {
  const files: string[] = [];
  for (const word of words) {
    if (word === "" || word.includes("$")) continue;
    const place = path.join(top, folder, word);
    if (!isInside(top, place)) continue;
    if (word.includes("%")) files.push(...(await matching(top, place)));
    else if ((await lstatIfExists(place))?.isFile()) files.push(path.relative(top, place));
  }
  return files.filter(
    (file) =>
      !isCode(file) && !isGenerated(file) && !isMakefile(file) && !file.split(path.sep).some(isGitFolder),
  );
}

/**
 * Returns the files that match a pattern rule.
 * @see GNU make manual, "Pattern Rules": `%` stands for any non-empty text.
 */
async function matching(top: string, pattern: string): Promise<string[]> {
  const { dir, base } = path.parse(pattern);
  const [start = "", end = ""] = base.split("%");
  const names = await readdir(dir).catch(() => []);
  const files = names.filter(
    (name) => name.length > base.length - 1 && name.startsWith(start) && name.endsWith(end),
  );
  return files.map((name) => path.relative(top, path.join(dir, name)));
}
