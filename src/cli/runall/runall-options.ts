import type { Command } from "commander";
import type { CampaignLimits } from "../../campaign/plan/plan.ts";
import { UserError } from "../../errors.ts";
import type { Environment } from "../../model/environment.ts";
import { wholeNumberIn } from "../../model/whole-number.ts";
import type { OwnOptions } from "../../omnetpp/opp-args.ts";
import type { CommandContext } from "../terminal/command.ts";
import { withVariable } from "./named-variables.ts";
import { HELP_LAYOUT, outputOf } from "../terminal/usage-error.ts";
import { RETRIES } from "./show-limits.ts";
import { version } from "../terminal/version.ts";

/** First argument that is equivalent to the option of the same name. */
export const EXPLAIN = "explain";

/** Names of the subcommands for existing campaigns. */
export const SUBCOMMANDS = new Set(["list", "attach", "cancel", "logs", "results", "retry"]);

/** Options of `runall-swarm` itself; all others are passed to the simulation. */
export const OWN_OPTIONS: OwnOptions = {
  flags: [
    "--dry-run",
    "--explain",
    "--rerun",
    "--detach",
    "--stop-on-error",
    "--yes",
    "--json",
    "--quiet",
    "-V",
    "--verbose",
    "--help",
    "--version",
  ],
  valued: [
    "-C",
    "--directory",
    "--commit",
    "--swarm",
    "--retries",
    "--timeout",
    "--omnetpp",
    "-j",
    "--jobs",
    "--memory",
    "-b",
    "--batch-size",
    "--env",
  ],
  aliases: { "--batchsize": "--batch-size" },
};

