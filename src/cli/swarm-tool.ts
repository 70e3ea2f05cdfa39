import { availableParallelism } from "node:os";
import { Command as Program, InvalidArgumentError } from "commander";
import { UserError } from "../errors.ts";
import { listSwarms } from "../targets/swarm-state.ts";
import { confirm, DEFAULT_LOCAL, targetOf } from "./choose-swarm.ts";
import { count, formatTable } from "./format.ts";
import { EXIT, type Command, type CommandContext } from "./main.ts";
import { version } from "./version.ts";
import type { SwarmStatus } from "../targets/target.ts";

/** Makes, halts, resumes and removes swarms. */
export const swarmTool: Command = {
  name: "swarm-tool",
  async run(context) {
    let exitCode: number = EXIT.done;
    const program = describeProgram(context, (code) => (exitCode = code));
    await program.parseAsync([...context.argv], { from: "user" });
    return exitCode;
  },
};

function describeProgram(context: CommandContext, finish: (code: number) => void): Program {
  const { stdout, stderr } = context;
  const say = (text: string): void => void stdout.write(`${text}\n`);
  const program = new Program("swarm-tool")
    .description("Makes, halts, resumes and removes the swarms that runall-swarm uses.")
    .version(version(), "--version")
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .exitOverride();

  program
    .command("init [name]")
    .description("make a swarm")
    .option("--local", "on this machine: needs redis-server and OMNeT++")
    .option("--runners <n>", "how many runs at once", positive, availableParallelism())
    .action(async (name: string | undefined, options: { local?: true; runners: number }) => {
      if (options.local !== true)
        throw new UserError("only swarms on this machine can be made yet", {
          hint: "swarm-tool init --local",
        });
      const swarm = name ?? DEFAULT_LOCAL;
      await targetOf(swarm).init(options);
      say(
        `the swarm ${swarm} runs on this machine, with ${count(options.runners, "runner")}. It halts itself after an idle hour.`,
      );
    });
  program
    .command("status [name]")
    .description("show the swarms, their processes and queues")
    .option("--json", "as JSON")
    .action(async (name: string | undefined, options: { json?: true }) => {
      const names = name === undefined ? (await listSwarms()).map((state) => state.name) : [name];
      const all = await Promise.all(names.map((each) => targetOf(each).status()));
      if (options.json) say(JSON.stringify(all, undefined, 2));
      else if (all.length === 0) say("there is no swarm; make one with: swarm-tool init --local");
      else for (const status of all) describeStatus(status).forEach(say);
      if (all.some(({ state }) => state === "broken")) finish(EXIT.failed);
    });
  program
    .command("halt [name]")
    .description("end the processes of a swarm and keep its data")
    .option("--force", "without a question when runs are being made")
    .action(async (name: string | undefined, options: { force?: true }) => {
      const swarm = await nameOrOnly(name);
      const status = await targetOf(swarm).status();
      if (status.state === "halted") return say(`the swarm ${swarm} is halted already`);
      await askAbout(swarm, status, options.force, "running", "are being made; after resume they begin anew");
      await targetOf(swarm).halt();
      say(`the swarm ${swarm} is halted; resume it with: swarm-tool resume ${swarm}`);
    });
  program
    .command("resume [name]")
    .description("start a halted swarm again, and what has died of a running one")
    .action(async (name: string | undefined) => {
      const swarm = await nameOrOnly(name);
      await targetOf(swarm).resume();
      say(`the swarm ${swarm} runs`);
    });
  program
    .command("remove [name]")
    .alias("delete")
    .description("end a swarm and delete all that it keeps")
    .option("--force", "without a question when it still has runs or results")
    .action(async (name: string | undefined, options: { force?: true }) => {
      const swarm = await nameOrOnly(name);
      const status = await targetOf(swarm).status();
      await askAbout(
        swarm,
        status,
        options.force,
        "any",
        "are queued, being made or not yet collected; they would be lost",
      );
      await targetOf(swarm).remove();
      say(`the swarm ${swarm} is removed`);
    });
  return program;
}

async function nameOrOnly(name: string | undefined): Promise<string> {
  if (name !== undefined) return name;
  const names = (await listSwarms()).map((state) => state.name);
  if (names.length === 1) return names[0]!;
  if (names.length === 0)
    throw new UserError("there is no swarm", { hint: "make one with: swarm-tool init --local" });
  throw new UserError(`there are several swarms: ${names.join(", ")}`, { hint: "name one of them" });
}

async function askAbout(
  swarm: string,
  { jobs }: SwarmStatus,
  force: true | undefined,
  which: "running" | "any",
  what: string,
): Promise<void> {
  const number =
    jobs === undefined
      ? 0
      : which === "running"
        ? jobs.running
        : jobs.running + jobs.waiting + jobs.uncollected;
  if (number === 0 || force) return;
  const fact = `${count(number, "run")} of the swarm ${swarm} ${what}`;
  if (!(await confirm(`${fact}. Go on?`)))
    throw new UserError(fact, { hint: "add --force to do it all the same" });
}

function describeStatus({
  name,
  target,
  state,
  runners,
  processes,
  jobs,
  directories,
}: SwarmStatus): string[] {
  const rows = processes.map(({ role, alive, pid, log }) => [
    `  ${role}`,
    alive ? `pid ${pid}` : "has ended",
    log,
  ]);
  const queue =
    jobs && `  queue: ${jobs.waiting} waiting, ${jobs.running} running, ${jobs.uncollected} to collect`;
  const mend = state === "broken" ? [`  start what has ended with: swarm-tool resume ${name}`] : [];
  const where = directories.map((directory) => `  keeps its files in ${directory}`);
  return [
    `${name} (${target}): ${state}, ${count(runners, "runner")}`,
    ...formatTable(rows),
    ...(queue ? [queue] : []),
    ...where,
    ...mend,
  ];
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1024)
    throw new InvalidArgumentError("It must be a whole number from 1 to 1024.");
  return value;
}
