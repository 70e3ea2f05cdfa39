import { lstatSync, readdirSync } from "node:fs";
import { utimes } from "node:fs/promises";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { CampaignEvent } from "../../model/events.ts";
import type { RunRecord } from "../../model/result.ts";
import { runLabel, runVariables, type Run } from "../../model/run.ts";
import type { CampaignPlan } from "../plan/plan.ts";
import { OutdatedRuns, type Outdated } from "./outdated.ts";
import { recordIn, recordFile } from "../collect/records.ts";
import { hashOf } from "../../system/content-hash.ts";

/** What the records in a study tell of runs that are wanted. */
export interface Findings {
  /** Runs whose results are there, whole and the same as if they were made again. */
  there: Run[];
  open: Run[];
  /** Runs whose number was that of another run when the record was written. */
  shifted: { run: Run; before: RunRecord }[];
  /** Runs that had completed, and whose results no longer count. */
  outdated: Outdated[];
}

/** So many records are read before anything else gets its turn. */
const CHUNK = 500;

/**
 * Looks for runs that need not be made again: they are recorded as done with the same identity, and their files
 * are as they were recorded. Reading is synchronous: for 10,000 runs that takes a third of the time.
 */
export async function findFinished(
  {
    studyDirectory,
    resultDirectory,
    runs,
  }: Pick<CampaignPlan, "studyDirectory" | "resultDirectory" | "runs">,
  identity: string,
  signal: AbortSignal,
): Promise<Findings> {
  const found: Omit<Findings, "outdated"> = { there: [], open: [], shifted: [] };
  const outdated = new OutdatedRuns();
  const recorded = recordsIn(resultDirectory);
  for (const [at, run] of runs.entries()) {
    if (at % CHUNK === 0) {
      await setImmediate();
      signal.throwIfAborted();
    }
    const file = recordFile(resultDirectory, run);
    const record = recorded.has(path.basename(file)) ? recordIn(file) : undefined;
    if (record !== undefined && !isSameRun(record, run)) found.shifted.push({ run, before: record });
    else if (record?.state === "done") {
      const isSame = record.identity === identity;
      if (isSame && (await isWhole(record, file, studyDirectory))) {
        found.there.push(run);
        continue;
      }
      outdated.add(record, isSame);
    }
    found.open.push(run);
  }
  return { ...found, outdated: outdated.groups };
}

function recordsIn(resultDirectory: string): Set<string> {
  try {
    return new Set(readdirSync(path.join(resultDirectory, ".swarm")));
  } catch {
    return new Set(); // nothing has been made here, or it cannot be read: then runs are made
  }
}

function isSameRun(one: Run, other: Run): boolean {
  return (
    one.config === other.config &&
    one.runNumber === other.runNumber &&
    one.repetition === other.repetition &&
    isDeepStrictEqual(one.iterationVariables, other.iterationVariables)
  );
}

/**
 * A file that has its size, and was not touched since its record was written after it, is what was recorded. Of
 * any other one the content is compared: the results may have been copied, or another run has written it.
 */
async function isWhole({ files }: RunRecord, recordedIn: string, study: string): Promise<boolean> {
  const { mtimeMs, atime } = lstatSync(recordedIn);
  const touched: { file: string; sha256: string }[] = [];
  for (const { path: name, sizeBytes, sha256 } of files) {
    const file = path.resolve(study, name);
    const stats = lstatSync(file, { throwIfNoEntry: false });
    if (stats?.size !== sizeBytes) return false;
    if (stats.ctimeMs > mtimeMs) touched.push({ file, sha256 });
  }
  if (touched.length === 0) return true;
  const compared = new Date();
  for (const { file, sha256 } of touched) if ((await hashOf(file)) !== sha256) return false;
  await utimes(recordedIn, atime, compared).catch(() => undefined); // else it is compared the next time, too
  return true;
}

export type CampaignWarning = Extract<CampaignEvent, { type: "warning" }>;

const SHOWN = 3;

/** Seeds by run number go with the number: what is made now is another sample than what was there. */
export function* shiftWarning(
  { expansion, campaign }: Pick<CampaignPlan, "expansion" | "campaign">,
  { shifted }: Findings,
): Generator<CampaignWarning> {
  if (shifted.length === 0 || !expansion.seedsFollowRunNumbers) return;
  const details = shifted
    .slice(0, SHOWN)
    .map(
      ({ run, before }) => `${runLabel(run)} was ${runVariables(before)}, and is now ${runVariables(run)}`,
    );
  if (shifted.length > SHOWN) details.push(`and ${shifted.length - SHOWN} more`);
  const message =
    `the runs of ${campaign.config} have other run numbers than when they were executed, and their seeds depend on the run number: ` +
    "results for the same variables differ from the earlier ones; seed-set = ${repetition} avoids this";
  yield { type: "warning", message, details };
}