export interface OwnOptionValues {
  directory: string;
  commit: string | undefined;
  dryRun: boolean;
  explain: boolean;
  /** Answer all questions with yes. */
  yes: boolean;
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

/** Returns the command-line definition of `runall-swarm`. */
export async function describeOptions(context: CommandContext): Promise<Command> {
  const { Command, Option } = await import("commander");
  return new Command("runall-swarm")
    .description(
      "Execute the runs of an OMNeT++ parameter study on a swarm and store the result files locally, as opp_runall does.",
    )
    .usage("[options] [--] [simulation program] [simulation options]")
    .optionsGroup("Preview:")
    .addOption(new Option("--dry-run", "list the runs, and what would be sent").conflicts(["detach", "yes"]))
    .addOption(
      new Option("--explain", "print what would be built, sent and executed, and why").conflicts([
        "dryRun",
        "detach",
        "yes",
        "rerun",
      ]),
    )
    .optionsGroup("Execution:")
    .option("--swarm <name>", "use this swarm (default: $SWARM, else the only one, else a new one here)")
    .option("--yes", "do not ask: resume a halted swarm, even if it costs money; install a queue server")
    .option("--rerun", "rerun runs that have already completed")
    .option("--detach", "exit when the runs are queued (collect them with attach)")
    .option("--stop-on-error", "cancel the campaign when a run fails")
    .option("--timeout <duration>", "stop runs that take longer: 90s, 30min, 2h, 1d", duration)
    .option("--retries <n>", "maximum retries after a worker is lost", wholeNumber, RETRIES)
    .option("-j, --jobs <n>", "maximum concurrent runs (default: as many as the swarm can)", jobs)
    .option(
      "--memory <size>",
      "memory that each run needs: 512M, 3G (default: learned from its runs)",
      memory,
    )
    .option(
      "-b, --batch-size <n>",
      "maximum short runs per process (default: chosen per program; 1: no batching)",
      batchSize,
    )
    .optionsGroup("Project:")
    .option("-C, --directory <dir>", "change to this directory first", ".")
    .option("--commit <ref>", "run this commit of the project (default: the working tree)")
    .option(
      "--env <NAME[=VALUE]>",
      "set a variable for runs and builds; without a value, copy it (repeatable)",
      (text: string, before: Environment | undefined) => withVariable(before ?? {}, text),
    )
    .option("--omnetpp <version>", "accept this OMNeT++ version on the swarm (default: yours)", omnetpp)
    .optionsGroup("Output:")
    .addOption(new Option("--json", "print JSON: events, one per line, or the preview").conflicts("verbose"))
    .addOption(new Option("--quiet", "print only warnings, errors and failed runs").conflicts("verbose"))
    .option("-V, --verbose", "print a line for every run and every step")
    .optionsGroup("Options:")
    .version(version(), "--version")
    .addHelpText("after", HELP)
    .configureHelp(HELP_LAYOUT)
    .configureOutput(outputOf(context))
    .exitOverride();
}

/**
 * Returns the values of runall-swarm's own options; undefined if it has printed the help or version instead.
 * @throws {CommanderError} for invalid options, after printing a message.
 * @throws {UserError} for invalid values.
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
  const options = program.opts<
    LimitOptions & {
      directory: string;
      commit?: string;
      dryRun?: true;
      explain?: true;
      swarm?: string;
      omnetpp?: string;
      env?: Environment;
      yes?: true;
      rerun?: true;
      detach?: true;
      json?: true;
      quiet?: true;
      verbose?: true;
    }
  >();
  return {
    directory: options.directory,
    commit: options.commit,
    dryRun: options.dryRun ?? false,
    explain: options.explain ?? false,
    yes: options.yes ?? false,
    rerun: options.rerun ?? false,
    detach: options.detach ?? false,
    limits: limitsOf(options),
    json: options.json ?? false,
    swarm: options.swarm,
    omnetpp: options.omnetpp,
    environment: options.env ?? {},
    quiet: options.quiet ?? false,
    verbose: options.verbose ?? false,
  };
}

interface LimitOptions {
  retries: number;
  timeout?: number;
  batchSize?: number;
  jobs?: number;
  memory?: number;
  stopOnError?: true;
}

function limitsOf({
  retries,
  timeout,
  batchSize: size,
  jobs: most,
  memory: memoryBytes,
  stopOnError,
}: LimitOptions): CampaignLimits {
  return {
    retries,
    stopOnError: stopOnError ?? false,
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(size !== undefined && { batchSize: size }),
    ...(most !== undefined && { concurrency: most }),
    ...(memoryBytes !== undefined && { memoryBytes }),
  };
}

function wholeNumber(text: string): number {
  const value = wholeNumberIn(text, 0, 999_999);
  if (value !== undefined) return value;
  throw new UserError(`${JSON.stringify(text)} is not a whole number`);
}

function batchSize(text: string): number {
  const size = wholeNumber(text);
  if (size > 0) return size;
  throw new UserError("the batch size must be at least 1", {
    hint: "with 1, each run has a process of its own",
  });
}

function jobs(text: string): number {
  const most = wholeNumber(text);
  if (most > 0) return most;
  throw new UserError("the number of concurrent runs must be at least 1", {
    hint: "without -j, the campaign uses all runners; to only list its runs, use --dry-run",
  });
}

/** As with `docker run --memory`, 3G, 3GB and 3GiB are equal. */
const UNITS_BYTES: Record<string, number> = { M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

function memory(text: string): number {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?) ?([MGT])i?B?$/i.exec(text) ?? [];
  const bytes = Math.round(Number(amount) * (UNITS_BYTES[unit.toUpperCase()] ?? NaN));
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw new UserError(`${JSON.stringify(text)} is not an amount of memory`, {
    hint: "write it as 512M or 3G",
  });
}

function omnetpp(text: string): string {
  if (/^\d+\.\d+/.test(text)) return text;
  throw new UserError(`${JSON.stringify(text)} is not an OMNeT++ version`, {
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
Campaigns keep running after this program exits.
To manage them:
  runall-swarm list
  runall-swarm attach ID | cancel ID | retry ID
  runall-swarm logs ID [RUN] [-f]

All other options are passed to the simulation:
-c CONFIG, -r FILTER, -f FILE.ini, -n NEDPATH,
-l LIBRARY, --KEY=VALUE, …

The simulation program is opp_run, or the program that
the project builds. To use another one, name it as with
opp_runall: ./aloha

Exit codes:
  0    all runs completed
  1    a run failed
  2    usage or configuration error
  3    internal error
  130  interrupted
  141  nobody reads the output

Examples:
  runall-swarm -c PureAlohaExperiment
  runall-swarm -c PureAlohaExperiment -r '$numHosts==10' --sim-time-limit=10s
  runall-swarm --dry-run ./aloha -c PureAlohaExperiment`;
