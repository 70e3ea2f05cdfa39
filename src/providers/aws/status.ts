import { UserError } from "../../errors.ts";
import { dockerAnswers } from "../docker/docker-ping.ts";
import type { ReachableSwarm, SwarmDeployer } from "../reachable-swarm.ts";
import type { AwsState } from "../swarm-state.ts";
import type { SwarmStatus } from "../target.ts";
import { idleAlarm, listAlarms, type Alarm } from "./alarms.ts";
import { awsErrorName } from "./aws-errors.ts";
import { isBroken } from "./create.ts";
import type { AwsClients } from "./clients.ts";
import { findGroups, launchFailure, type Groups } from "./groups.ts";
import { isRunning, listMachines, listVolumes, type DataVolume, type Machine } from "./machines.ts";
import { machinePrice, monthlyVolumePrice, volumePrice } from "./prices.ts";
import { describeStack } from "./stack.ts";
import { lastBootError } from "./parameters.ts";
import { scheduledEnds, type Ends } from "./ends.ts";
import { lastReport, stopWarnings, type Report } from "./stops.ts";
import { isOpen } from "./tunnel.ts";
import { asRunning, changeState, reachable } from "./swarm.ts";

export interface AwsStatus extends SwarmStatus {
  target: "aws";
  region: string;
  stack: { name: string; status: string };
  machines: Machine[];
  /** @property trouble why AWS does not start as many workers as wanted. */
  workers: { wanted: number; inService: number; trouble: string | undefined };
  volumes: DataVolume[];
  alarms: Alarm[];
  /** When scheduled actions end the machines of the groups; undefined if the swarm does not run. */
  ends: Ends | undefined;
  /** The last report of the manager whether there is work, by which its watchdog halts the swarm, too. */
  report: Report | undefined;
  /** Why the swarm may not halt itself. */
  warnings: string[];
  /** Why the manager could not be set up, as its boot script has reported. */
  bootError: string | undefined;
  tunnel: { open: boolean; pid?: number; ports?: Record<string, number>; dockerSocket?: string };
  /** Prices in US dollars; undefined if the price of a machine's type is unknown. */
  cost: {
    hourly: number | undefined;
    /** Price of the running machines since they started. */
    sinceStart: number | undefined;
    volumeMonthly: number;
    volumeSoFar: number;
  };
}

const HOUR_MS = 3600_000;

/** Returns a swarm's status with a warning for each runner that is not connected to the queue, which takes longer. */
export async function describeWithRunners(
  clients: AwsClients,
  state: AwsState,
  deployer: SwarmDeployer,
  signal: AbortSignal,
): Promise<AwsStatus> {
  const status = await describeSwarm(clients, state, deployer, signal);
  const swarm = reachable(state);
  const answers = swarm && status.tunnel.open && status.jobs !== undefined;
  if (!answers) return status;
  return { ...status, warnings: [...status.warnings, ...(await unconnected(swarm, deployer, signal))] };
}

/** Returns a swarm's status. Updates the state file if the swarm was halted or resumed elsewhere. */
export async function describeSwarm(
  clients: AwsClients,
  state: AwsState,
  deployer: SwarmDeployer,
  signal: AbortSignal,
  now = Date.now(),
): Promise<AwsStatus> {
  const [answers, { tunnel, jobs }] = await Promise.all([
    askAws(clients, state, signal),
    askSwarm(state, deployer),
  ]);
  const { stack, groups, machines, volumes, alarms, failure, bootError } = answers;
  const running = machines.filter(isRunning);
  const power = powerState({ status: stack?.StackStatus, groups, running, state });
  await noteChange(state, power);
  const manager = running.find(({ role }) => role === "manager");
  const stops = describeStops(answers, { state, power, now });
  return {
    name: state.name,
    target: "aws",
    state: power,
    jobs: power === "halted" ? state.jobs : jobs,
    region: state.region,
    stack: { name: state.stack, status: stack?.StackStatus ?? "missing" },
    machines,
    workers: {
      wanted: groups?.worker.desired ?? 0,
      inService: groups?.worker.inService ?? 0,
      trouble: isShort(groups, running) ? failure : undefined,
    },
    volumes,
    alarms,
    ...stops,
    bootError: bootError?.managerId === manager?.id ? bootError?.text : undefined,
    tunnel,
    cost: costs(running, volumes, { state, now }),
  };
}

type Answers = Awaited<ReturnType<typeof askAws>>;

/** Asks AWS all questions at the same time. */
async function askAws(clients: AwsClients, state: AwsState, signal: AbortSignal) {
  const [stack, groups, machines, volumes, alarms, failure, report, endsOf, bootError] = await Promise.all([
    describeStack(clients, state.stack, signal),
    findGroups(clients, state.stack, state.name, signal),
    listMachines(clients, state.name, signal),
    listVolumes(clients, state.name, signal),
    listAlarms(clients, state.stack, signal),
    workerFailure(clients, state, signal),
    lastReport(clients, state.name, signal),
    scheduledEnds(clients, signal),
    lastBootError(clients, state.name, signal),
  ]);
  return { stack, groups, machines, volumes, alarms, failure, report, endsOf, bootError };
}

