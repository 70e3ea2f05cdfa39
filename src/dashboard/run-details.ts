import { UserError } from "../errors.ts";
import { runJobId, type Campaign } from "../model/campaign.ts";
import { attemptOf } from "../model/names.ts";
import type { RunDetails } from "../model/dashboard.ts";
import type { RecordedRun } from "../model/recorded-runs.ts";
import { isScalarFile, isVectorFile } from "../omnetpp/result-files.ts";
import { seedSetIn } from "../omnetpp/seed-set.ts";
import { parseAnswer } from "../queue/answers.ts";
import type { QueueWatch } from "../queue/watch.ts";
import type { DashboardSources } from "./sources.ts";

/** Number of files that are listed. */
const MOST_FILES = 500;

export type DetailSources = Pick<DashboardSources, "folder" | "fileProblem" | "openFile" | "localCommand">;

/** Returns what is known about a run. */
export async function detailsOf(
  campaign: Campaign,
  runNumber: number,
  queue: Pick<QueueWatch, "jobs">,
  sources: DetailSources,
): Promise<RunDetails> {
  const record = (await sources.folder(campaign))?.record(campaign, runNumber);
  const facts =
    record === undefined
      ? await factsOfJob(campaign, runNumber, queue)
      : await factsOfRecord(campaign, record, sources);
  const local = await sources.localCommand(campaign, runNumber);
  const localNote = `The campaign was queued on another machine (${campaign.host}): the command line that repeats the run is shown by its dashboard there.`;
  return { ...facts, local, localNote: local === undefined ? localNote : undefined };
}

async function factsOfRecord(
  campaign: Campaign,
  record: RecordedRun,
  sources: DetailSources,
): Promise<RunDetails> {
  const { worker, attempt, reason, error, exitCode, signal, events, simTime } = record;
  const { commit, changedFiles, omnetpp, supersededBy, files = [] } = record;
  const shown = files.slice(0, MOST_FILES).map(async ({ path, sizeBytes }) => {
    const problem = await sources.fileProblem(campaign, record, path);
    return { path, sizeBytes, problem };
  });
  const replaced = `Campaign ${supersededBy ?? ""} has executed the run again, and has replaced its files.`;
  return {
    ...{ worker, attempt, reason, error, exitCode, signal, events, simTime, commit, changedFiles, omnetpp },
    seedSet: await seedSetOf(campaign, record, sources),
    files: await Promise.all(shown),
    omittedFiles: Math.max(0, files.length - MOST_FILES),
    filesNote:
      supersededBy !== undefined
        ? replaced
        : files.length === 0
          ? "The run has written no files."
          : undefined,
  };
}

/** Returns the seed set from the first result file that contains it: it is not in the record. */
async function seedSetOf(
  campaign: Campaign,
  record: RecordedRun,
  sources: DetailSources,
): Promise<string | undefined> {
  const names = (record.files ?? []).map(({ path }) => path);
  for (const name of [names.find(isScalarFile), names.find(isVectorFile)]) {
    if (name === undefined) continue;
    try {
      await using handle = await sources.openFile(campaign, record, name);
      const seedSet = await seedSetIn(handle, name, record);
      if (seedSet !== undefined) return seedSet;
    } catch (error) {
      if (!(error instanceof UserError)) throw error; // the list of files says what is wrong with this one
    }
  }
  return undefined;
}

async function factsOfJob(
  campaign: Campaign,
  runNumber: number,
  queue: Pick<QueueWatch, "jobs">,
): Promise<RunDetails> {
  const none = { files: [], omittedFiles: 0 };
  const [job] = await queue.jobs(campaign.id, [runNumber]);
  if (job === undefined)
    return {
      ...none,
      filesNote: "The run’s files are not here: they were collected on another machine, or removed.",
    };
  if (job.finishedAt === undefined)
    return { ...none, filesNote: "Its files are listed when the run has ended." };
  const what = `the result of run ${runNumber}`;
  const { outcome, worker, stored, files } = parseAnswer(runJobId(campaign.id, runNumber), job.result, what);
  const { reason, error, exitCode, signal, events, simTime } = outcome;
  const problem = `the run is not yet collected; run: runall-swarm attach ${campaign.id}`;
  return {
    ...{ worker: worker === "" ? undefined : worker, reason, error, exitCode, signal, events, simTime },
    attempt: stored === undefined ? undefined : attemptOf(stored),
    files: files
      .slice(0, MOST_FILES)
      .map(({ path, sizeBytes }) => ({ path: `/${path}`, sizeBytes, problem })),
    omittedFiles: Math.max(0, files.length - MOST_FILES),
    filesNote: files.length === 0 ? "The run has written no files." : undefined,
  };
}
