import { UserError } from "../errors.ts";
import type { QueueConnection } from "../queue/names.ts";
import type { MongoAccess } from "../stores/mongo.ts";
import { reports } from "../system/reports.ts";
import type { InitOptions, ServiceChange } from "./init-options.ts";
import type { JobCounts, StatusLine, SwarmAccess, SwarmStatus } from "./target.ts";

/** Progress of a long operation. */
export type ProgressEvent =
  | { type: "step"; text: string }
  | { type: "warning"; text: string }
  /** A resource of a cloud provider has changed its status. */
  | { type: "resource"; logicalId: string; resourceType: string; status: string; reason: string | undefined };

/** The machines that would be created, and their price. */
export interface PricedPlan {
  name: string;
  region: string;
  account: string;
  stack: string;
  workers: number;
  instanceType: string;
  managerType: string;
  spot: boolean;
  volumeGiB: number;
  /** Addresses from which the manager can be reached by ssh. */
  sshCidr: string | undefined;
  idleMinutes: number;
  maxHours: number;
  /** Price in US dollars per hour; undefined if it is unknown. */
  hourly: number | undefined;
  /** What an hour may cost beyond that, in US dollars, if burstable machines compute all the time. */
  surplusHourly: number;
  /** Price of the data volume in US dollars per month. */
  volumeMonthly: number;
  /** The account's own key with which AWS encrypts all volumes; undefined if there is none. */
  volumeKey: string | undefined;
  /** Price of alarms and metrics in US dollars per month, beyond the free ones. */
  alarmsMonthly: number;
  /** Price in US dollars of each GB of results that is downloaded, beyond the free ones. */
  trafficGB: number;
  /** Where the prices come from. */
  prices: string;
}

/** Events of creating, changing or removing a swarm: its progress, then the result. */
export type SwarmEvent =
  | ProgressEvent
  /** After a failure, machines are still running. @property hourly their price in US dollars per hour, if it is known. */
  | { type: "left-running"; name: string; known: boolean; hourly: number | undefined }
  | { type: "planned"; plan: PricedPlan }
  /** A swarm on this machine has been created. */
  | { type: "made-here"; name: string; runners: number }
  /** A swarm on other machines has been created. @property place where, if not on the user's own Docker. */
  | { type: "made"; name: string; place?: string }
  | { type: "already-halted"; name: string }
  /** @property volumeMonthly price of its data volume in US dollars per month while the swarm is halted. */
  | { type: "halted"; name: string; jobs?: JobCounts; volumeMonthly?: number }
  | { type: "running"; name: string; workers?: number }
  | { type: "scaled"; name: string; workers: number }
  | { type: "connected"; name: string }
  | { type: "disconnected"; name: string; wasConnected: boolean }
  | { type: "deployed"; name: string }
  /** @property provider the cloud provider that has confirmed that nothing is left. */
  | { type: "removed"; name: string; provider?: string }
  | { type: "forgotten"; name: string }
  /** How to reach the swarm's dashboard, Docker and visualizer. */
  | { type: "reachable"; name: string; dockerSocket?: string; visualizerPort?: number };

export type SwarmEvents<R = void> = AsyncGenerator<SwarmEvent, R>;

/** What the user has to approve. */
export type Question =
  | { type: "interrupts-runs"; name: string; runs: number }
  /** @property runs undefined if the queue does not answer. @property volume whether the data volume is also deleted. */
  | { type: "loses-runs"; name: string; runs: number | undefined; volume: boolean }
  | { type: "costs-money"; name: string };

/** Functions that a provider needs from its caller. */
export interface ProviderContext {
  countJobs: (connection: QueueConnection) => Promise<JobCounts>;
  /** Returns the host names of the connected runners; undefined if Redis does not tell. */
  connectedRunners: (connection: QueueConnection) => Promise<string[] | undefined>;
  /** Stops the simulations that a killed runner left running; the runner must have ended. */
  endSimulations(directory: string): Promise<void>;
  /** Asks the user to approve. @throws {UserError} if the user declines. */
  approve: (question: Question) => Promise<void>;
  /** Offers to remove what is left of a swarm that could not be created. @returns whether the user accepts. */
  offerRemoval(failure: UserError): Promise<boolean>;
  /** Offers to install the server that the queue needs. @param what its name, license and origin. */
  offerInstallation(what: string): Promise<boolean>;
  signal?: AbortSignal | undefined;
}

interface HaltOptions {
  /** The swarm halts itself because it is idle: nobody is asked, and the process with the pid `self` is not stopped. */
  idle?: { self: number };
}

/** Options of `resume`; each kind of swarm uses those that apply to it. */
export interface ResumeOptions {
  /** Number of workers to start (default: as before). */
  workers?: number | undefined;
  /** What to change about the machines of a halted swarm on AWS; an empty change only renews their image. */
  machines?: MachineChange | undefined;
}

/** Properties of a swarm's machines; what is undefined stays as it is. */
export interface MachineChange {
  instanceType?: string | undefined;
  managerType?: string | undefined;
  spot?: boolean | undefined;
  volumeGiB?: number | undefined;
  maxHours?: number | undefined;
  idleMinutes?: number | undefined;
}

/** Options of `connect`; each kind of swarm uses those that apply to it. */
export interface ConnectOptions {
  /** Further addresses from which the manager can be reached. */
  sshCidr?: string | undefined;
}

