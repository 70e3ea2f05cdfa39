import { realpath } from "node:fs/promises";
import path from "node:path";
import { requeueRuns } from "../../campaign/run/attach.ts";
import { mayRead, notedStudy } from "../../campaign/collect/known-study.ts";
import type { Study } from "../../campaign/collect/places.ts";
import { RecordFolder } from "../../campaign/collect/record-folder.ts";
import { UserError } from "../../errors.ts";
import type { DashboardSources } from "../../dashboard/sources.ts";
import { openQueueClient, type QueueClient } from "../../queue/client.ts";
import { withOpenedResult } from "../../stores/with-opened.ts";
import type { SwarmAccess } from "../../providers/target.ts";

/**
 * Returns the dashboard's access to collected results, and its actions. For a campaign that was queued on
 * another machine, it has no collected results.
 */
export function dashboardSources(swarm: SwarmAccess): DashboardSources {
  const studyOf = remembered(notedStudy);
  const folders = new Map<string, RecordFolder>();
  const withQueue = async <T>(work: (queue: QueueClient) => Promise<T>): Promise<T> => {
    await using queue = await openQueueClient(swarm.queue);
    return await work(queue);
  };
  return {
    async folder({ id }) {
      const study = await studyOf(id);
      if (study === undefined) return undefined;
      const folder = folders.get(study.resultDirectory) ?? new RecordFolder(study.resultDirectory);
      folders.set(study.resultDirectory, folder);
      return folder;
    },
    async resultFile({ id }, file) {
      const study = await studyOf(id);
      if (study === undefined) return undefined;
      const absolute = path.resolve(study.directory, file);
      return mayRead(study, absolute) ? await readableFile(study, absolute) : undefined;
    },
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
    async retry(id) {
      if ((await studyOf(id)) === undefined)
        throw new UserError(`campaign ${id} was not queued on this machine, or its study no longer exists`, {
          hint: `in a checkout of its project, run: runall-swarm retry ${id}`,
        });
      return await withQueue((queue) => requeueRuns(id, { directory: "/", warn: () => undefined }, queue));
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
