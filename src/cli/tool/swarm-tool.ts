import { pipeline } from "node:stream/promises";
import { Command as Program, Option } from "commander";
import { runnersOption, serviceOptions, type ServiceFlags } from "./docker-options.ts";
import { addInitOptions, withKind, type InitFlags } from "./init-options.ts";
import { addMachineOptions, MACHINE_OPTIONS } from "./machine-options.ts";
import { wholeNumber } from "../terminal/whole-number.ts";
import { EXIT, isHelp, type Command, type CommandContext } from "../terminal/command.ts";
import { HELP_LAYOUT, outputOf } from "../terminal/usage-error.ts";
import type { DashboardCommandOptions } from "./dashboard.ts";
import type { DoctorFlags } from "./doctor.ts";
import { UserError } from "../../errors.ts";
import type { StatusFlags } from "./aws-commands.ts";
import { addCompletion, isCompletion } from "../terminal/completion.ts";
import { withExamples } from "../terminal/examples.ts";
import { forPeople } from "../terminal/for-people.ts";
import { version } from "../terminal/version.ts";
import type { ForceOptions } from "../swarm/provider-context.ts";
import type { RemoveOptions, ResumeFlags } from "./swarm-commands.ts";
import type { Io } from "./io.ts";
import { printable } from "../terminal/printable.ts";

/** Creates and manages swarms. The modules of a command are imported when it is called. */
export const swarmTool: Command = {
  name: "swarm-tool",
  onlyPrints: (argv) => isHelp(argv) || ["status", "context", "policy", "doctor"].includes(argv[0] ?? ""),
  async run(context) {
    if (isCompletion(context)) {
      const { completeSwarmTool } = await import("./complete-swarm-tool.ts");
      return await completeSwarmTool(
        context,
        describeProgram(context, () => undefined),
      );
    }
    let exitCode: number = EXIT.done;
    const program = describeProgram(context, (code) => (exitCode = code));
    await program.parseAsync([...context.argv], { from: "user" });
    return exitCode;
  },
};

const commands = () => import("./swarm-commands.ts");
const workers = wholeNumber(0, 100);

/** Returns the command-line definition of `swarm-tool`. @param finish receives the exit code. */
export function describeProgram(context: CommandContext, finish: (code: number) => void): Program {
  const { stdout, stderr, interrupt } = context;
  const io: Io = {
    say: (text) => void stdout.write(`${forPeople(printable(text), stdout)}\n`),
    note: (text) => void stderr.write(`${forPeople(printable(text), stderr)}\n`),
    sayData: (text) => void stdout.write(`${printable(text)}\n`),
    columns: stdout.isTTY ? stdout.columns || 80 : undefined,
    interrupt,
  };
  const program = new Program("swarm-tool")
    .description("Create and manage the swarms that runall-swarm uses.")
    .version(version(), "--version")
    .addHelpText("after", HELP)
    .configureHelp(HELP_LAYOUT)
    .configureOutput(outputOf(context))
    .exitOverride();
  addManageCommands(program, io, finish, context);
  addRemoteCommands(program, io);
  addSetupCommands(program, io, finish, stdout);
  return program;
}

type Finish = (code: number) => void;

/** Adds the commands that swarms of all kinds have. */
function addManageCommands(program: Program, io: Io, finish: Finish, context: CommandContext): void {
  program.commandsGroup("Manage swarms:");
  addInitOptions(
    program.command("init").description("create a swarm on this machine, on a Docker Swarm, or on AWS"),
  ).action(async (name: string | undefined, given: InitFlags, command: Program) => {
    const flags = withKind(given, command);
    const { refuseInapplicable, refuseUnusedImageFlags } = await import("./refuse-flags.ts");
    refuseInapplicable(command, flags);
    refuseUnusedImageFlags(flags);
    finish(await (await commands()).init(name, flags, io));
  });
  withExamples(program.command("status [name]"), "swarm-tool status", "swarm-tool status local --json")
    .description("show swarms with their machines, processes, queues and costs")
    .option("--json", "print JSON")
    .option(
      "--all-regions",
      "on AWS: find all swarms of the account, in all regions, also those that this machine does not know",
    )
    .option("--profile <name>", "with --all-regions: the AWS profile")
    .action(async (name: string | undefined, options: StatusFlags) => {
      if (!options.allRegions && options.profile !== undefined)
        throw new UserError("--profile applies only with --all-regions");
      if (!options.allRegions) return finish(await (await commands()).status(name, options, io));
      const { statusEverywhere } = await import("./aws-commands.ts");
      finish(await statusEverywhere(name, options, io));
    });
  withExamples(program.command("halt [name]"), "swarm-tool halt", "swarm-tool halt inet --yes")
    .description("shut down the machines or processes of a swarm, keeping its data")
    .option("--force", "do not ask for confirmation while runs are executing")
    .option("--yes", "same as --force")
    .action(async (name: string | undefined, options: ForceOptions) => {
      await (await commands()).halt(name, options, io);
    });
  withExamples(
    addMachineOptions(program.command("resume [name]")),
    "swarm-tool resume",
    "swarm-tool resume inet --workers 10 --instance-type c6i.4xlarge --spot",
    "swarm-tool resume local@oldmachine --take-over",
  )
    .description("start a halted swarm, or restart dead processes of a running one")
    .addOption(
      new Option(
        "--take-over",
        "take over NAME@MACHINE, whose machine no longer exists or was renamed",
      ).conflicts(
        [...MACHINE_OPTIONS], // which only a swarm on AWS has, and those of other machines are local
      ),
    )
    .action(async (name: string | undefined, options: ResumeFlags) => {
      await (await commands()).resume(name, options, io);
    });
  withExamples(
    program.command("remove [name]"),
    "swarm-tool remove local",
    "swarm-tool remove inet --yes",
    "swarm-tool remove lab --forget",
  )
    .alias("delete")
    .description("stop a swarm and delete all its data")
    .option("--force", "do not ask for confirmation if it still has runs or results")
    .option("--yes", "same as --force")
    .option("--forget", "forget a swarm whose Docker Swarm or machine no longer exists")
    .action(async (name: string | undefined, options: RemoveOptions) => {
      await (await commands()).remove(name, options, io);
    });
  addDashboard(program, context);
}

