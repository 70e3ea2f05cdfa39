import { ask, describeQueue, type ForceOptions, type Io } from "./io.ts";
import { availableParallelism } from "node:os";
import { UserError } from "../../errors.ts";
import { secretFrom } from "../worker/access-from-environment.ts";
import {
  findElsewhere,
  lookAtSwarms,
  type KnownSwarms,
  type SwarmElsewhere,
} from "../../providers/list-swarms.ts";
import { readUnlessDamaged } from "../../providers/state-file.ts";
import type { SwarmState } from "../../providers/swarm-state.ts";
import { forgetElsewhere, takeOver } from "../../providers/take-over.ts";
import type { DockerStatus, LocalStatus, SwarmStatus, Target } from "../../providers/target.ts";
import { DEFAULT_LOCAL, localTargetOf } from "../swarm/choose-swarm.ts";
import { count, formatTable } from "../terminal/format.ts";
import type { ServiceFlags } from "./docker-options.ts";
import { EXIT } from "../terminal/command.ts";
import { printableJson } from "../terminal/printable.ts";
import { describeElsewhere, describeLost, explain, statusElsewhere } from "../swarm/swarms-elsewhere.ts";
import { namedOrOnly, namedOrRepaired } from "../swarm/name-or-only.ts";

/** What is done only for swarms on AWS loads what talks to it. */
const aws = () => import("./aws-commands.ts");
const docker = () => import("./docker-commands.ts");

/** Of a swarm that is not on AWS, where what is done is told more fully. */
async function targetFor(state: Exclude<SwarmState, { target: "aws" }>, io: Io): Promise<Target> {
  return state.target === "local" ? localTargetOf(state.name) : (await docker()).targetFor(state.name, io);
}

export async function initLocal(
  name: string | undefined,
  options: { runners?: number; mongo?: true },
  { say, note }: Io,
): Promise<void> {
  const swarm = name ?? DEFAULT_LOCAL;
  const known = await readUnlessDamaged(swarm);
  const runners =
    options.runners ?? (known?.target === "local" ? known.runners : undefined) ?? availableParallelism();
  const mongoUrl = options.mongo ? await usableMongo(say) : undefined;
  await localTargetOf(swarm).init({ runners, mongoUrl }, note);
  say(
    `the swarm ${swarm} is running on this machine with ${count(runners, "runner")}. It shuts down after one hour idle.\nIts dashboard: swarm-tool dashboard ${swarm}`,
  );
}

/**
 * The URL of the user's MongoDB; better now than with the first result it turns out that it cannot be used.
 * @throws {UserError} where it cannot.
 */
async function usableMongo(say: Io["say"]): Promise<string> {
  const url = await secretFrom(process.env, "MONGO_URL");
  if (url === undefined) {
    throw new UserError("MONGO_URL is not set", {
      hint: "set MONGO_URL to the URL of the MongoDB for results, or MONGO_URL_FILE to a file that contains it",
    });
  }
  await (await loadMongo()).checkMongo({ url, onWaiting: say });
  return url;
}

const loadMongo = () => import("../../stores/mongo.ts");

/** @returns the exit code: a swarm of which something has died is a failure. */
export async function status(name: string | undefined, options: { json?: true }, io: Io): Promise<number> {
  const known: KnownSwarms =
    name === undefined
      ? await lookAtSwarms()
      : { swarms: [await namedOrOnly(name)], elsewhere: [], unreadable: [] };
  const { swarms, elsewhere, unreadable } = known;
  const unknown = unreadable.map(({ name: swarm, error }) => `${swarm}: ${explain(error)}`);
  if (name === undefined) unknown.push(...describeLost(known));
  const ask = async (state: SwarmState): Promise<SwarmStatus | undefined> => {
    try {
      return await statusOf(state, io);
    } catch (error) {
      if (!(error instanceof UserError) || name !== undefined) throw error;
      unknown.push(`${state.name} (${state.target}): unknown: ${explain(error)}`);
      return undefined; // the other swarms are shown all the same
    }
  };
  const all = (await Promise.all(swarms.map(ask))).filter((each) => each !== undefined);
  const others = elsewhere.map(statusElsewhere);
  if (options.json) io.say(printableJson([...all, ...others], 2));
  else if (swarms.length + unknown.length + others.length === 0)
    io.say("no swarm exists; create one with: swarm-tool init, or swarm-tool init --local");
  else for (const each of all) (await describe(each)).forEach(io.say);
  if (!options.json) others.map(describeElsewhere).forEach(io.say);
  unknown.forEach(io.note);
  if (unknown.length > 0) return EXIT.usage;
  return all.some(({ state }) => state === "broken") ? EXIT.failed : EXIT.done;
}

async function statusOf(state: SwarmState, io: Io): Promise<SwarmStatus> {
  if (state.target === "aws") return await (await aws()).statusOfAws(state.name, io);
  return await (await targetFor(state, io)).status();
}

async function describe(swarm: SwarmStatus): Promise<string[]> {
  if (swarm.target === "local") return describeLocal(swarm as LocalStatus);
  if (swarm.target === "docker") {
    return [...(await docker()).describeDocker(swarm as DockerStatus), `  queue: ${describeQueue(swarm)}`];
  }
  const { describeAws } = await import("./aws-status.ts");
  return describeAws(swarm as Parameters<typeof describeAws>[0]);
}

