import { realpath } from "node:fs/promises";
import path from "node:path";
import { requeueRuns } from "../../campaign/run/attach.ts";
import { supersededRuns, readHistory } from "../../campaign/collect/history.ts";
import { mayRead, notedStudy } from "../../campaign/collect/known-study.ts";
import type { Study } from "../../campaign/collect/places.ts";
import { readRecord } from "../../campaign/collect/records.ts";
import { UserError } from "../../errors.ts";
import type { DashboardSources, RecordedRun } from "../../dashboard/sources.ts";
import type { Campaign } from "../../model/campaign.ts";
import { openQueueClient, type QueueClient } from "../../queue/client.ts";
import { withOpenedResult } from "../../stores/with-opened.ts";
import type { SwarmAccess } from "../../providers/target.ts";

/** Access to what is collected on this machine. */
export type StudySources = Pick<DashboardSources, "records" | "record" | "resultFile" | "resultDirectory">;

/**
 * Returns the dashboard's access to collected results, and its actions. For a campaign that was queued on
 * another machine, it has no collected results.
 */
export function dashboardSources(swarm: SwarmAccess): DashboardSources {
  const withQueue = async <T>(work: (queue: QueueClient) => Promise<T>): Promise<T> => {
    await using queue = await openQueueClient(swarm.queue);
    return await work(queue);
  };
  return {
    ...studySources(remembered(notedStudy)),
    readStored: (result, read) => withOpenedResult(swarm.results, result, read),
    cancel: (id) =>
      withQueue(async (queue) => {
        const { open } = await queue.find(id);
        const numbers = open.map((run) => run.runNumber);
        const removed = await queue.cancel(id, numbers);
        if (removed === undefined)
          throw new UserError(`campaign ${id} has already ended; nothing was cancelled`);
        return removed.length;
      }),
    retry: (id) => withQueue((queue) => requeueRuns(id, { directory: "/", warn: () => undefined }, queue)),
  };
}

/** Returns the access to what is collected of campaigns. @param studyOf returns the study of a campaign on this machine. */
export function studySources(studyOf: (id: string) => Promise<Study | undefined>): StudySources {
  return {
    records: async (campaign) => await recordsOf(campaign, await studyOf(campaign.id)),
    record: async (campaign, runNumber) =>
      await createRecord(campaign, runNumber, await studyOf(campaign.id)),
    resultDirectory: async ({ id }) => (await studyOf(id))?.resultDirectory,
    async resultFile({ id }, file) {
      const study = await studyOf(id);
      if (study === undefined) return undefined;
      const absolute = path.resolve(study.directory, file);
      return mayRead(study, absolute) ? await readableFile(study, absolute) : undefined;
    },
  };
}

/**
 * Returns the real path of a file if it may be shown: a link must not expose the user's other files to page
 * visitors.
 */
async function readableFile(study: Study, file: string): Promise<string | undefined> {
  try {
    const [real, gitTop] = await Promise.all([realpath(file), realpath(study.gitTop)]);
    return mayRead({ ...study, gitTop }, real) ? real : undefined;
  } catch {
    return undefined; // the file no longer exists
  }
}

const REMEMBERED_MS = 2000;

/** Returns a function that reuses recent answers: there is a call for every run of a campaign within a short time. */
function remembered<T>(ask: (id: string) => Promise<T>): (id: string) => Promise<T> {
  const known = new Map<string, { answer: Promise<T>; at: number }>();
  return (id) => {
    const before = known.get(id);
    if (before !== undefined && Date.now() - before.at < REMEMBERED_MS) return before.answer;
    const answer = ask(id);
    known.set(id, { answer, at: Date.now() });
    return answer;
  };
}

/** Returns the records of a campaign. Returns none if they cannot be read, so that other campaigns are still shown. */
async function recordsOf({ id }: Campaign, study: Study | undefined): Promise<RecordedRun[]> {
  if (study === undefined) return [];
  const { records, superseded } = await readHistory(study.resultDirectory, id).catch(() => ({
    records: [],
    superseded: [],
  }));
  return [...records, ...superseded.map((each) => ({ ...each, files: [] }))];
}

async function createRecord(
  { id, config }: Campaign,
  runNumber: number,
  study: Study | undefined,
): Promise<RecordedRun | undefined> {
  if (study === undefined) return undefined;
  const { resultDirectory } = study;
  const record = await readRecord(resultDirectory, { config, runNumber }).catch(() => undefined); // damaged
  if (record?.campaign === id) return record;
  const superseded = supersededRuns(resultDirectory, id).get(runNumber);
  return superseded && { ...superseded, files: [] };
}
