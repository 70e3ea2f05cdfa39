import type { FileHandle } from "node:fs/promises";
import { errorCode, errorText, UserError } from "../errors.ts";
import { runJobId, type Campaign } from "../model/campaign.ts";
import type { RecordedRun } from "../model/recorded-runs.ts";
import { fileIn, parseAnswer } from "../queue/answers.ts";
import type { QueueWatch } from "../queue/watch.ts";
import { openRegularFile } from "../system/regular-file.ts";
import { MOST_STORED_BYTES } from "./run-values.ts";
import type { DashboardSources } from "./sources.ts";

export type FileSources = Pick<DashboardSources, "folder" | "openFile" | "readStored">;

/** The files of a run: collected ones, or those that are still in the store of the swarm. */
export interface RunFiles {
  names: string[];
  /** @throws {UserError} if it is not one of the files, or cannot be opened. */
  open(name: string): Promise<FileHandle>;
}

/**
 * Calls a function with the files of a run, and returns its value.
 * @throws {UserError} if the run has none here.
 */
export async function withRunFiles<T>(
  campaign: Campaign,
  runNumber: number,
  { queue, sources }: { queue: Pick<QueueWatch, "jobs">; sources: FileSources },
  work: (files: RunFiles) => Promise<T>,
): Promise<T> {
  try {
    const record = (await sources.folder(campaign))?.record(campaign, runNumber);
    if (record !== undefined) return await work(collectedFiles(campaign, record, sources));
    return await withStoredFiles(campaign, runNumber, { queue, sources }, work);
  } catch (error) {
    if (error instanceof UserError || errorCode(error) === undefined) throw error;
    throw new UserError(`cannot read the files of run ${runNumber}: ${errorText(error)}`, { cause: error });
  }
}

function collectedFiles(
  campaign: Campaign,
  record: RecordedRun,
  sources: Pick<FileSources, "openFile">,
): RunFiles {
  const { supersededBy, runNumber, files = [] } = record;
  if (supersededBy !== undefined)
    throw new UserError(
      `campaign ${supersededBy} has executed run ${runNumber} again, and has replaced its files`,
    );
  return {
    names: files.map(({ path }) => path),
    open: (name) => sources.openFile(campaign, record, name),
  };
}

async function withStoredFiles<T>(
  campaign: Campaign,
  runNumber: number,
  { queue, sources }: { queue: Pick<QueueWatch, "jobs">; sources: FileSources },
  work: (files: RunFiles) => Promise<T>,
): Promise<T> {
  const [job] = await queue.jobs(campaign.id, [runNumber]);
  const what = `the result of run ${runNumber}`;
  if (job === undefined)
    throw new UserError(
      `the files of run ${runNumber} are not here: they were collected on another machine, or removed`,
    );
  if (job.finishedAt === undefined) throw new UserError(`run ${runNumber} has not ended`);
  const { stored, files } = parseAnswer(runJobId(campaign.id, runNumber), job.result, what);
  if (stored === undefined || files.length === 0)
    throw new UserError(`run ${runNumber} has written no files`);
  if (files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) > MOST_STORED_BYTES)
    throw new UserError(`${what} is too large to be read before it is collected`);
  return await sources.readStored({ stored, files }, (directory) =>
    work({
      names: files.map(({ path }) => path),
      async open(name) {
        const isOwn = files.some(({ path }) => path === name);
        const handle = isOwn ? await openRegularFile(fileIn(directory, name)) : undefined;
        if (handle === undefined) throw new UserError(`${name}: it is not among the files of the run`);
        return handle;
      },
    }),
  );
}
