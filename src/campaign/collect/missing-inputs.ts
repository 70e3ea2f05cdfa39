import path from "node:path";
import type { Campaign } from "../../model/campaign.ts";
import { groupFailures, messageOf } from "../../model/failure-groups.ts";
import type { OutcomeState } from "../../model/outcome.ts";
import type { RunRecord } from "../../model/result.ts";
import { isIgnored } from "../../project/git/commands/files.ts";
import { lstatIfExists } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";
import { endOfFile } from "../../system/regular-file.ts";
import type { Study } from "./places.ts";
import { mayRead } from "./known-study.ts";
import { sourceFiles } from "./source-manifest.ts";

/** The states of runs that could not open a file. */
const FAILED: readonly OutcomeState[] = ["failed", "crashed"];
const MOST_GROUPS = 20;
const MOST_NAMES = 200;
const MOST_HINTS = 5;
const TAIL_BYTES = 8192;

/** Products of a build. Each campaign has its own, so the user's copies are not missing inputs. */
const BINARY = /\.(?:o|so|a|dylib|dll)$/;

/**
 * Returns hints about inputs that failed runs could not open because they were not sent: files that exist in
 * the user's checkout, but are not part of the campaign's source, because git ignores them.
 */
export async function missingInputs(
  study: Study,
  { project }: Pick<Campaign, "project">,
  failed: readonly RunRecord[],
): Promise<string[]> {
  const found = new Map<string, string>();
  const groups = groupFailures(failed.filter(({ state }) => FAILED.includes(state))).slice(0, MOST_GROUPS);
  for (const { message, records } of groups) {
    const [record] = records as [RunRecord];
    const isSent = sentFiles(study, record.tree);
    const texts = [message, messageOf(record), await endOfOutput(study, record)];
    for (const name of new Set(texts.flatMap(namesIn)))
      for (const folder of [study.directory, study.gitTop]) {
        const file = path.resolve(folder, name);
        if (found.has(file) || !(await isInput(file, study, isSent))) continue;
        found.set(file, await hintFor(file, study, path.join(study.gitTop, project)));
        break;
      }
  }
  return [...found.values()].slice(0, MOST_HINTS);
}

/** Returns the words and quoted parts of a text that may be file names. */
function namesIn(text: string): string[] {
  const quoted = [...text.matchAll(/[`'"]([^`'"\n]{1,1000})['"]/g)].map((match) => match[1]!);
  const words = text.split(/[\s`'"<>(),;:[\]{}=]+/).map((word) => word.replace(/\.+$/, ""));
  return [...quoted, ...words].filter((name) => /[^./]/.test(name) && !BINARY.test(name)).slice(-MOST_NAMES);
}

function sentFiles({ resultDirectory }: Study, tree: string | undefined): (file: string) => boolean {
  const files = tree === undefined ? undefined : sourceFiles(resultDirectory, tree);
  return (file) => files?.has(file) ?? false;
}

async function isInput(
  file: string,
  { gitTop, resultDirectory }: Study,
  isSent: (file: string) => boolean,
): Promise<boolean> {
  if (!isInside(gitTop, file) || isInside(resultDirectory, file)) return false;
  const relative = path.relative(gitTop, file);
  if (relative.split(path.sep).includes(".git") || isSent(relative)) return false;
  return (await lstatIfExists(file).catch(() => undefined))?.isFile() === true;
}

async function hintFor(file: string, { directory, gitTop }: Study, root: string): Promise<string> {
  const why = (await isIgnored(file, { cwd: gitTop })) ? "git ignores it" : "it was not part of the source";
  const entry = JSON.stringify(path.relative(root, file));
  return `${path.relative(directory, file)} exists here, but was not sent to the swarm, because ${why}; if runs read it, add to ${path.relative(directory, path.join(root, "swarm.json"))}: "ship": [${entry}]`;
}

/** Returns the end of a run's output: a program may name the file there and only end with an exit code. */
async function endOfOutput(study: Study, { outputFile }: RunRecord): Promise<string> {
  const file = outputFile === undefined ? undefined : path.resolve(study.directory, outputFile);
  if (file === undefined || !mayRead(study, file)) return "";
  return (await endOfFile(file, TAIL_BYTES))?.end.toString() ?? "";
}
