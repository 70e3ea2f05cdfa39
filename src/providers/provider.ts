import { UserError } from "../errors.ts";
import type { QueueConnection } from "../queue/names.ts";
import type { MongoAccess } from "../stores/mongo.ts";
import type { InitOptions, ServiceChange } from "./init-options.ts";
import type { JobCounts, StatusLine, SwarmAccess, SwarmStatus } from "./target.ts";

/** Progress of a long operation. */
export type ProgressEvent =
  | { type: "step"; text: string }
  | { type: "warning"; text: string }
  /** A resource of a cloud provider has changed its state. */
  | { type: "resource"; logicalId: string; resourceType: string; status: string; reason: string | undefined };

/** What would be made, and its price. */
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
  /** Addresses that may reach the manager by ssh. */
  sshCidr: string | undefined;
  idleMinutes: number;
  maxHours: number;
  /** In US dollars; undefined if it is not known. */
  hourly: number | undefined;
  volumeMonthly: number;
  /** Where the prices come from. */
  prices: string;
}

/** What happens while a swarm is created, changed or removed: its progress, then the result. */
export type SwarmEvent =
  | ProgressEvent
  /** Machines are still there after something failed; they cost that many US dollars an hour, if that is known. */
  | { type: "left-running"; name: string; known: boolean; hourly: number | undefined }
  | { type: "planned"; plan: PricedPlan }
  /** A swarm of this machine has been made. */
  | { type: "made-here"; name: string; runners: number }
  /** @property place where its machines are, if that is not the user's own Docker. */
  | { type: "made"; name: string; place?: string }
  | { type: "already-halted"; name: string }
  /** @property volumeMonthly what its data cost in US dollars a month while it is halted. */
  | { type: "halted"; name: string; jobs?: JobCounts; volumeMonthly?: number }
  | { type: "running"; name: string; workers?: number }
  | { type: "scaled"; name: string; workers: number }
  | { type: "connected"; name: string }
  | { type: "disconnected"; name: string; wasConnected: boolean }
  | { type: "deployed"; name: string }
  /** @property provider who has confirmed that nothing is left. */
  | { type: "removed"; name: string; provider?: string }
  | { type: "forgotten"; name: string }
  /** How its dashboard, its Docker and its visualizer are reached. */
  | { type: "reachable"; name: string; dockerSocket?: string; visualizerPort?: number };

export type SwarmEvents<R = void> = AsyncGenerator<SwarmEvent, R>;

/** What the user has to agree to before it is done. */
export type Question =
  | { type: "interrupts-runs"; name: string; runs: number }
  /** @property runs undefined if the queue does not answer. @property volume whether a volume is deleted, too. */
  | { type: "loses-runs"; name: string; runs: number | undefined; volume: boolean }
  | { type: "costs-money"; name: string };

/** What a provider needs of its caller. */
export interface ProviderContext {
  countJobs: (connection: QueueConnection) => Promise<JobCounts>;
  /** Ends the simulations of a killed runner that are still running; the runner must have ended. */
  endSimulations(directory: string): Promise<void>;
  /** Returns if the user agrees. @throws {UserError} otherwise. */
  approve: (question: Question) => Promise<void>;
  /** Offers to remove what is left of a swarm that could not be made. @returns whether the user wants that. */
  offerRemoval(failure: UserError): Promise<boolean>;
  signal?: AbortSignal | undefined;
}

interface HaltOptions {
  /** The swarm halts itself because it is idle: nobody is asked, and the process `self` ends by itself afterwards. */
  idle?: { self: number };
}

export interface ResumeOptions {
  /** How many machines are started; default: as before. */
  workers?: number | undefined;
}

export interface ConnectOptions {
  /** Addresses that may reach the manager, too. */
  sshCidr?: string | undefined;
}

interface MendOptions {
  signal?: AbortSignal;
  /** Also look at the swarm itself, which others may have halted or removed. */
  askSwarm?: boolean;
  /** Called with what takes time. */
  onWaiting?: (text: string) => void;
}

/** Where a dashboard is, and what its token is, or is made from. */
export interface DashboardPlace {
  host: string;
  port: number;
  secret: { type: "token"; token: string } | { type: "password"; password: string };
}

/**
 * A swarm of one kind, whether it exists or not. Every operation may be repeated: what is already done stays as it is. Long
 * operations are generators of events; they take the swarm's lock, so that one of them runs at a time.
 */
