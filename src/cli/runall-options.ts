import type { OwnOptions } from "../simulation/opp-args.ts";
import type { CommandContext } from "./main.ts";
import { version } from "./version.ts";

/** Which arguments of `runall-swarm` are its own; every other one is the simulation's. */
export const OWN_OPTIONS: OwnOptions = {
  flags: ["--dry-run", "--quiet", "--verbose", "--help", "--version"],
  valued: ["-C", "--commit", "--swarm"],
};

export interface OwnOptionValues {
  directory: string;
  commit: string;
  dryRun: boolean;
  swarm: string | undefined;
  quiet: boolean;
  verbose: boolean;
}

/**
 * @returns undefined where help or version was asked for and has been printed.
 * @throws CommanderError for wrong options, after printing what is wrong.
 */
export async function parseOwnOptions(
  own: readonly string[],
  context: CommandContext,
): Promise<OwnOptionValues | undefined> {
  const { Command, CommanderError } = await import("commander");
  const program = new Command("runall-swarm")
    .description(
      "Runs every run of an OMNeT++ parameter study on a swarm and leaves the result files here, as opp_runall does.",
    )
    .usage("[options] [--] [simulation program] [simulation options]")
    .option("-C <dir>", "change to this directory first", ".")
    .option("--commit <ref>", "run this commit of the project", "HEAD")
    .option("--dry-run", "list the runs with their iteration variables, and end")
    .option("--swarm <name>", "the swarm to use (default: $SWARM, else the only one there is)")
    .option("--quiet", "print warnings, errors and failed runs alone")
    .option("--verbose", "print a line for every run, and what is done on the way")
    .version(version(), "--version")
    .addHelpText("after", HELP)
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .exitOverride();
  try {
    program.parse([...own], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return undefined;
    throw error;
  }
  const options = program.opts<{
    C: string;
    commit: string;
    dryRun?: true;
    swarm?: string;
    quiet?: true;
    verbose?: true;
  }>();
  return {
    directory: options.C,
    commit: options.commit,
    dryRun: options.dryRun ?? false,
    swarm: options.swarm,
    quiet: options.quiet ?? false,
    verbose: options.verbose ?? false,
  };
}

const HELP = `
Every other option is the simulation's: -c CONFIG, -r FILTER, -f FILE.ini, -n NEDPATH, -l LIBRARY, --KEY=VALUE, …
The program is opp_run, or the one that the project builds; another is named as with opp_runall: ./aloha.

Examples:
  runall-swarm -c PureAlohaExperiment
  runall-swarm -c PureAlohaExperiment -r '$numHosts==10' --vector-recording=false
  runall-swarm --dry-run ./aloha -c PureAlohaExperiment

Exit codes: 0 all runs done, 1 a run failed, 2 there is something for you to change, 130 interrupted.`;
