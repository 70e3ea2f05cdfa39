import path from "node:path";
import { SIMULATORS } from "../../omnetpp/simulator.ts";
import { configNames } from "../../omnetpp/expand.ts";
import { parseSimulationArguments, splitArguments } from "../../omnetpp/opp-args.ts";
import { findProgram, runProgram } from "../../system/program.ts";
import { listSwarms } from "../../providers/list-swarms.ts";
import { describeSubcommands } from "./campaign-commands.ts";
import {
  answerCompletion,
  commandsOf,
  optionsOf,
  swarmNames,
  type Candidate,
} from "../terminal/completion.ts";
import { formatDuration } from "../terminal/format.ts";
import type { CommandContext } from "../terminal/command.ts";
import { printableLine } from "../terminal/printable.ts";
import { describeOptions, EXPLAIN, OWN_OPTIONS, SUBCOMMANDS } from "./runall-options.ts";

const EXPLANATION: Candidate = {
  word: EXPLAIN,
  description: "print what would be built, sent and executed, and why",
};

/** Prints completion candidates for `runall-swarm` and returns the exit code. */
export function completeRunall(context: CommandContext): Promise<number> {
  const subWords = describeSubcommands(context, () => undefined);
  return answerCompletion(context, "runall-swarm", async (before, typed, signal): Promise<Candidate[]> => {
    const [first] = before;
    const previous = before.at(-1);
    if (previous === "--swarm") return await swarmNames();
    if (SUBCOMMANDS.has(first ?? "")) {
      const command = subWords.commands.find((each) => each.name() === first)!;
      if (typed.startsWith("-")) return optionsOf(command);
      return expectsCampaign(before) ? await campaigns(before) : [];
    }
    if (previous === "-c") return await configs(before.slice(0, -1), signal);
    if (previous === "-C" || (previous?.startsWith("-") && OWN_OPTIONS.valued.includes(previous))) return [];
    const words = first === undefined ? [...commandsOf(subWords), EXPLANATION] : [];
    return [...words, ...(typed === "" && words.length > 0 ? [] : optionsOf(await describeOptions(context)))];
  });
}

/** Returns whether a campaign id is expected next. */
function expectsCampaign([first, ...before]: readonly string[]): boolean {
  const named = before.filter((word, at) => !word.startsWith("-") && before[at - 1] !== "--swarm");
  return first !== "list" && named.length === 0;
}

/** Returns the configs of the ini files on the command line. */
async function configs(before: readonly string[], signal: AbortSignal): Promise<Candidate[]> {
  const { own, simulation } = splitArguments(before, OWN_OPTIONS);
  const at = own.lastIndexOf("-C");
  const directory = path.resolve(at < 0 ? "." : (own[at + 1] ?? "."));
  const program = await findProgram(SIMULATORS);
  if (program === undefined) return [];
  const query = { program, args: parseSimulationArguments(simulation), directory };
  const names = await configNames(query, { runProgram }, signal);
  return names.map((word) => ({ word, description: "config" }));
}

const loadQueueClient = () => import("../../queue/client.ts");
const loadKinds = () => import("../../providers/kinds/kinds.ts");
const loadContext = () => import("../swarm/provider-context.ts");

/** Returns the campaigns of running swarms. Starts nothing. */
async function campaigns(before: readonly string[]): Promise<Candidate[]> {
  const [{ openQueueClient }, { openSwarm }, { providerContext }] = await Promise.all([
    loadQueueClient(),
    loadKinds(),
    loadContext(),
  ]);
  const named = before[before.indexOf("--swarm") + 1];
  const running = (await listSwarms()).filter(({ state }) => state === "running");
  const chosen = running.filter(({ name }) => !before.includes("--swarm") || name === named);
  const listed = await Promise.all(
    chosen.map(async (state) => {
      const target = await openSwarm(state, providerContext());
      if (!(await target.isReady())) return [];
      await using swarm = await target.access(() => undefined);
      await using queue = await openQueueClient(swarm.queue);
      return await queue.list();
    }),
  );
  return listed.flat().map(({ campaign }) => ({
    word: campaign.id,
    description: printableLine(
      `${campaign.config} of ${campaign.user}, ${formatDuration(Date.now() - campaign.createdAt)} ago`,
    ),
  }));
}
