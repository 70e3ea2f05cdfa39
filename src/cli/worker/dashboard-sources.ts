import { realpath } from "node:fs/promises";
import path from "node:path";
import { requeueRuns } from "../../campaign/run/attach.ts";
import { mayRead, notedStudy } from "../../campaign/collect/known-study.ts";
import { localCommand } from "../../campaign/collect/local-command.ts";
import { readNote } from "../../campaign/collect/notes.ts";
import type { Study } from "../../campaign/collect/places.ts";
import { RecordFolder } from "../../campaign/collect/record-folder.ts";
import { openRecordedFile, problemOfFile } from "../../campaign/collect/recorded-file.ts";
import { UserError } from "../../errors.ts";
import type { DashboardSources } from "../../dashboard/sources.ts";
import { openQueueClient, type QueueClient } from "../../queue/client.ts";
import { withOpenedResult } from "../../stores/with-opened.ts";
import type { SwarmAccess } from "../../providers/target.ts";

const NOT_HERE = "the study of the campaign is not on this machine";

/** Access to what is collected on this machine. */
export type StudySources = Pick<
  DashboardSources,
  "folder" | "resultFile" | "resultDirectory" | "fileProblem" | "openFile"
>;

/**
 * Returns the dashboard's access to collected results, and its actions. For a campaign that was queued on
 * another machine, it has no collected results.
 */
export function dashboardSources(swarm: SwarmAccess): DashboardSources {
  const studyOf = remembered(notedStudy);
  const withQueue = async <T>(work: (queue: QueueClient) => Promise<T>): Promise<T> => {
    await using queue = await openQueueClient(swarm.queue);
    return await work(queue);
  };
  return {
    ...studySources(studyOf),
    readStored: (result, read) => withOpenedResult(swarm.results, result, read),
    cancel: (id) =>
      withQueue(async (queue) => {
        const { open } = await queue.find(id);
        const numbers = open.map((run) => run.runNumber);
        const removed = await queue.cancel(id, numbers);
        if (removed === undefined)
          throw new UserError(`campaign ${id} has already ended; nothing was cancelled`, {
            hint: open.length > 0 ? `to collect its runs, run: runall-swarm attach ${id}` : undefined,
          });
        return removed.length;
      }),
    async localCommand({ id, config }, runNumber) {
      const note = await readNote(id, () => undefined); // anybody may write to the queue, but not to the note
      return note && localCommand(note.campaign, note.study, { config, runNumber });
    },
    async retry(id, only) {
      if ((await studyOf(id)) === undefined)
        throw new UserError(`campaign ${id} was not queued on this machine, or its study no longer exists`, {
          hint: `in a checkout of its project, run: runall-swarm retry ${id}`,
        });
      return await withQueue((queue) =>
        requeueRuns(id, { directory: "/", warn: () => undefined }, queue, only),
      );
    },
  };
}

/** Returns the access to what is collected of campaigns. @param studyOf returns the study of a campaign on this machine. */
export function studySources(studyOf: (id: string) => Promise<Study | undefined>): StudySources {
  const folders = new Map<string, RecordFolder>();
  return {
    async folder({ id }) {
      const study = await studyOf(id);
      if (study === undefined) return undefined;
      const folder = folders.get(study.resultDirectory) ?? new RecordFolder(study.resultDirectory);
      folders.set(study.resultDirectory, folder);
      return folder;
    },
    async fileProblem({ id }, record, file) {
      const study = await studyOf(id);
      return study === undefined ? NOT_HERE : await problemOfFile(study, record, file);
    },
    async openFile({ id }, record, file) {
      const study = await studyOf(id);
      if (study === undefined) throw new UserError(`${file}: ${NOT_HERE}`);
      return await openRecordedFile(study, record, file);
    },
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
