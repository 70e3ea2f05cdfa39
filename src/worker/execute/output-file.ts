import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import type { Campaign } from "../../model/campaign.ts";
import type { ResultFile } from "../../model/result.ts";
import type { Run } from "../../model/run.ts";
import { pidIn, withHost } from "../../omnetpp/host-names.ts";
import { extensionOf } from "../../omnetpp/result-files.ts";
import { moveFile, lstatIfExists } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";
import type { SlotTree } from "../tree/slot-tree.ts";

/** The options whose files have the name of the run, but for the extension, unless they give another name. */
const RUN_FILES = ["output-scalar-file", "output-vector-file", "eventlog-file", "snapshot-file"] as const;

const PRINTED = extensionOf("cmdenv-output-file");

interface EndedRun {
  campaign: Campaign;
  run: Run;
  written: readonly ResultFile[];
  /**
   * Absolute path at which the simulator would have written the output; undefined to derive it from the
   * result files.
   */
  printedTo?: string | undefined;
  /** Process id, if known. */
  pid?: number | undefined;
}

/**
 * Creates the folder for a run's output, as Cmdenv does before it sets up the network: the model may depend
 * on it. Does nothing if the folder would be outside the mirror.
 * @param printedTo absolute path of the output file.
 */
export function makeOutputFolder({ mirror }: SlotTree, printedTo: string): void {
  const file = path.relative(mirror, printedTo);
  if (isInside(mirror, printedTo) && staysIn(mirror, file))
    mkdirSync(path.dirname(printedTo), { recursive: true });
}

/**
 * Moves a run's output to the place where the simulator would write it under `opp_runall`: `X-#0.out` beside
 * `X-#0.sca`.
 * @returns the file, relative to the mirror.
 */
export async function placeOutput(
  printed: string,
  { mirror, top }: SlotTree,
  ended: EndedRun,
): Promise<ResultFile> {
  const taken = new Set(ended.written.map((file) => file.path));
  const wanted = candidates(mirror, top, ended).find((file) => !taken.has(file))!;
  const place = staysIn(mirror, wanted) ? wanted : path.posix.join(top, path.posix.basename(wanted));
  const target = path.join(mirror, place);
  mkdirSync(path.dirname(target), { recursive: true });
  await moveFile(printed, target);
  return { path: place, sizeBytes: (await lstatIfExists(target))!.size };
}

/** Returns whether a file is inside the mirror after links are resolved: a run may have replaced a folder by a link. */
function staysIn(mirror: string, file: string): boolean {
  let folder = path.join(mirror, path.dirname(file));
  while (!existsSync(folder)) folder = path.dirname(folder);
  return isInside(realpathSync(mirror), realpathSync(folder));
}

/** Returns possible paths of the output file, best first. No file of the simulation has the last name. */
function candidates(mirror: string, top: string, ended: EndedRun): string[] {
  const { campaign, run, written, printedTo } = ended;
  const asNamed = (file: string): string =>
    campaign.appendsHost === true ? hostInserted(file, ended) : file;
  const { study, iniFolder = ".", resultDirectory, ownOutputFiles = [] } = campaign;
  const extensions = RUN_FILES.filter((option) => !ownOutputFiles.includes(option)).map(extensionOf);
  const stems = extensions.flatMap((extension) => {
    const found = written.find((file) => file.path.endsWith(extension));
    return found === undefined ? [] : [found.path.slice(0, -extension.length)];
  });
  const reported = printedTo === undefined ? [] : [path.relative(mirror, printedTo)].map(asNamed);
  const directory = path.posix.join(top, study, resultDirectory);
  const usual = stems[0] === undefined ? directory : path.posix.dirname(stems[0]);
  const byNumber = path.posix.join(
    usual.startsWith("..") ? path.posix.join(top, study, iniFolder) : usual,
    `${run.config}-${run.runNumber}`,
  );
  return [
    ...reported,
    ...stems.slice(0, 1).map((stem) => stem + PRINTED),
    byNumber + PRINTED,
    `${byNumber}.swarm${PRINTED}`,
  ];
}

/** Takes the process id from the names of the result files, because a script may have started the simulator. */
function hostInserted(file: string, { written, pid }: Pick<EndedRun, "written" | "pid">): string {
  const host = hostname();
  const [reported] = written.flatMap(({ path: name }) => pidIn(name, host) ?? []);
  return withHost(file, host, reported ?? pid ?? 0);
}
