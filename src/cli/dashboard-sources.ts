import path from "node:path";
import { queueAgain } from "../campaign/attach.ts";
import { readRecord, readRecords, resultDirectoryOf } from "../campaign/records.ts";
import type { DashboardSources } from "../dashboard/sources.ts";
import { openQueueClient, type QueueClient } from "../queue/client.ts";
import { withOpened } from "../results/with-opened.ts";
import { isInside } from "../system/paths.ts";
import type { SwarmAccess } from "../targets/target.ts";

/** What the dashboard shows beside the queue, and what it lets others do. @param here this machine's name. */
export function dashboardSources(swarm: SwarmAccess, here: string): DashboardSources {
  const withQueue = async <T>(work: (queue: QueueClient) => Promise<T>): Promise<T> => {
    await using queue = await openQueueClient(swarm.queue);
    return await work(queue);
  };
  return {
    async records(campaign) {
      return campaign.host === here ? await readRecords(resultDirectoryOf(campaign), campaign.id) : [];
    },
    async record(campaign, { runNumber }) {
      if (campaign.host !== here) return undefined;
      const record = await readRecord(resultDirectoryOf(campaign), { config: campaign.config, runNumber });
      return record?.campaign === campaign.id ? record : undefined;
    },
    resultFile(campaign, file) {
      const absolute = path.resolve(campaign.directory, campaign.study, file);
      const allowed = campaign.host === here && isInside(campaign.directory, absolute);
      return allowed ? absolute : undefined;
    },
    readStored: (result, read) => withOpened(swarm.results, result, read),
    cancel: (id) =>
      withQueue(async (queue) => {
        const { open } = await queue.find(id);
        const numbers = open.map((run) => run.runNumber);
        return (await queue.cancel(id, numbers)).length;
      }),
    retry: (id) =>
      withQueue(async (queue) => (await queueAgain(id, { host: here, directory: "/" }, queue)).open.length),
  };
}