/** Adds the command that prints the address of the dashboard. */
function addDashboard(program: Program, context: CommandContext): void {
  withExamples(
    program.command("dashboard [name]"),
    "swarm-tool dashboard",
    "swarm-tool dashboard inet --port 8080",
  )
    .description("print the address of a swarm's dashboard, with its access token")
    .option(
      "--port <n>",
      "serve one on this port until Ctrl-C (0: any free port); it has the results that this machine has collected",
      wholeNumber(0, 65_535),
    )
    .addOption(new Option("--background").hideHelp())
    .action(async (name: string | undefined, options: DashboardCommandOptions) => {
      await (await import("./dashboard.ts")).dashboard(name, options, context);
    });
}

/** Adds the commands for swarms on AWS and Docker. */
function addRemoteCommands(program: Program, io: Io): void {
  program.commandsGroup("Swarms on AWS and Docker:");
  withExamples(program.command("scale"), "swarm-tool scale 10", "swarm-tool scale 0 inet")
    .argument("<workers>", "number of worker machines", workers)
    .argument("[name]")
    .description("change the number of workers of a swarm on AWS")
    .action(async (count: number, name: string | undefined) => {
      await (await commands()).scale(name, count, io);
    });
  withExamples(
    program.command("connect [name]"),
    "swarm-tool connect",
    "swarm-tool connect inet --ssh-cidr 203.0.113.7/32",
  )
    .description("open the connection to a swarm: a tunnel to AWS, or a relay to Docker")
    .option("--ssh-cidr <range>", "also allow SSH to the manager from these addresses, e.g. 203.0.113.7/32")
    .action(async (name: string | undefined, options: { sshCidr?: string }) => {
      await (await commands()).connect(name, options, io);
    });
  withExamples(program.command("disconnect [name]"), "swarm-tool disconnect", "swarm-tool disconnect inet")
    .description("close the connection; the swarm keeps running")
    .action(async (name: string | undefined) => {
      await (await commands()).disconnect(name, io);
    });
  const deploy = program.command("deploy [name]").description("deploy or update the services of a swarm");
  withExamples(
    serviceOptions(runnersOption(deploy)).optionsGroup("Options:"),
    "swarm-tool deploy",
    "swarm-tool deploy inet --omnetpp-version 6.2.0 --build",
    "swarm-tool deploy lab --worker-image registry.example.org/worker:2",
  ).action(async (name: string | undefined, flags: ServiceFlags) => {
    (await import("./refuse-flags.ts")).refuseUnusedImageFlags(flags);
    await (await commands()).deploy(name, flags, io);
  });
}

/** Adds the commands that need no swarm. */
function addSetupCommands(program: Program, io: Io, finish: Finish, stdout: CommandContext["stdout"]): void {
  program.commandsGroup("Setup:");
  withExamples(program.command("context"), "swarm-tool context | docker build --tag worker -")
    .description("print the docker build context as a tar archive")
    .action(async () => {
      const { buildContext } = await import("../../providers/docker/context.ts");
      await pipeline(buildContext(), stdout, { end: false });
    });
  program
    .command("relay <name> <ports...>", { hidden: true })
    .action(async (name: string, ports: string[]) => {
      await (await import("./relay.ts")).relayTo(name, ports, io);
    });
  withExamples(
    program.command("policy"),
    "swarm-tool policy > policy.json",
    "swarm-tool policy --account 123456789012",
  )
    .description("print the IAM policy that a user of swarm-tool needs on AWS")
    .addOption(
      new Option("--account <number>", "AWS account (default: account of the credentials)").conflicts(
        "profile",
      ),
    )
    .option("--profile <name>", "AWS profile (default: as configured for AWS)")
    .action(async (options: { account?: string; profile?: string }) => {
      await (await import("./aws-commands.ts")).printPolicy(options, io);
    });
  withExamples(
    program.command("doctor"),
    "swarm-tool doctor",
    "swarm-tool doctor --local",
    "swarm-tool doctor --aws --region eu-central-1",
  )
    .description("check the requirements of swarms and print how to meet them")
    .optionsGroup("Swarms that must be usable (default: only runall-swarm itself):")
    .option("--local", "on this machine")
    .option("--docker", "on a Docker Swarm")
    .option("--aws", "on AWS")
    .optionsGroup("On a Docker Swarm:")
    .addOption(new Option("--host <url>", "its manager, e.g. ssh://user@machine").conflicts("context"))
    .option("--context <name>", "its docker context")
    .optionsGroup("On AWS:")
    .option("--region <name>", "AWS region (default: as configured for AWS)")
    .option("--profile <name>", "AWS profile (default: as configured for AWS)")
    .optionsGroup("Options:")
    .action(async (options: DoctorFlags) => {
      finish(await (await import("./doctor.ts")).doctor(options, io));
    });
  addCompletion(program, stdout);
}

const HELP = `
Examples:
  swarm-tool init --local     # a swarm on this machine
  swarm-tool doctor           # what is missing on this machine
  swarm-tool status
  swarm-tool init --help      # options and examples of a command`;
