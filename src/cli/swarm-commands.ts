import { availableParallelism } from "node:os";
import { UserError } from "../errors.ts";
import { secretFrom } from "./access-from-environment.ts";
import { listSwarms, readState } from "../targets/swarm-state.ts";
import type { SwarmStatus } from "../targets/target.ts";
import { confirm, DEFAULT_LOCAL, targetOf } from "./choose-swarm.ts";
import { count, formatTable } from "./format.ts";
import { EXIT } from "./main.ts";
import { nameOrOnly } from "./name-or-only.ts";

export interface InitCommandOptions {
  local?: true;
  runners?: number;
  mongo?: true;
}

type Say = (text: string) => void;

export async function init(name: string | undefined, options: InitCommandOptions, say: Say): Promise<void> {
  if (options.local !== true) {
    throw new UserError("only swarms on this machine can be made yet", { hint: "swarm-tool init --local" });
  }
  const swarm = name ?? DEFAULT_LOCAL;
  const runners = options.runners ?? (await readState(swarm))?.runners ?? availableParallelism();
  const mongoUrl = options.mongo ? await usableMongo(say) : undefined;
  await targetOf(swarm).init({ runners, mongoUrl });
  say(
    `the swarm ${swarm} runs on this machine, with ${count(runners, "runner")}. It halts itself after an idle hour.\nIts dashboard: swarm-tool dashboard ${swarm}`,
  );
}

/**
 * The URL of the user's MongoDB; better now than with the first result it turns out that it cannot be used.
 * @throws {UserError} where it cannot.
 */
async function usableMongo(say: Say): Promise<string> {
  const url = await secretFrom(process.env, "MONGO_URL");
  if (url === undefined) {
    throw new UserError("there is no word of the MongoDB for results", {
      hint: "give its URL in the environment variable MONGO_URL, or in the file that MONGO_URL_FILE names",
    });
  }
  await (await loadMongo()).checkMongo({ url, onWaiting: say });
  return url;
}

const loadMongo = () => import("../results/mongo.ts");

/** @returns the exit code: a swarm of which something has died is a failure. */
export async function status(name: string | undefined, options: { json?: true }, say: Say): Promise<number> {
  const names = name === undefined ? (await listSwarms()).map((state) => state.name) : [name];
  const all = await Promise.all(names.map((each) => targetOf(each).status()));
  if (options.json) say(JSON.stringify(all, undefined, 2));
  else if (all.length === 0) say("there is no swarm; make one with: swarm-tool init --local");
  else for (const each of all) describeStatus(each).forEach(say);
  return all.some(({ state }) => state === "broken") ? EXIT.failed : EXIT.done;
}

export async function halt(name: string | undefined, options: { force?: true }, say: Say): Promise<void> {
  const swarm = await nameOrOnly(name);
  const target = targetOf(swarm);
  const now = await target.status();
  if (now.state === "halted") return say(`the swarm ${swarm} is halted already`);
  const running = now.jobs?.running ?? 0;
  const fact = `${count(running, "run")} of the swarm ${swarm} are being made; after resume they begin anew`;
  if (running > 0 && !options.force) await ask(fact);
  await target.halt();
  say(`the swarm ${swarm} is halted; resume it with: swarm-tool resume ${swarm}`);
}

export async function resume(name: string | undefined, say: Say): Promise<void> {
  const swarm = await nameOrOnly(name);
  await targetOf(swarm).resume();
  say(`the swarm ${swarm} runs`);
}

export async function remove(name: string | undefined, options: { force?: true }, say: Say): Promise<void> {
  const swarm = await nameOrOnly(name);
  const target = targetOf(swarm);
  const { jobs } = await target.status();
  const any = jobs && jobs.running + jobs.waiting + jobs.uncollected;
  const fact =
    any === undefined
      ? `the queue of the swarm ${swarm} does not answer; runs and results that it may hold would be lost`
      : `${count(any, "run")} of the swarm ${swarm} are queued, being made or not yet collected; they would be lost`;
  if (any !== 0 && !options.force) await ask(fact);
  await target.remove();
  say(`the swarm ${swarm} is removed`);
}

/** @throws {UserError} where the answer is no. */
async function ask(fact: string): Promise<void> {
  if (await confirm(`${fact}. Go on?`)) return;
  throw new UserError(fact, { hint: "add --force to do it all the same" });
}

function describeStatus(swarm: SwarmStatus): string[] {
  const { name, target, state, runners, processes, jobs, directories, dashboard } = swarm;
  const rows = processes.map(({ role, alive, pid, log }) => [
    `  ${role}`,
    alive ? `pid ${pid}` : "has ended",
    log,
  ]);
  const queue =
    jobs === undefined
      ? "does not answer"
      : `${jobs.waiting} waiting, ${jobs.running} running, ${jobs.uncollected} to collect`;
  return [
    `${name} (${target}): ${state}, ${count(runners, "runner")}`,
    ...formatTable(rows),
    `  queue: ${queue}`,
    ...(dashboard === undefined ? [] : [`  dashboard: ${dashboard}`]),
    ...directories.map((directory) => `  keeps its files in ${directory}`),
    ...(processes.some(({ alive }) => !alive)
      ? [`  start what has ended with: swarm-tool resume ${name}`]
      : []),
  ];
}
