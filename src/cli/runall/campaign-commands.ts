import type { CommonOptions } from "./campaign-actions.ts";
import { Command as Program, Option } from "commander";
import type { ResultsOptions } from "./show-results.ts";
import { EXIT, type CommandContext } from "../terminal/command.ts";
import { addCompletion } from "../terminal/completion.ts";
import { withExamples } from "../terminal/examples.ts";
import { oneOf } from "../terminal/one-of.ts";
import { HELP_LAYOUT, outputOf } from "../terminal/usage-error.ts";

const ID =
  "ID is that of a campaign (see: runall-swarm list), its first characters, or last for your newest campaign.";

const actions = () => import("./campaign-actions.ts");

/** Runs `runall-swarm list | attach | cancel | logs | results | retry` and returns the exit code. */
export async function runSubcommand(context: CommandContext): Promise<number> {
  let exitCode: number = EXIT.done;
  await describeSubcommands(context, (code) => (exitCode = code)).parseAsync([...context.argv], {
    from: "user",
  });
  return exitCode;
}

/** Returns the subcommands of `runall-swarm` for existing campaigns. @param finish receives the exit code. */
export function describeSubcommands(context: CommandContext, finish: (code: number) => void): Program {
  const program = new Program("runall-swarm")
    .configureHelp(HELP_LAYOUT)
    .configureOutput(outputOf(context))
    .exitOverride();
  const command = (usage: string, description: string): Program =>
    program
      .command(usage)
      .description(description)
      .option("--swarm <name>", "the campaign's swarm (default: $SWARM, else the only one)");
  const withId = (usage: string, description: string): Program => command(usage, `${description}. ${ID}`);
  const yes = ["--yes", "resume a halted swarm without asking, even if it costs money"] as const;

  command("list", "list the newest campaigns of a swarm")
    .option("--all", "list all campaigns (default: the newest 20)")
    .option("--json", "print all campaigns as JSON")
    .action(async (options: CommonOptions & { all?: true }) => (await actions()).list(options, context));
  for (const [word, description] of [
    [
      "attach",
      "follow a campaign and collect its results; Ctrl-C leaves it running (to cancel it: runall-swarm cancel)",
    ],
    ["retry", "rerun failed and cancelled runs"],
  ] as const) {
    withId(`${word} <id>`, description)
      .option(...yes)
      .addOption(new Option("--json", "print events as JSON, one per line").conflicts("verbose"))
      .addOption(new Option("--quiet", "print only warnings, errors and failed runs").conflicts("verbose"))
      .option("-V, --verbose", "print a line for every run")
      .action(async (id: string, options: CommonOptions) => {
        finish(await (await actions()).follow(word, id, options, context));
      });
  }
  withId(
    "cancel <id>",
    "cancel queued runs and stop running simulations; completed runs can still be collected",
  )
    .option(...yes)
    .action(async (id: string, options: CommonOptions) => (await actions()).cancel(id, options, context));
  withId("logs <id> [run]", "print the output of a run; without a run number, list how each run ended")
    .option("-f, --follow", "keep printing until the run has ended")
    .action(async (id: string, run: string | undefined, options: CommonOptions & { follow?: true }) =>
      (await actions()).logs(id, run, options, context),
    );
  withId(
    "results [id]",
    "print results of completed runs, also while others are running; without --scalar, list the scalars",
  )
    .option("--scalar <pattern>", "scalars, fields of statistics and parameters, such as '**.delay:mean'")
    .option(
      "--by <variables>",
      "x or x,y: iteration variables of the rows and the columns (default: all in rows)",
    )
    .addOption(
      new Option("--format <format>", "table, csv or json (default: table)").argParser(
        oneOf(["table", "csv", "json"]),
      ),
    )
    .action(async (id: string | undefined, options: ResultsOptions) =>
      (await import("./show-results.ts")).showResults(id ?? "last", options, context),
    );
  for (const each of program.commands) withExamples(each, ...EXAMPLES[each.name()]!);
  addCompletion(program, context.stdout);
  return program;
}

const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  list: ["runall-swarm list", "runall-swarm list --all", "runall-swarm list --swarm inet --json"],
  attach: ["runall-swarm attach last", "runall-swarm attach ID --verbose"],
  retry: ["runall-swarm retry last"],
  cancel: ["runall-swarm cancel ID", "runall-swarm attach ID   # then collect the completed runs"],
  results: [
    "runall-swarm results        # the scalars of your newest campaign",
    "runall-swarm results ID --scalar '**.delay:mean' --by numHosts,iaMean",
    "runall-swarm results last --scalar '**.delay:mean' --format csv > delay.csv",
  ],
  logs: [
    "runall-swarm logs ID        # how each run ended",
    "runall-swarm logs ID 12     # the output of run 12",
    "runall-swarm logs ID 12 -f  # while it is running",
  ],
};
