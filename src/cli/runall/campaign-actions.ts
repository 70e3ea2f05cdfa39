import { attachCampaign, retryCampaign } from "../../campaign/run/attach.ts";
import { printOutput } from "../../campaign/collect/logs.ts";
import type { CampaignListing } from "../../queue/campaign-list.ts";
import { openQueueClient, type QueueClient } from "../../queue/client.ts";
import type { Provider } from "../../providers/provider.ts";
import type { SwarmAccess } from "../../providers/target.ts";
import { userName } from "../../system/user.ts";
import { campaignId } from "./campaign-id.ts";
import { campaignTable } from "./campaign-table.ts";
import { chooseSwarm } from "../swarm/choose-swarm.ts";
import { forPeople } from "../terminal/for-people.ts";
import { count } from "../terminal/format.ts";
import type { CommandContext } from "../terminal/command.ts";
import { printable, printableJson, printableLine, printableStream } from "../terminal/printable.ts";
import { keepHealthy } from "../swarm/keep-healthy.ts";
import { showCampaign } from "./show-campaign.ts";

/** Options that several subcommands have. */
export interface CommonOptions {
  swarm?: string;
  yes?: boolean;
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
}

// The actions of the subcommands; this module is loaded only when one of them is called.

/** Number of campaigns that `list` prints by default. */
const MOST_LISTED = 20;

/** Prints the campaigns of a swarm, newest first. */
export async function list(
  { all = false, ...options }: CommonOptions & { all?: boolean },
  context: CommandContext,
): Promise<void> {
  const { stdout, stderr } = context;
  await using connected = await connect({ ...options, asItIs: true }, context);
  const warn = warnOn(stderr);
  const listings = await connected.queue.list(undefined, (reason) => warn(`ignoring ${reason}`));
  if (options.json) return void stdout.write(`${printableJson(listings.map(withoutTerminal), 2)}\n`);
  if (listings.length === 0) return void stdout.write("no campaigns\n");
  const shown = all ? listings : listings.slice(0, MOST_LISTED);
  for (const line of campaignTable(shown, stdout, Date.now())) stdout.write(`${line}\n`);
  const more = listings.length - shown.length;
  if (more > 0)
    stderr.write(
      `${forPeople(`… and ${count(more, "older campaign")}; to list all, run: runall-swarm list --all`, stderr)}\n`,
    );
}

/** Removes the client's environment, which may contain secrets, from a listing. */
function withoutTerminal(listing: CampaignListing): CampaignListing {
  const { terminal: _, ...campaign } = listing.campaign;
  return { ...listing, campaign };
}

/** Follows a campaign, after requeueing its failed runs for `retry`, and returns the exit code. */
export async function follow(
  word: "attach" | "retry",
  typed: string,
  { quiet = false, verbose = false, json = false, ...which }: CommonOptions,
  context: CommandContext,
): Promise<number> {
  await using connected = await connect(which, context);
  const { target, queue, swarm, gone } = connected;
  const id = await meant(typed, queue);
  const directory = process.cwd();
  return await showCampaign(
    { quiet, verbose, json, directory, leaves: word === "attach" },
    context,
    (say) => {
      connected.say = say;
      const here = { directory, warn: (text: string) => say(`warning: ${text}`) };
      const start = word === "attach" ? attachCampaign : retryCampaign;
      const { results } = swarm;
      const events = start(id, here, { queue, store: results, interrupt: context.interrupt });
      return Promise.resolve({ target, gone, results, events });
    },
  );
}

/** Cancels the queued runs of a campaign and stops its running simulations. */
export async function cancel(typed: string, options: CommonOptions, context: CommandContext): Promise<void> {
  const { stdout } = context;
  await using connected = await connect(options, context);
  const id = await meant(typed, connected.queue);
  const { open } = await connected.queue.find(id);
  const removed = await connected.queue.cancel(
    id,
    open.map((run) => run.runNumber),
  );
  const text =
    removed === undefined
      ? `campaign ${id} has already ended; nothing was cancelled${uncollected(id, open.length)}`
      : `campaign ${id}: ${removed.length > 0 ? `${count(removed.length, "queued run")} cancelled, ` : ""}running simulations are stopped; to collect the rest, run: runall-swarm attach ${id}`;
  stdout.write(`${forPeople(text, stdout)}\n`);
}

function uncollected(id: string, runs: number): string {
  return runs === 0 ? "" : `; ${count(runs, "run")} not yet collected; run: runall-swarm attach ${id}`;
}

/** Returns the id of the campaign that is meant. */
async function meant(typed: string, queue: QueueClient): Promise<string> {
  if (await queue.isKnown(typed)) return typed;
  return campaignId(typed, await queue.campaigns(), userName());
}

/** Returns a function that prints warnings. */
function warnOn(stderr: CommandContext["stderr"]): (text: string) => void {
  return (text) => void stderr.write(`${forPeople(`warning: ${printable(text)}`, stderr)}\n`);
}

/** Prints the output of a run, or how each run of a campaign ended. */
export async function logs(
  typed: string,
  run: string | undefined,
  options: CommonOptions & { follow?: true },
  context: CommandContext,
): Promise<void> {
  const { stdout, stderr, interrupt } = context;
  await using connected = await connect({ ...options, asItIs: true }, context);
  const { queue, swarm, target, gone } = connected;
  const id = await meant(typed, queue);
  if (id !== typed) stderr.write(`campaign ${id}\n`);
  const shown = printableStream();
  const print = (bytes: Uint8Array): void => void stdout.write(stdout.isTTY ? shown(bytes) : bytes);
  const printLine = (text: string): void => void stdout.write(`${forPeople(printableLine(text), stdout)}\n`);
  const here = { directory: process.cwd(), warn: warnOn(stderr) };
  const request = { id, run, follow: options.follow ?? false, here, print, printLine };
  using _health = keepHealthy(target, gone, { warn: here.warn, say: connected.say });
  try {
    await printOutput(request, { queue, store: swarm.results, interrupt });
  } catch (error) {
    throw gone.signal.aborted ? gone.signal.reason : error;
  }
  if (stdout.isTTY) stdout.write(shown());
}

interface Connected extends AsyncDisposable {
  /** Prints progress to stderr; replaced when a renderer takes over. */
  say: (text: string) => void;
  target: Provider;
  swarm: SwarmAccess;
  queue: QueueClient;
  /** Abort it when the swarm has been removed. */
  gone: AbortController;
}

/** Opens the connection to a swarm. */
async function connect(
  { swarm: name, yes, asItIs = false }: Pick<CommonOptions, "swarm" | "yes"> & { asItIs?: boolean },
  { stderr, interrupt }: Pick<CommandContext, "stderr" | "interrupt">,
): Promise<Connected> {
  const say = (text: string): void => void stderr.write(`${forPeople(printable(text), stderr)}\n`);
  const target = await chooseSwarm(name, { say, asItIs, yes, interrupt });
  const gone = new AbortController();
  const swarm = await target.access((text) => connected.say(text), gone.signal);
  const queue = await openQueueClient(swarm.queue, swarm.gone);
  const connected: Connected = {
    say,
    target,
    swarm,
    queue,
    gone,
    async [Symbol.asyncDispose]() {
      await queue[Symbol.asyncDispose]();
      await swarm[Symbol.asyncDispose]();
    },
  };
  return connected;
}