export interface Provider {
  readonly name: string;
  /** Makes the swarm, or completes one that is half made. */
  init(options: InitOptions): SwarmEvents;
  /** Opens the way to a swarm elsewhere. */
  connect(options: ConnectOptions): SwarmEvents;
  /** Closes it; the swarm keeps running. */
  disconnect(): SwarmEvents;
  /** Deploys the services, or brings them up to date. */
  deploy(change: ServiceChange): SwarmEvents;
  /** Stops all processes or machines and keeps the data: queued runs continue after `resume`. */
  halt(options?: HaltOptions): SwarmEvents;
  resume(options?: ResumeOptions): SwarmEvents;
  /** Changes how many workers there are. */
  scale(workers: number): SwarmEvents;
  /** Stops everything and deletes it. */
  remove(): SwarmEvents;
  /** Deletes only what this machine knows of the swarm. */
  forget(): SwarmEvents;
  status(): Promise<SwarmStatus>;
  /** @param status of this swarm. */
  describe(status: SwarmStatus): StatusLine[];

  // for a campaign

  /** Whether `access` would answer immediately, with nothing to start. */
  isReady(): Promise<boolean>;
  /** Whether it is halted, if somebody else may have done that: then the state file does not say so. */
  isHalted?(): Promise<boolean>;
  /**
   * Restarts what has died of a running swarm; cheap enough for every few seconds.
   * @returns what had died, as sentences.
   * @throws {SwarmRemoved} if there is nothing left of the swarm.
   * @throws {UserError} if the swarm is halted.
   */
  mend(options?: MendOptions): Promise<string[]>;
  /**
   * What a campaign needs; a process that died is restarted.
   * @param onWaiting called with the reason when something does not answer for a while.
   * @param gone aborted when the swarm has been removed, which ends all waiting for it.
   */
  access(onWaiting: (reason: string) => void, gone?: AbortSignal): Promise<SwarmAccess>;

  // for its dashboard

  /** @throws {UserError} if it cannot be reached. */
  dashboard(signal: AbortSignal): Promise<DashboardPlace>;
  /** What a dashboard in this process needs, whether the swarm runs or not; undefined if it has its own elsewhere. */
  accessHere?: (patience: Omit<MongoAccess, "url">) => Promise<SwarmAccess>;
}

export function step(text: string): ProgressEvent {
  return { type: "step", text };
}

/** Runs an operation to its end. @param tell called with each event. */
export async function drain<E, R>(
  events: AsyncGenerator<E, R>,
  tell: (event: E) => void = () => undefined,
): Promise<R> {
  for (;;) {
    const next = await events.next();
    if (next.done) return next.value;
    tell(next.value);
  }
}

/** Runs work that reports by a callback; yields each report as a step. */
export async function* reporting<R>(
  work: (report: (text: string) => void) => Promise<R>,
): AsyncGenerator<ProgressEvent, R> {
  const reports: string[] = [];
  const progress = { isDone: false };
  let wake = (): void => undefined;
  const working = work((text) => {
    reports.push(text);
    wake();
  });
  const ended = Promise.allSettled([working]).then(() => {
    progress.isDone = true;
    wake();
  });
  try {
    for (;;) {
      const text = reports.shift();
      if (text !== undefined) yield step(text);
      else if (progress.isDone) return await working;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    await ended;
  }
}

/** Asks before runs are interrupted. */
export async function approveHalt(
  name: string,
  jobs: JobCounts | undefined,
  { approve }: ProviderContext,
): Promise<void> {
  const runs = jobs?.running ?? 0;
  if (runs > 0) await approve({ type: "interrupts-runs", name, runs });
}

/** Asks before runs or results are lost, also if nobody knows whether there are any. */
export async function approveRemoval(
  name: string,
  jobs: JobCounts | undefined,
  { approve }: ProviderContext,
  volume = false,
): Promise<void> {
  const runs = jobs && jobs.running + jobs.waiting + jobs.uncollected;
  if (runs !== 0) await approve({ type: "loses-runs", name, runs, volume });
}

export function haltedError(name: string): UserError {
  return new UserError(`the swarm ${name} is halted`, { hint: `resume it with: swarm-tool resume ${name}` });
}

export function notOnDocker(name: string): UserError {
  return new UserError(`the swarm ${name} is not on a Docker Swarm`, {
    hint: `remove it: swarm-tool remove ${name}`,
  });
}

export function notOnAws(name: string): UserError {
  return new UserError(`the swarm ${name} is not on AWS: it has no machines to add or remove`);
}
