import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import type { Campaign } from "../../model/campaign.ts";
import type { ResultFile } from "../../model/result.ts";
import type { Run } from "../../model/run.ts";
import { moveFile, statIfThere } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";
import type { SlotTree } from "../tree/slot-tree.ts";

/** Result files that are named after their run, by the option that would change the name. */
const RUN_FILES: Record<string, RegExp> = {
  "output-scalar-file": /\.sca$/,
  "output-vector-file": /\.vec$/,
  "eventlog-file": /\.elog$/,
  "snapshot-file": /\.sna$/,
};

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
  return { path: place, sizeBytes: (await statIfThere(target))!.size };
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
  const withHost = (file: string): string =>
    campaign.appendsHost === true ? hostInserted(file, ended) : file;
  const { study, iniFolder = ".", resultDirectory, ownOutputFiles = [] } = campaign;
  const kinds = Object.entries(RUN_FILES).flatMap(([option, kind]) =>
    ownOutputFiles.includes(option) ? [] : [kind],
  );
  const stems = kinds.flatMap((kind) => {
    const found = written.find((file) => kind.test(file.path));
    return found === undefined ? [] : [found.path.replace(kind, "")];
  });
  const reported = printedTo === undefined ? [] : [path.relative(mirror, printedTo)].map(withHost);
  const directory = path.posix.join(top, study, resultDirectory);
  const usual = stems[0] === undefined ? directory : path.posix.dirname(stems[0]);
  const byNumber = path.posix.join(
    usual.startsWith("..") ? path.posix.join(top, study, iniFolder) : usual,
    `${run.config}-${run.runNumber}`,
  );
  return [
    ...reported,
    ...stems.slice(0, 1).map((stem) => `${stem}.out`),
    `${byNumber}.out`,
    `${byNumber}.swarm.out`,
  ];
}

/**
 * Returns the name that `fname-append-host` gives a file: `X.HOST.PID.out`. The process id is taken from the
 * names of the result files, because a script may have started the simulator.
 * @see OMNeT++ 6.2, src/envir/envirbase.cc, processFileName.
 */
function hostInserted(file: string, { written, pid }: Pick<EndedRun, "written" | "pid">): string {
  const host = hostname();
  const ids = written.flatMap(({ path: name }) => {
    const { base } = path.posix.parse(name);
    const at = base.lastIndexOf(`.${host}.`);
    const [, id] = at < 0 ? [] : (/^(\d+)(?:\.|$)/.exec(base.slice(at + host.length + 2)) ?? []);
    return id === undefined ? [] : [id];
  });
  const { dir, name, ext } = path.posix.parse(file);
  return path.posix.join(dir, `${name}.${host}.${ids[0] ?? pid ?? 0}${ext}`);
}
