import { pipeline } from "node:stream/promises";
import { Command as Program, Option } from "commander";
import { runnersOption, serviceOptions, type ServiceFlags } from "./docker-options.ts";
import { awsInitOptions, type InitFlags } from "./init-options.ts";
import { wholeNumber } from "../terminal/whole-number.ts";
import { EXIT, type Command, type CommandContext } from "../terminal/command.ts";
import type { DashboardCommandOptions } from "./dashboard.ts";
import { isCompletion } from "../terminal/completion.ts";
import { version } from "../terminal/version.ts";
import type { ForceOptions } from "../swarm/provider-context.ts";
import type { RemoveOptions, ResumeFlags } from "./swarm-commands.ts";
import type { Io } from "./io.ts";
import { printable } from "../terminal/printable.ts";

/** Makes, halts, resumes and removes swarms. What a command needs is imported when it is called. */
export const swarmTool: Command = {
  name: "swarm-tool",
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

/** Its commands as commander knows them. */
export function describeProgram(context: CommandContext, finish: (code: number) => void): Program {
  const { stdout, stderr, interrupt } = context;
  const io: Io = {
    say: (text) => void stdout.write(`${printable(text)}\n`),
    note: (text) => void stderr.write(`${printable(text)}\n`),
    interrupt,
  };
  const program = new Program("swarm-tool")
    .description("Makes, halts, resumes and removes the swarms that runall-swarm uses.")
    .version(version(), "--version")
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .exitOverride();
  awsInitOptions(
    program.command("init [name]").description("make a swarm on AWS, on a Docker Swarm, or on this machine"),
  ).action(async (name: string | undefined, flags: InitFlags) => {
    await (await commands()).init(name, flags, io);
  });
  program
    .command("status [name]")
    .description("show the swarms: machines, processes, queues and what they cost")
    .option("--json", "as JSON")
    .action(async (name: string | undefined, options: { json?: true }) => {
      finish(await (await commands()).status(name, options, io));
    });
  program
    .command("halt [name]")
    .description("end the machines or processes of a swarm and keep its data")
    .option("--force", "without a question when runs are being made")
    .option("--yes", "the same")
    .action(async (name: string | undefined, options: ForceOptions) => {
      await (await commands()).halt(name, options, io);
    });
  program
    .command("resume [name]")
    .description("start a halted swarm again, and what has died of a running one")
    .option("--workers <n>", "on AWS: how many (default: as before)", workers)
    .option("--take-over", "use a swarm NAME@MACHINE here, whose machine is gone or was renamed")
    .action(async (name: string | undefined, options: ResumeFlags) => {
      await (await commands()).resume(name, options, io);
    });
  program
    .command("remove [name]")
    .alias("delete")
    .description("end a swarm and delete all that it keeps")
    .option("--force", "without a question when it still has runs or results")
    .option("--yes", "the same")
    .option("--forget", "forget a Docker Swarm, or a machine, that is gone: nothing is removed there")
    .action(async (name: string | undefined, options: RemoveOptions) => {
      await (await commands()).remove(name, options, io);
    });
  program
    .command("dashboard [name]")
    .description("say where the dashboard of a swarm is, with the token that its buttons need")
    .option(
      "--port <n>",
      "serve it there as well, until Ctrl-C; 0: any port that is free",
      wholeNumber(0, 65_535),
    )
    .addOption(new Option("--background").hideHelp())
    .action(async (name: string | undefined, options: DashboardCommandOptions) => {
      await (await import("./dashboard.ts")).dashboard(name, options, context);
    });
  describeAwsCommands(program, io, finish, stdout);
  return program;
}

/** Those that only a swarm elsewhere has. */
function describeAwsCommands(
  program: Program,
  io: Io,
  finish: (code: number) => void,
  stdout: CommandContext["stdout"],
): void {
  program
    .command("scale <workers> [name]")
    .description("change how many workers a swarm on AWS has")
    .action(async (text: string, name: string | undefined) => {
      await (await commands()).scale(name, workers(text), io);
    });
  program
    .command("connect [name]")
    .description("open the way to a swarm that is elsewhere: a tunnel to AWS, a relay to a Docker Swarm")
    .option("--ssh-cidr <range>", "let these addresses reach the manager, too: 203.0.113.7/32")
    .action(async (name: string | undefined, options: { sshCidr?: string }) => {
      await (await commands()).connect(name, options, io);
    });
  program
    .command("disconnect [name]")
    .description("close it; the swarm runs on")
    .action(async (name: string | undefined) => {
      await (await commands()).disconnect(name, io);
    });
  runnersOption(
    serviceOptions(
      program
        .command("deploy [name]")
        .description("deploy the services on a swarm, or bring them up to date"),
    ),
  ).action(async (name: string | undefined, flags: ServiceFlags) => {
    await (await commands()).deploy(name, flags, io);
  });
  program
    .command("context")
    .description("print the context for docker build, a tar: the Dockerfile and this installation")
    .action(async () => {
      const { buildContext } = await import("../../providers/docker/context.ts");
      await pipeline(await buildContext(), stdout, { end: false });
    });
  program
    .command("relay <name> <ports...>", { hidden: true })
    .action(async (name: string, ports: string[]) => {
      await (await import("./relay.ts")).relayTo(name, ports, io);
    });
  program
    .command("policy")
    .description("print the IAM policy that a user of swarm-tool needs on AWS")
    .option("--account <number>", "of this account (default: that of the credentials)")
    .option("--profile <name>", "AWS profile")
    .action(async (options: { account?: string; profile?: string }) => {
      await (await import("./aws-commands.ts")).printPolicy(options, io);
    });
  program
    .command("doctor")
    .description("check what swarms need, and say how to mend it")
    .option("--region <name>", "AWS region")
    .option("--profile <name>", "AWS profile")
    .action(async (options: { region?: string; profile?: string }) => {
      finish(await (await import("./doctor.ts")).doctor(options, io));
    });
}
