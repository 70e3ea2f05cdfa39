import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Campaign } from "../model/campaign.ts";
import type { ResultFile } from "../model/result.ts";
import type { Run } from "../model/run.ts";
import { moveFile, statIfThere } from "../system/files.ts";

/** Result files whose name, but for the suffix, is that of the run. */
const RUN_FILE = /\.(sca|vec|elog|sna|rt)$/;

/**
 * Puts what a run printed beside its results, as `opp_runall` does: `X-#0.out` beside `X-#0.sca`.
 * @returns the file, relative to the tree.
 */
export async function placeOutput(
  printed: string,
  tree: string,
  { campaign, run, written }: { campaign: Campaign; run: Run; written: readonly ResultFile[] },
): Promise<ResultFile> {
  const taken = new Set(written.map((file) => file.path));
  const place = candidates(campaign, run, written).find((file) => !taken.has(file))!;
  const target = path.join(tree, place);
  mkdirSync(path.dirname(target), { recursive: true });
  await moveFile(printed, target);
  return { path: place, sizeBytes: (await statIfThere(target))!.size };
}

/** The last one cannot be taken by a file of the simulation. */
function candidates(campaign: Campaign, run: Run, written: readonly ResultFile[]): string[] {
  const byResult = written.find((file) => RUN_FILE.test(file.path))?.path.replace(RUN_FILE, "");
  const directory = byResult === undefined ? resultDirectoryInTree(campaign) : path.posix.dirname(byResult);
  const byNumber = path.posix.join(directory, `${run.config}-${run.runNumber}`);
  return [byResult, byNumber, `${byNumber}.swarm`].flatMap((stem) =>
    stem === undefined ? [] : [`${stem}.out`],
  );
}

/** Relative to the git top level; the study itself where the results are configured to lie elsewhere. */
function resultDirectoryInTree({ study, resultDirectory }: Campaign): string {
  const directory = path.posix.join(study, resultDirectory);
  return path.isAbsolute(resultDirectory) || directory.startsWith("..") ? study : directory;
}
