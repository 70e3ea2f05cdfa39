import { statusLines, type Io } from "./io.ts";
import { UserError } from "../../errors.ts";
import { secretFrom } from "../worker/access-from-environment.ts";
import { kindsToOffer, newSwarm, openSwarm } from "../../providers/kinds/kinds.ts";
import {
  findOnOtherHosts,
  findAllSwarms,
  type KnownSwarms,
  type OtherHostSwarm,
} from "../../providers/list-swarms.ts";
import type { ConnectOptions, Provider } from "../../providers/provider.ts";
import type { SwarmState } from "../../providers/swarm-state.ts";
import { forgetElsewhere, takeOver } from "../../providers/take-over.ts";
import type { SwarmStatus } from "../../providers/target.ts";
import { ask } from "../swarm/ask.ts";
import { initOptions, type InitFlags } from "./init-options.ts";
import { resumeOptions, type MachineFlags } from "./machine-options.ts";
import type { ServiceFlags } from "./docker-options.ts";
import { EXIT } from "../terminal/command.ts";
import { printableJson } from "../terminal/printable.ts";
import { describeElsewhere, describeLost, explain, statusElsewhere } from "../swarm/swarms-elsewhere.ts";
import { namedOrOnly, namedOrRepaired, WITHOUT_SWARM } from "../swarm/name-or-only.ts";
import { providerContext, type ForceOptions } from "../swarm/provider-context.ts";
import { serviceChange } from "./service-change.ts";
import { show } from "./show-events.ts";

/** Returns the named swarm, else the only one. */
async function named(name: string | undefined, io: Io): Promise<Provider> {
  return await openSwarm(await namedOrOnly(name), providerContext({}, io.interrupt));
}

/** Returns the named swarm, else the only one. Repairs a damaged state file first. */
async function namedAndRepaired(
  name: string | undefined,
  io: Io,
  options: ForceOptions = {},
): Promise<Provider> {
  return await openSwarm(await namedOrRepaired(name, io), providerContext(options, io.interrupt));
}

/**
 * Creates a swarm, or prints the kinds of swarms to choose from if none is chosen and there are no AWS credentials.
 * Returns the exit code.
 */
export async function init(name: string | undefined, flags: InitFlags, io: Io): Promise<number> {
  const offers = await kindsToOffer(flags);
  if (offers !== undefined) {
    io.note("no swarm was created; choose where it should execute runs:");
    for (const { option, description } of offers)
      io.note(
        `\n  ${["swarm-tool init", ...(name === undefined ? [] : [name]), option].join(" ")}\n      ${description}`,
      );
    io.note("\nto check what is missing on this machine, run: swarm-tool doctor");
    return EXIT.usage;
  }
  const swarm = await newSwarm(name, flags, providerContext(flags, io.interrupt));
  const mongoUrl = flags.mongo ? () => usableMongo(io.say) : undefined;
  await show(swarm.init({ ...initOptions(flags), mongoUrl }), io);
  return EXIT.done;
}

/**
 * Returns the URL of the user's MongoDB after checking it, so that errors appear before the first result is
 * stored.
 * @throws {UserError} if it cannot be used.
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

/** Prints the status of one or all swarms and returns the exit code. A swarm with dead processes is a failure. */
export async function status(name: string | undefined, options: { json?: true }, io: Io): Promise<number> {
  const known: KnownSwarms =
    name === undefined
      ? await findAllSwarms()
      : { swarms: [await namedOrOnly(name)], elsewhere: [], unreadable: [] };
  const { swarms, elsewhere, unreadable } = known;
  const unknown = unreadable.map(({ name: swarm, error }) => `${swarm}: ${explain(error)}`);
  if (name === undefined) unknown.push(...describeLost(known));
  const query = async (state: SwarmState): Promise<Seen | undefined> => {
    try {
      const swarm = await openSwarm(state, providerContext({}, io.interrupt));
      return { swarm, status: await swarm.status() };
    } catch (error) {
      if (!(error instanceof UserError) || name !== undefined) throw error;
      unknown.push(`${state.name} (${state.target}): unknown: ${explain(error)}`);
      return undefined; // the other swarms are still shown
    }
  };
  const all = (await Promise.all(swarms.map(query))).filter((each) => each !== undefined);
  const others = elsewhere.map(statusElsewhere);
  if (options.json) io.sayData(printableJson([...all.map((each) => each.status), ...others], 2));
  else if (swarms.length + unknown.length + others.length === 0) io.say(`no swarm exists; ${WITHOUT_SWARM}`);
  else all.flatMap((each) => describe(each, io)).forEach(io.say);
  if (!options.json) others.map(describeElsewhere).forEach(io.say);
  unknown.forEach(io.note);
  if (unknown.length > 0) return EXIT.usage;
  return all.some((each) => each.status.state === "broken") ? EXIT.failed : EXIT.done;
}

interface Seen {
  swarm: Provider;
  status: SwarmStatus;
}

function describe({ swarm, status: seen }: Seen, { columns }: Io): string[] {
  return statusLines(swarm.describe(seen), seen, columns);
}

/** Halts a swarm after asking for confirmation if runs are executing. */
export async function halt(name: string | undefined, options: ForceOptions, io: Io): Promise<void> {
  await show((await namedAndRepaired(name, io, options)).halt(), io);
}

export interface ResumeFlags extends MachineFlags {
  /** Move a swarm of another machine to this one. */
  takeOver?: true;
}

/** Resumes a halted swarm, or restarts dead processes of a running one. */
export async function resume(name: string | undefined, options: ResumeFlags, io: Io): Promise<void> {
  if (options.takeOver) await takeOverNamed(name);
  const swarm = await namedAndRepaired(options.takeOver ? name?.split("@")[0] : name, io);
  await show(swarm.resume(resumeOptions(options)), io);
}

/** Changes the number of worker machines of a swarm. */
export async function scale(name: string | undefined, workers: number, io: Io): Promise<void> {
  await show((await named(name, io)).scale(workers), io);
}

export interface RemoveOptions extends ForceOptions {
  forget?: true;
}

/** Removes a swarm with its data, or only forgets it on this machine. */
export async function remove(name: string | undefined, options: RemoveOptions, io: Io): Promise<void> {
  if (options.forget && name?.includes("@")) return await forgetMachine(name, options, io);
  const swarm = await namedAndRepaired(name, io, options);
  await show(options.forget ? swarm.forget() : swarm.remove(), io);
}

/**
 * Returns a swarm of another machine.
 * @throws {UserError} if no other machine has a swarm of this name.
 */
async function elsewhereNamed(name: string): Promise<OtherHostSwarm> {
  const [found] = await findOnOtherHosts(name);
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
  if (!options.force && !options.yes) await ask(fact, io.interrupt);
  await forgetElsewhere(found);
  io.say(`the swarm ${name} is forgotten`);
}

/** Opens the connection to a swarm on AWS or Docker. */
export async function connect(name: string | undefined, options: ConnectOptions, io: Io): Promise<void> {
  await show((await named(name, io)).connect(options), io);
}

/** Closes the connection to a swarm, which keeps running. */
export async function disconnect(name: string | undefined, io: Io): Promise<void> {
  await show((await named(name, io)).disconnect(), io);
}

/** Deploys or updates the services of a swarm. */
export async function deploy(name: string | undefined, flags: ServiceFlags, io: Io): Promise<void> {
  const swarm = await named(name, io);
  await show(
    swarm.deploy(() => serviceChange(flags)),
    io,
  );
}