/** Returns how the swarm stops by itself, and what prevents that. */
function describeStops(
  { groups, machines, alarms, report, endsOf }: Answers,
  { state, power, now }: { state: AwsState; power: AwsStatus["state"]; now: number },
): Pick<AwsStatus, "ends" | "report" | "warnings"> {
  const running = machines.filter(isRunning);
  const runs = power === "running" || (power === "broken" && running.length > 0);
  const ends = groups && runs ? endsOf(groups) : undefined;
  const known = { ends, report: report === "unknown" ? undefined : report };
  const isComplete = groups !== undefined && idleAlarm(alarms, state.stack) !== undefined;
  if (power === "creating" && !isComplete) return { ...known, warnings: [] };
  const unmeasured = groups ? [groups.manager, groups.worker].filter((group) => !group.isMeasured) : [];
  const stops = {
    alarms,
    ends,
    report: runs ? report : "unknown",
    unmeasured: unmeasured.map(({ name }) => name),
  } as const;
  const started = running.find(({ role }) => role === "manager")?.launched.getTime() ?? now;
  return { ...known, warnings: stopWarnings(stops, state.stack, now - started) };
}

function costs(
  running: readonly Machine[],
  volumes: readonly DataVolume[],
  { state, now }: { state: AwsState; now: number },
): AwsStatus["cost"] {
  const { region, prices } = state;
  return {
    hourly: sum(running.map(({ type, role }) => machinePrice(type, role, region, prices))),
    sinceStart: sum(running.map((machine) => costOf(machine, state, now))),
    volumeMonthly: volumes.reduce((all, { sizeGiB }) => all + monthlyVolumePrice(sizeGiB, region), 0),
    volumeSoFar: volumes.reduce(
      (all, { sizeGiB, created }) => all + volumePrice(sizeGiB, region, (now - created.getTime()) / HOUR_MS),
      0,
    ),
  };
}

function isShort(groups: Groups | undefined, running: readonly Machine[]): boolean {
  return running.filter(({ role }) => role === "worker").length < (groups?.worker.desired ?? 0);
}

/** Returns why AWS could not start a worker in the last hour; undefined also for groups of other templates. */
async function workerFailure(
  clients: AwsClients,
  { stack }: AwsState,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const since = (): Date => new Date(clients.now().getTime() - HOUR_MS);
    return (await launchFailure(clients, `${stack}-worker`, since, signal))?.message;
  } catch (error) {
    if (awsErrorName(error) === "ValidationError") return undefined;
    throw error;
  }
}

function powerState({
  status,
  groups,
  running,
  state,
}: {
  status: string | undefined;
  groups: Groups | undefined;
  running: readonly Machine[];
  state: AwsState;
}): AwsStatus["state"] {
  if (status === undefined) return state.state === "creating" ? "creating" : "broken";
  if (isBroken(status) || status.startsWith("DELETE_")) return "broken";
  if (status === "CREATE_IN_PROGRESS" || groups === undefined) return "creating";
  const isHalted = groups.manager.desired + groups.worker.desired + running.length === 0;
  if (isHalted) return "halted";
  return running.some(({ role }) => role === "manager") ? "running" : "broken";
}

/**
 * Updates the state file if the swarm has halted itself, so that no command waits for it, or was resumed from another
 * machine, because it then costs money. A state that another command has written in the meantime is newer and is kept.
 */
async function noteChange(state: AwsState, power: AwsStatus["state"]): Promise<void> {
  const changeUnlessWritten = (change: (now: AwsState) => AwsState): Promise<AwsState> =>
    changeState(state.name, (now) =>
      now.state === state.state && sameTunnel(now, state) ? change(now) : now,
    );
  if (power === "halted" && state.state === "running") {
    await changeUnlessWritten((now) => ({ ...now, state: "halted", haltedBy: "idleness" }));
  }
  if (power === "running" && state.state === "halted") await changeUnlessWritten(asRunning);
}

/** Returns whether the tunnel is unchanged: a command that starts machines opens a new one. */
function sameTunnel(one: AwsState, other: AwsState): boolean {
  return one.tunnel?.pid === other.tunnel?.pid && one.tunnel?.startTime === other.tunnel?.startTime;
}

async function describeTunnel(state: AwsState): Promise<AwsStatus["tunnel"]> {
  const { tunnel } = state;
  if (!isOpen(tunnel) || !(await dockerAnswers(tunnel.dockerSocket))) return { open: false };
  const { pid, ports, dockerSocket } = tunnel;
  return { open: true, pid, ports, dockerSocket };
}

/** Returns what the swarm itself reports, if the tunnel is open. */
async function askSwarm(state: AwsState, deployer: SwarmDeployer) {
  const swarm = reachable(state);
  const [tunnel, jobs] = await Promise.all([describeTunnel(state), swarm && deployer.countJobs(swarm)]);
  return { tunnel, jobs };
}

/** Returns a warning for each runner that is not connected to the queue. */
async function unconnected(
  swarm: ReachableSwarm,
  deployer: SwarmDeployer,
  signal: AbortSignal,
): Promise<string[]> {
  try {
    return await deployer.unconnectedRunners(swarm, signal);
  } catch (error) {
    if (error instanceof UserError) return [error.message]; // the tunnel has just closed
    throw error;
  }
}

function costOf(
  { type, role, launched }: Machine,
  { region, prices }: AwsState,
  now: number,
): number | undefined {
  const price = machinePrice(type, role, region, prices);
  return price === undefined ? undefined : (price * Math.max(now - launched.getTime(), 0)) / HOUR_MS;
}

function sum(prices: readonly (number | undefined)[]): number | undefined {
  return prices.reduce<number | undefined>(
    (all, price) => (all === undefined || price === undefined ? undefined : all + price),
    0,
  );
}
