import { readHistory } from "../../campaign/collect/history.ts";
import { knownCampaign } from "../../campaign/collect/known-study.ts";
import type { CampaignListing } from "../../queue/campaign-list.ts";
import { openQueueClient, type QueueClient } from "../../queue/client.ts";
import { openSwarm } from "../../providers/kinds/kinds.ts";
import { listSwarms } from "../../providers/list-swarms.ts";
import { runVariables, type Run } from "../../model/run.ts";
import { providerContext } from "../swarm/provider-context.ts";
import type { Candidate } from "../terminal/completion.ts";
import { formatDuration } from "../terminal/format.ts";

/** Returns the campaigns of running swarms, and `last`. Starts nothing. @param swarm name of the only one to ask. */
export async function completeCampaigns(swarm: string | undefined): Promise<Candidate[]> {
  const listed = await withQueues(swarm, (queue) => queue.list());
  const campaigns = listed.flat().map(({ campaign }) => ({
    word: campaign.id,
    description: `${campaign.config} of ${campaign.user}, ${formatDuration(Date.now() - campaign.createdAt)} ago`,
  }));
  return campaigns.length === 0 ? [] : [...campaigns, { word: "last", description: "your newest campaign" }];
}

/** Returns the run numbers of a campaign. @param typed its ID, the beginning of its ID, or `last`. */
export async function completeRuns(swarm: string | undefined, typed: string): Promise<Candidate[]> {
  const found = await withQueues(swarm, async (queue) => {
    const listings = await queue.list();
    const isMeant = ({ campaign }: CampaignListing): boolean => campaign.id.startsWith(typed);
    const meant = typed === "last" ? listings[0] : listings.find(isMeant); // the newest comes first
    return meant === undefined ? [] : await runsOf(meant.campaign.id, queue);
  });
  return found.flat();
}

async function runsOf(id: string, queue: QueueClient): Promise<Candidate[]> {
  const { campaign, open } = await queue.find(id);
  const { study } = await knownCampaign(campaign, { directory: process.cwd(), warn: () => undefined });
  const { records } = await readHistory(study.resultDirectory, id);
  const described = (run: Run, state: string): [number, string] => [
    run.runNumber,
    `${state}, ${runVariables(run)}`,
  ];
  const runs = new Map([
    ...open.map((run) => described(run, "not collected")),
    ...records.map((record) => described(record, record.state)),
  ]);
  return [...runs]
    .sort(([a], [b]) => a - b)
    .map(([number, description]) => ({ word: String(number), description }));
}

/** Asks the queues of running swarms. */
async function withQueues<T>(
  swarm: string | undefined,
  ask: (queue: QueueClient) => Promise<T>,
): Promise<T[]> {
  const running = (await listSwarms()).filter(({ state }) => state === "running");
  const chosen = running.filter(({ name }) => swarm === undefined || name === swarm);
  const answers = await Promise.all(
    chosen.map(async (state): Promise<T[]> => {
      const target = await openSwarm(state, providerContext());
      if (!(await target.isReady())) return [];
      await using access = await target.access(() => undefined);
      await using queue = await openQueueClient(access.queue);
      return [await ask(queue)];
    }),
  );
  return answers.flat();
}
