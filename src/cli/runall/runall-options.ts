import type { Command } from "commander";
import type { CampaignLimits } from "../../campaign/plan/plan.ts";
import { UserError } from "../../errors.ts";
import type { Environment } from "../../model/environment.ts";
import type { OwnOptions } from "../../omnetpp/opp-args.ts";
import type { CommandContext } from "../terminal/command.ts";
import { withVariable } from "./named-variables.ts";
import { version } from "../terminal/version.ts";

/** A first word that means the option of the same name. */
export const EXPLAIN = "explain";

/** What it does with campaigns that are queued already. */
export const SUB_WORDS = new Set(["list", "attach", "cancel", "logs", "retry"]);

/** Which arguments of `runall-swarm` are its own; every other one is the simulation's. */
export const OWN_OPTIONS: OwnOptions = {
  flags: [
    "--dry-run",
    "--explain",
    "--rerun",
    "--detach",
    "--stop-on-error",
    "--json",
    "--quiet",
    "--verbose",
    "--help",
    "--version",
  ],
  valued: ["-C", "--commit", "--swarm", "--retries", "--timeout", "--omnetpp", "-b", "--batch-size", "--env"],
};

export interface OwnOptionValues {
  directory: string;
  commit: string | undefined;
  dryRun: boolean;
  explain: boolean;
  rerun: boolean;
  detach: boolean;
  limits: CampaignLimits;
  json: boolean;
  swarm: string | undefined;
  omnetpp: string | undefined;
  /** Variables that `--env` names, sorted by name. */
  environment: Environment;
  quiet: boolean;
  verbose: boolean;
}

/** The options of `runall-swarm` as commander knows them. */
export async function describeOptions(context: CommandContext): Promise<Command> {
  const { Command } = await import("commander");
  return new Command("runall-swarm")
    .description(
      "Runs every run of an OMNeT++ parameter study on a swarm and leaves the result files here, as opp_runall does.",
    )
    .usage("[options] [--] [simulation program] [simulation options]")
    .option("-C <dir>", "change to this directory first", ".")
    .option("--commit <ref>", "run this commit of the project (default: the files as they lie here)")
    .option("--dry-run", "list the runs with their iteration variables and what would be sent, and end")
    .option(
      "--explain",
      "print what would be built, sent and executed, and why (also: runall-swarm explain …)",
    )
    .option("--swarm <name>", "the swarm to use (default: $SWARM, else the only one there is)")
    .option(
      "--omnetpp <version>",
      "the OMNeT++ of the swarm's machines, where it is another than yours",
      omnetpp,
    )
    .option(
      "--env <NAME[=VALUE]>",
      "set a variable for runs and builds; NAME alone: as it is here (repeatable)",
      (text: string, before: Environment | undefined) => withVariable(before ?? {}, text),
    )
    .option("--rerun", "make runs again whose results are here already")
    .option("--detach", "end when the runs are queued; collect them later with: runall-swarm attach ID")
    .option("--retries <n>", "make a run again so often when its worker vanishes", wholeNumber, 3)
    .option("--timeout <duration>", "end a run that takes longer: 90s, 30min, 2h, 1d", duration)
    .option(
      "-b, --batch-size <n>",
      "make up to so many short runs in one process; 1: never several (default: where nothing carries over)",
      batchSize,
    )
    .option("--stop-on-error", "cancel the campaign at the first run that does not end well")
    .option("--json", "print one event a line, as JSON")
    .option("--quiet", "print warnings, errors and failed runs alone")
    .option("--verbose", "print a line for every run, and what is done on the way")
    .version(version(), "--version")
    .addHelpText("after", HELP)
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .exitOverride();
}

/**
 * @returns undefined where help or version was asked for and has been printed.
 * @throws CommanderError for wrong options, after printing what is wrong.
 */
export async function parseOwnOptions(
  own: readonly string[],
  context: CommandContext,
): Promise<OwnOptionValues | undefined> {
  const { CommanderError } = await import("commander");
  const program = await describeOptions(context);
  try {
    program.parse([...own], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return undefined;
    throw error;
  }
  const options = program.opts<{
    C: string;
    commit?: string;
    dryRun?: true;
    explain?: true;
    swarm?: string;
    omnetpp?: string;
    env?: Environment;
    rerun?: true;
    detach?: true;
    retries: number;
    timeout?: number;
    batchSize?: number;
    stopOnError?: true;
    json?: true;
    quiet?: true;
    verbose?: true;
  }>();
  return {
    directory: options.C,
    commit: options.commit,
    dryRun: options.dryRun ?? false,
    explain: options.explain ?? false,
    rerun: options.rerun ?? false,
    detach: options.detach ?? false,
    limits: {
      retries: options.retries,
      stopOnError: options.stopOnError ?? false,
      ...(options.timeout !== undefined && { timeoutMs: options.timeout }),
      ...(options.batchSize !== undefined && { batchSize: options.batchSize }),
    },
    json: options.json ?? false,
    swarm: options.swarm,
    omnetpp: options.omnetpp,
    environment: options.env ?? {},
    quiet: options.quiet ?? false,
    verbose: options.verbose ?? false,
  };
}

function wholeNumber(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new UserError(`${JSON.stringify(text)} is not a whole number`);
}

function batchSize(text: string): number {
  const size = wholeNumber(text);
  if (size > 0) return size;
  throw new UserError("a batch has at least one run");
}

function omnetpp(text: string): string {
  if (/^\d+\.\d+/.test(text)) return text;
  throw new UserError(`${JSON.stringify(text)} is no version of OMNeT++`, {
    hint: "write it as 6.2 or 6.2.0",
  });
}

const UNITS_MS: Record<string, number> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

function duration(text: string): number {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?) ?(ms|s|min|h|d)$/.exec(text) ?? [];
  const ms = Number(amount) * (UNITS_MS[unit] ?? NaN);
  if (ms > 0) return ms;
  throw new UserError(`${JSON.stringify(text)} is not a duration`, {
    hint: "write it as 90s, 30min, 2h or 1d",
  });
}

const HELP = `
Campaigns outlive this program: runall-swarm list | attach ID | cancel ID | logs ID [RUN] [-f] | retry ID

Every other option is the simulation's: -c CONFIG, -r FILTER, -f FILE.ini, -n NEDPATH, -l LIBRARY, --KEY=VALUE, …
The program is opp_run, or the one that the project builds; another is named as with opp_runall: ./aloha.

Examples:
  runall-swarm -c PureAlohaExperiment
  runall-swarm -c PureAlohaExperiment -r '$numHosts==10' --vector-recording=false
  runall-swarm --dry-run ./aloha -c PureAlohaExperiment

Exit codes: 0 all runs done, 1 a run failed, 2 there is something for you to change, 130 interrupted.`;