export async function halt(name: string | undefined, options: ForceOptions, io: Io): Promise<void> {
  const state = await namedOrRepaired(name, io);
  if (state.target === "aws") return await (await aws()).haltAws(state.name, options, io);
  const target = await targetFor(state, io);
  const now = await target.status();
  if (now.state === "halted") return io.say(`the swarm ${state.name} is already halted`);
  const running = now.jobs?.running ?? 0;
  const fact = `${count(running, "run")} of the swarm ${state.name} are running; after resume they start from the beginning`;
  if (running > 0 && !options.force && !options.yes) await ask(fact);
  await target.halt();
  io.say(`the swarm ${state.name} is halted; resume it with: swarm-tool resume ${state.name}`);
}

export interface ResumeOptions {
  workers?: number;
  /** Use a swarm of another machine on this one from now on. */
  takeOver?: true;
}

export async function resume(name: string | undefined, options: ResumeOptions, io: Io): Promise<void> {
  if (options.takeOver) await takeOverNamed(name);
  const state = await namedOrRepaired(options.takeOver ? name?.split("@")[0] : name, io);
  if (state.target === "aws") return await (await aws()).resumeAws(state.name, options, io);
  await (await targetFor(state, io)).resume(io.note);
  io.say(`the swarm ${state.name} is running`);
}

export interface RemoveOptions extends ForceOptions {
  forget?: true;
}

export async function remove(name: string | undefined, options: RemoveOptions, io: Io): Promise<void> {
  if (options.forget && name?.includes("@")) return await forgetMachine(name, options, io);
  const state = await namedOrRepaired(name, io);
  if (options.forget) return await forget(state, io);
  if (state.target === "aws") return await (await aws()).removeAws(state.name, options, io);
  const target = await targetFor(state, io);
  const { jobs } = await statusBeforeRemoval(target, state);
  const any = jobs && jobs.running + jobs.waiting + jobs.uncollected;
  const fact =
    any === undefined
      ? `the queue of the swarm ${state.name} is not responding; any runs and results in it would be lost`
      : `${count(any, "run")} of the swarm ${state.name} are queued, running or not yet collected; they would be lost`;
  if (any !== 0 && !options.force && !options.yes) await ask(fact);
  await target.remove();
  io.say(`removed the swarm ${state.name}`);
}

async function statusBeforeRemoval(target: Target, { name, target: kind }: SwarmState): Promise<SwarmStatus> {
  try {
    return await target.status();
  } catch (error) {
    if (kind !== "docker" || !(error instanceof UserError)) throw error;
    throw new UserError(error.message, {
      hint: `if its Docker Swarm no longer exists, forget the swarm: swarm-tool remove ${name} --forget`,
      cause: error,
    });
  }
}

/** @throws {UserError} if no other machine has a swarm of this name. */
async function elsewhereNamed(name: string): Promise<SwarmElsewhere> {
  const [found] = await findElsewhere(name);
  if (found !== undefined) return found;
  throw new UserError(`no swarm ${name} on another machine`, {
    hint: "list all swarms with: swarm-tool status; those of other machines are shown as NAME@MACHINE",
  });
}

async function takeOverNamed(name: string | undefined): Promise<void> {
  if (name === undefined) throw new UserError("--take-over needs the name of a swarm: NAME@MACHINE");
  await takeOver(await elsewhereNamed(name));
}

async function forgetMachine(name: string, options: RemoveOptions, io: Io): Promise<void> {
  const found = await elsewhereNamed(name);
  const fact = `the swarm ${name} and all its data would be deleted; its processes still running on ${found.machine} are not stopped`;
  if (!options.force && !options.yes) await ask(fact);
  await forgetElsewhere(found);
  io.say(`the swarm ${name} is forgotten`);
}

async function forget({ name, target }: SwarmState, io: Io): Promise<void> {
  if (target !== "docker") {
    throw new UserError(`the swarm ${name} is not on a Docker Swarm`, {
      hint: `remove it: swarm-tool remove ${name}`,
    });
  }
  await (await docker()).forgetDocker(name, io);
}

export async function connect(
  name: string | undefined,
  options: { sshCidr?: string },
  io: Io,
): Promise<void> {
  const state = await reachedFromHere(name);
  if (state.target === "aws") await (await aws()).connectAws(state.name, options, io);
  else await (await docker()).connectDocker(state.name, io);
}

export async function disconnect(name: string | undefined, io: Io): Promise<void> {
  const state = await reachedFromHere(name);
  if (state.target === "aws") await (await aws()).disconnectAws(state.name, io);
  else await (await docker()).disconnectDocker(state.name, io);
}

export async function deploy(name: string | undefined, flags: ServiceFlags, io: Io): Promise<void> {
  const state = await reachedFromHere(name);
  if (state.target === "aws") await (await aws()).deployAws(state.name, flags, io);
  else await (await docker()).deployDocker(state.name, flags, io);
}

async function reachedFromHere(name: string | undefined): Promise<Exclude<SwarmState, { target: "local" }>> {
  const state = await namedOrOnly(name);
  if (state.target !== "local") return state;
  throw new UserError(`the swarm ${state.name} is on this machine: nothing to connect or deploy`);
}

function describeLocal(swarm: LocalStatus): string[] {
  const { name, target, state, runners, processes, directories, dashboard } = swarm;
  const rows = processes.map(({ role, alive, pid, log }) => [
    `  ${role}`,
    alive ? `pid ${pid}` : "not running",
    log,
  ]);
  return [
    `${name} (${target}): ${state}, ${count(runners, "runner")}`,
    ...formatTable(rows),
    `  queue: ${describeQueue(swarm)}`,
    ...(dashboard === undefined ? [] : [`  dashboard: ${dashboard}`]),
    ...directories.map((directory) => `  files: ${directory}`),
    ...(processes.some(({ alive }) => !alive)
      ? [`  to restart what is not running, run: swarm-tool resume ${name}`]
      : []),
  ];
}
