import { existsSync } from "node:fs";
import { readHistory } from "../../campaign/collect/history.ts";
import { knownCampaign } from "../../campaign/collect/known-study.ts";
import { fullName } from "../../model/result-item.ts";
import type { CampaignListing, FoundCampaign } from "../../queue/campaign-list.ts";
import { openQueueClient, type QueueClient } from "../../queue/client.ts";
import { openSwarm } from "../../providers/kinds/kinds.ts";
import { listSwarms } from "../../providers/list-swarms.ts";
import { runVariables, type Run } from "../../model/run.ts";
import { decodeItems, indexFiles } from "../../stores/value-index-format.ts";
import { linesOf } from "../../system/files.ts";
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
export function completeRuns(swarm: string | undefined, typed: string): Promise<Candidate[]> {
  return ofCampaign(swarm, typed, runsOf);
}

/** Returns the iteration variables of a campaign, which may be the last ones in a list. */
export function completeVariables(
  swarm: string | undefined,
  typed: string,
  list: string,
): Promise<Candidate[]> {
  const before = list.slice(0, list.lastIndexOf(",") + 1);
  const given = new Set(before.split(","));
  return ofCampaign(swarm, typed, async ({ open, campaign }, resultDirectory) => {
    const { records } = await readHistory(resultDirectory, campaign.id);
    const names = Object.keys([...open, ...records][0]?.iterationVariables ?? {});
    return [...names, "repetition"]
      .filter((name) => !given.has(name))
      .map((name) => ({ word: before + name, description: "iteration variable" }));
  });
}

/** Returns patterns for the scalars of a campaign that are in its index; `[*]` stands for the elements of a vector. */
export function completeScalars(swarm: string | undefined, typed: string): Promise<Candidate[]> {
  return ofCampaign(swarm, typed, async ({ campaign }, resultDirectory) => {
    const { items: file } = indexFiles(resultDirectory, campaign.id);
    const lines = existsSync(file) ? await linesOf(file) : [];
    const patterns = new Map<string, string>();
    for (const item of lines.flatMap((line) => decodeItems(line)?.items ?? []))
      patterns.set(
        fullName(item).replaceAll(/\[\d+\]/g, "[*]"),
        [item.kind, item.unit].filter(Boolean).join(", "),
      );
    return [...patterns]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([word, description]) => ({ word, description }));
  });
}

/** Returns candidates of a campaign whose study is on this machine. */
async function ofCampaign(
  swarm: string | undefined,
  typed: string,
  candidates: (found: FoundCampaign, resultDirectory: string) => Promise<Candidate[]>,
): Promise<Candidate[]> {
  const found = await withQueues(swarm, async (queue) => {
    const listings = await queue.list();
    const isMeant = ({ campaign }: CampaignListing): boolean => campaign.id.startsWith(typed);
    const meant = typed === "last" ? listings[0] : listings.find(isMeant); // the newest comes first
    if (meant === undefined) return [];
    const campaign = await queue.find(meant.campaign.id);
    const { study } = await knownCampaign(campaign.campaign, {
      directory: process.cwd(),
      warn: () => undefined,
    });
    return await candidates(campaign, study.resultDirectory);
  });
  return found.flat();
}

async function runsOf({ campaign, open }: FoundCampaign, resultDirectory: string): Promise<Candidate[]> {
  const { records } = await readHistory(resultDirectory, campaign.id);
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
