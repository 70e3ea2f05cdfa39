import { errorCode, errorText, UserError } from "../errors.ts";
import { runJobId, type Campaign } from "../model/campaign.ts";
import type { RunValues } from "../model/result-item.ts";
import type { RecordedRun } from "../model/recorded-runs.ts";
import type { DashboardSources } from "./sources.ts";
import { readRecordedValues } from "../omnetpp/recorded-values.ts";
import { isScalarFile } from "../omnetpp/result-files.ts";
import { fileIn, parseAnswer } from "../queue/answers.ts";
import type { QueueWatch } from "../queue/watch.ts";

/** Maximum size of an uncollected result: a store on other machines sends all of its files. */
export const MOST_STORED_BYTES = 1 << 28;

export type ReadSources = Pick<DashboardSources, "folder" | "resultFile" | "readStored" | "resultDirectory">;

/**
 * Returns the numbers that a run has recorded, from its files in the study, or from the store if it has not been collected.
 * @throws {UserError} if they cannot be read.
 */
export async function valuesOfRun(
  campaign: Campaign,
  runNumber: number,
  queue: Pick<QueueWatch, "jobs">,
  sources: ReadSources,
): Promise<RunValues> {
  const run = { config: campaign.config, runNumber };
  const folder = await sources.folder(campaign);
  const record = folder?.record(campaign, runNumber);
  if (record !== undefined) return await collectedValues(campaign, record, sources);
  try {
    return await storedValues(campaign, run, queue, sources);
  } catch (error) {
    // the run may have been collected in the meantime
    const later = folder?.record(campaign, runNumber);
    if (later === undefined) throw asUserError(error, runNumber);
    return await collectedValues(campaign, later, sources);
  }
}

async function collectedValues(
  campaign: Campaign,
  record: RecordedRun,
  sources: ReadSources,
): Promise<RunValues> {
  const { runNumber } = record;
  const names = (record.files ?? []).map((file) => file.path).filter(isScalarFile);
  const files = await Promise.all(names.map((name) => sources.resultFile(campaign, name)));
  const missing = names.find((_, index) => files[index] === undefined);
  if (missing !== undefined) throw new UserError(`the result file ${missing} no longer exists`);
  try {
    return await readRecordedValues(
      files.filter((file) => file !== undefined),
      record,
    );
  } catch (error) {
    throw asUserError(error, runNumber);
  }
}

async function storedValues(
  campaign: Campaign,
  run: { config: string; runNumber: number },
  queue: Pick<QueueWatch, "jobs">,
  sources: ReadSources,
): Promise<RunValues> {
  const { runNumber } = run;
  const [job] = await queue.jobs(campaign.id, [runNumber]);
  const what = `the result of run ${runNumber}`;
  if (job?.finishedAt === undefined) throw new UserError(`${what} is no longer in the swarm`);
  const { stored, files } = parseAnswer(runJobId(campaign.id, runNumber), job.result, what);
  const scalars = files.map((file) => file.path).filter(isScalarFile);
  if (stored === undefined || scalars.length === 0) return await readRecordedValues([], run);
  if (files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) > MOST_STORED_BYTES)
    throw new UserError(`${what} is too large to be read before it is collected`);
  return await sources.readStored({ stored, files }, (directory) =>
    readRecordedValues(
      scalars.map((file) => fileIn(directory, file)),
      run,
    ),
  );
}

/** Returns an error for the user if a file cannot be read; others are bugs. */
function asUserError(error: unknown, runNumber: number): unknown {
  if (error instanceof UserError || errorCode(error) === undefined) return error;
  return new UserError(`cannot read the results of run ${runNumber}: ${errorText(error)}`, { cause: error });
}
