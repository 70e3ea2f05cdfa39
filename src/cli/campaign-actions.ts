import { hostname } from "node:os";
import { attachCampaign, retryCampaign } from "../campaign/attach.ts";
import { printOutput } from "../campaign/logs.ts";
import type { CampaignListing } from "../queue/campaign-list.ts";
import { openQueueClient, type QueueClient } from "../queue/client.ts";
import type { SwarmAccess, Target } from "../targets/target.ts";
import type { CommonOptions } from "./campaign-commands.ts";
import { campaignTable } from "./campaign-table.ts";
import { chooseSwarm } from "./choose-swarm.ts";
import { count } from "./format.ts";
import type { CommandContext } from "./main.ts";
import { showCampaign } from "./show-campaign.ts";

// What the sub-words do; loaded when one of them is called.

export async function list(options: CommonOptions, { stdout, stderr }: CommandContext): Promise<void> {
  await using connected = await connect(options.swarm, stderr);
  const listings = await connected.queue.list();
  if (options.json) stdout.write(`${JSON.stringify(listings.map(withoutTerminal), undefined, 2)}\n`);
  else if (listings.length === 0) stdout.write("there is no campaign\n");
  else for (const line of campaignTable(listings, stdout, Date.now())) stdout.write(`${line}\n`);
}

/** What a user has in the environment is not for whoever lists campaigns. */
function withoutTerminal(listing: CampaignListing): CampaignListing {
  const { terminal: _, ...campaign } = listing.campaign;
  return { ...listing, campaign };
}

/** @returns the exit code. */
export async function follow(
  word: "attach" | "retry",
  id: string,
  { swarm: name, quiet = false, verbose = false, json = false }: CommonOptions,
  context: CommandContext,
): Promise<number> {
  await using connected = await connect(name, context.stderr);
  const { target, queue, swarm } = connected;
  const directory = process.cwd();
  const here = { host: hostname(), directory };
  return await showCampaign({ quiet, verbose, json, directory }, context, (say) => {
    connected.say = say;
    const begin = word === "attach" ? attachCampaign : retryCampaign;
    const events = begin(id, here, queue, swarm.results, context.interrupt);
    return Promise.resolve({ target, results: swarm.results, events });
  });
}

export async function cancel(
  id: string,
  options: CommonOptions,
  { stdout, stderr }: CommandContext,
): Promise<void> {
  await using connected = await connect(options.swarm, stderr);
  const { open } = await connected.queue.find(id);
  const removed = await connected.queue.cancel(
    id,
    open.map((run) => run.runNumber),
  );
  stdout.write(
    `campaign ${id}: ${count(removed.length, "queued run")} cancelled, what runs is ended; collect the rest with: runall-swarm attach ${id}\n`,
  );
}

export async function logs(
  id: string,
  run: string | undefined,
  options: CommonOptions & { follow?: true },
  { stdout, stderr, interrupt }: CommandContext,
): Promise<void> {
  await using connected = await connect(options.swarm, stderr);
  const { queue, swarm } = connected;
  const print = (text: string | Uint8Array): void => void stdout.write(text);
  await printOutput({ id, run, follow: options.follow ?? false, print }, queue, swarm.results, interrupt);
}

interface Connected extends AsyncDisposable {
  /** For what is to be said on the way; to be replaced by who has a better place for it than stderr. */
  say: (text: string) => void;
  target: Target;
  swarm: SwarmAccess;
  queue: QueueClient;
}

async function connect(name: string | undefined, stderr: CommandContext["stderr"]): Promise<Connected> {
  const say = (text: string): void => void stderr.write(`${text}\n`);
  const target = await chooseSwarm(name, { say });
  const swarm = await target.connect((text) => connected.say(text));
  const queue = await openQueueClient(swarm.queue);
  const connected: Connected = {
    say,
    target,
    swarm,
    queue,
    async [Symbol.asyncDispose]() {
      await queue[Symbol.asyncDispose]();
      await swarm[Symbol.asyncDispose]();
    },
  };
  return connected;
}
