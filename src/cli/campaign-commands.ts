import { hostname } from "node:os";
import { Command as Program } from "commander";
import { attachCampaign, retryCampaign } from "../campaign/attach.ts";
import { printOutput } from "../campaign/logs.ts";
import { openQueueClient, type QueueClient } from "../queue/client.ts";
import type { SwarmAccess, Target } from "../targets/target.ts";
import { campaignTable } from "./campaign-table.ts";
import { chooseSwarm } from "./choose-swarm.ts";
import { count } from "./format.ts";
import { EXIT, type CommandContext } from "./main.ts";
import { showCampaign } from "./show-campaign.ts";

interface CommonOptions {
  swarm?: string;
  json?: true;
  quiet?: true;
  verbose?: true;
}

/** `runall-swarm list | attach | cancel | logs | retry`: what concerns campaigns that are queued already. */
export async function runSubWord(context: CommandContext): Promise<number> {
  let exitCode: number = EXIT.done;
  await describeSubWords(context, (code) => (exitCode = code)).parseAsync([...context.argv], {
    from: "user",
  });
  return exitCode;
}

/** The sub-words as commander knows them. */
export function describeSubWords(context: CommandContext, finish: (code: number) => void): Program {
  const { stdout, stderr, interrupt } = context;
  const program = new Program("runall-swarm")
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .exitOverride();
  const command = (usage: string, description: string): Program =>
    program
      .command(usage)
      .description(description)
      .option("--swarm <name>", "the swarm that has the campaign");

  command("list", "show the campaigns of a swarm, the newest first")
    .option("--json", "as JSON")
    .action(async (options: CommonOptions) => {
      await using connected = await connect(options.swarm, stderr);
      const listings = await connected.queue.list();
      if (options.json) stdout.write(`${JSON.stringify(listings, undefined, 2)}\n`);
      else if (listings.length === 0) stdout.write("there is no campaign\n");
      else for (const line of campaignTable(listings, stdout, Date.now())) stdout.write(`${line}\n`);
    });
  for (const [word, description, begin] of [
    ["attach", "follow a campaign and collect its results", attachCampaign],
    ["retry", "make the runs again that did not end well", retryCampaign],
  ] as const) {
    command(`${word} <id>`, description)
      .option("--json", "print one event a line, as JSON")
      .option("--quiet", "print warnings, errors and failed runs alone")
      .option("--verbose", "print a line for every run")
      .action(async (id: string, options: CommonOptions) => {
        await using connected = await connect(options.swarm, stderr);
        const { target, queue, swarm } = connected;
        const show = {
          quiet: options.quiet ?? false,
          verbose: options.verbose ?? false,
          json: options.json ?? false,
        };
        const exitCode = await showCampaign({ ...show, directory: process.cwd() }, context, (say) => {
          connected.say = say;
          return Promise.resolve({
            target,
            results: swarm.results,
            events: begin(
              id,
              { host: hostname(), directory: process.cwd() },
              queue,
              swarm.results,
              interrupt,
            ),
          });
        });
        finish(exitCode);
      });
  }
  command(
    "cancel <id>",
    "cancel what is queued of a campaign and end what runs; what is done can be attached",
  ).action(async (id: string, options: CommonOptions) => {
    await using connected = await connect(options.swarm, stderr);
    const { open } = await connected.queue.find(id);
    const removed = await connected.queue.cancel(
      id,
      open.map((run) => run.runNumber),
    );
    stdout.write(
      `campaign ${id}: ${count(removed.length, "queued run")} cancelled, what runs is ended; collect the rest with: runall-swarm attach ${id}\n`,
    );
  });
  command("logs <id> [run]", "print what a run has printed; without a run, how each one ended")
    .option("-f, --follow", "go on until the run has ended")
    .action(async (id: string, run: string | undefined, options: CommonOptions & { follow?: true }) => {
      await using connected = await connect(options.swarm, stderr);
      const { queue, swarm } = connected;
      const print = (text: string | Uint8Array): void => void stdout.write(text);
      await printOutput({ id, run, follow: options.follow ?? false, print }, queue, swarm.results, interrupt);
    });
  return program;
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