interface RepairOptions {
  signal?: AbortSignal;
  /** Also queries the swarm itself, which others may have halted or removed. */
  askSwarm?: boolean;
  /** Called with a description of an operation that takes time. */
  onWaiting?: (text: string) => void;
}

/** Address of a dashboard, and its token or the password from which the token is derived. */
export interface DashboardPlace {
  host: string;
  port: number;
  secret: { type: "token"; token: string } | { type: "password"; password: string };
}

/**
 * A swarm of one kind, which need not exist. Every operation may be repeated. Long operations are generators of events;
 * they hold the swarm's lock, so that only one of them runs at a time.
 */
export interface Provider {
  readonly name: string;
  /** Creates the swarm, or completes one that was partly created. */
  init(options: InitOptions): SwarmEvents;
  /** Opens the connection to a swarm on other machines. */
  connect(options: ConnectOptions): SwarmEvents;
  /** Closes the connection; the swarm keeps running. */
  disconnect(): SwarmEvents;
  /** Deploys or updates the services. */
  deploy(change: ServiceChange): SwarmEvents;
  /** Stops all processes or machines and keeps the data: queued runs continue after `resume`. */
  halt(options?: HaltOptions): SwarmEvents;
  resume(options?: ResumeOptions): SwarmEvents;
  /** Changes the number of workers. */
  scale(workers: number): SwarmEvents;
  /** Stops all processes and machines, and deletes all data. */
  remove(): SwarmEvents;
  /** Deletes only the local data about the swarm. */
  forget(): SwarmEvents;
  status(): Promise<SwarmStatus>;
  /** Returns what `swarm-tool status` shows. @param status of this swarm. */
  describe(status: SwarmStatus): StatusLine[];

  // for a campaign

  /** Returns whether `access` would return immediately without starting anything. */
  isReady(): Promise<boolean>;
  /** Returns whether the swarm is halted; for swarms that other users may halt, which does not change the state file. */
  isHalted?(): Promise<boolean>;
  /**
   * Restarts the processes of a running swarm that have ended; cheap enough to be called every few seconds.
   * @returns a sentence for each process that had ended.
   * @throws {SwarmRemoved} if there is nothing left of the swarm.
   * @throws {UserError} if the swarm is halted.
   */
  repair(options?: RepairOptions): Promise<string[]>;
  /**
   * Opens the swarm's queue and stores for a campaign, and restarts processes that have ended.
   * @param onWaiting called with the reason for waiting if something does not answer.
   * @param gone aborted when the swarm has been removed, which stops all waiting for it.
   */
  access(onWaiting: (reason: string) => void, gone?: AbortSignal): Promise<SwarmAccess>;

  // for its dashboard

  /** Returns the address of the swarm's dashboard. @throws {UserError} if it cannot be reached. */
  dashboard(signal: AbortSignal): Promise<DashboardPlace>;
  /** Opens queue and stores for a dashboard in this process, even if the swarm is halted; undefined if not possible. */
  accessHere?: (patience: Omit<MongoAccess, "url">) => Promise<SwarmAccess>;
}

/** Returns the event for a step of an operation. */
export function step(text: string): ProgressEvent {
  return { type: "step", text };
}

/** Runs an operation to its end, and returns its result. @param onEvent called with each event. */
export async function drain<E, R>(
  events: AsyncGenerator<E, R>,
  onEvent: (event: E) => void = () => undefined,
): Promise<R> {
  for (;;) {
    const next = await events.next();
    if (next.done) return next.value;
    onEvent(next.value);
  }
}

/** Calls a function that reports its progress by a callback, and yields each report as a step. Returns its result. */
export function reporting<R>(
  work: (report: (text: string) => void) => Promise<R>,
): AsyncGenerator<ProgressEvent, R> {
  return reports<ProgressEvent, R>((report) => work((text) => report(step(text))));
}

/** Asks the user to approve if runs would be interrupted. */
export async function approveHalt(
  name: string,
  jobs: JobCounts | undefined,
  { approve }: ProviderContext,
): Promise<void> {
  const runs = jobs?.running ?? 0;
  if (runs > 0) await approve({ type: "interrupts-runs", name, runs });
}

/** Asks the user to approve if runs or results would be lost, or if it is unknown whether there are any. */
export async function approveRemoval(
  name: string,
  jobs: JobCounts | undefined,
  { approve }: ProviderContext,
  volume = false,
): Promise<void> {
  const runs = jobs && jobs.running + jobs.waiting + jobs.uncollected;
  if (runs !== 0) await approve({ type: "loses-runs", name, runs, volume });
}

/** Returns the error for an operation that needs a running swarm. */
export function haltedError(name: string): UserError {
  return new UserError(`the swarm ${name} is halted`, { hint: `resume it with: swarm-tool resume ${name}` });
}

/** Returns the error for an operation that only swarms with services support. */
export function notOnDocker(name: string): UserError {
  return new UserError(`the swarm ${name} is not on a Docker Swarm`, {
    hint: `remove it: swarm-tool remove ${name}`,
  });
}

/** Returns the error for an operation that only swarms on AWS support. */
export function notOnAws(name: string): UserError {
  return new UserError(`the swarm ${name} is not on AWS: it has no machines to add or remove`);
}
