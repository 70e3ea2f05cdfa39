import { createStack } from "../../../src/providers/aws/stack.ts";
import { creationFailure, isBroken } from "../../../src/providers/aws/create.ts";
import { findGroups } from "../../../src/providers/aws/groups.ts";
import { importKey } from "../../../src/providers/aws/key-pair.ts";
import { markBusy } from "../../../src/providers/aws/alarms.ts";
import { haltSwarm, resumeSwarm, scaleSwarm } from "../../../src/providers/aws/power.ts";
import { removeSwarm } from "../../../src/providers/aws/remove.ts";
import { describeSwarm, type AwsStatus } from "../../../src/providers/aws/status.ts";
import { armStops } from "../../../src/providers/aws/stops.ts";
import { changeState, existingAws } from "../../../src/providers/aws/swarm.ts";
import { drain } from "../../../src/providers/provider.ts";
import type { SwarmDeployer } from "../../../src/providers/reachable-swarm.ts";
import { readState, writeState } from "../../../src/providers/state-file.ts";
import type { AwsState } from "../../../src/providers/swarm-state.ts";
import type { Clock } from "../../../src/system/poll.ts";
import { UserError } from "../../../src/errors.ts";
import type { Account } from "./account.ts";
import { ClientLost, dateOf, fakeClients, type ClientFaults } from "./fake-clients.ts";

export type Action = "halt" | "resume" | "scale" | "remove" | "look";

/** What happens to a swarm. */
export interface Life {
  maxHours: number;
  workers: number;
  client: ClientFaults;
  /** Whether the client deploys the services after a start, which takes until the manager has booted. */
  deploys: boolean;
  /** What happens to the manager so many minutes after its start; Auto Scaling replaces one that has crashed. */
  trouble: { kind: "crash" | "hang"; after: number } | undefined;
  /** Commands, each so many minutes after the previous one. */
  commands: readonly { after: number; action: Action }[];
}

const SWARM = "life";
const STACK = `swarm-${SWARM}`;
const never = new AbortController().signal;
/** Ends a command where it would connect to the manager. */
const unreachable = AbortSignal.abort();
const deployer = {} as SwarmDeployer; // without a tunnel, it is not asked

/** What a life has led to, as its events happen. */
export interface Observer {
  /** Called each minute. */
  minute(): void;
  /** A command has ended, with an error if it failed. */
  ended(action: Action | "init", error: Error | undefined): Promise<void>;
  /** A client has seen the status. */
  seen(status: AwsStatus): void;
}

/** Lets a swarm live, by the commands of a client, as the tools execute them, until nothing runs or for a time. */
export class Simulation {
  readonly #account: Account;
  readonly #life: Life;
  readonly #observer: Observer;
  readonly #clients;
  #hasFailed = false;

  constructor(account: Account, life: Life, observer: Observer) {
    this.#account = account;
    this.#life = life;
    this.#observer = observer;
    this.#clients = fakeClients(account, SWARM, life.client).clients;
  }

  async run(): Promise<void> {
    await writeState(this.#newState());
    await this.#execute("init", () => this.#init());
    for (const { after, action } of this.#life.commands) {
      this.#advance(after);
      if (this.#hasFailed) break; // nobody repeats a command
      await this.#execute(action, () => this.#command(action));
    }
    while (this.#account.running.length > 0 || this.#account.groups?.manager.desired === 1) this.#advance(1);
    this.#advance(90);
  }

  /** Removes the swarm with valid credentials, as a user does who returns. */
  async removeLater(): Promise<void> {
    const { clients } = fakeClients(this.#account, SWARM, {
      lostAfter: Infinity,
      expiredAfter: Infinity,
      skew: 0,
    });
    if ((await readState(SWARM)) === undefined) return;
    await drain(removeSwarm(clients, await existingAws(SWARM), never, this.#clock()), () => undefined);
  }

  async #execute(action: Action | "init", command: () => Promise<void>): Promise<void> {
    const error = await command().then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    if (error !== undefined && !isExpected(error)) throw error;
    this.#hasFailed = error !== undefined;
    await this.#observer.ended(action, error);
  }

  async #init(): Promise<void> {
    const clients = this.#clients;
    const state = await existingAws(SWARM);
    await importKey(clients, state.keyName, SWARM, "ssh-ed25519 AAAA");
    const since = clients.now();
    const parameters = {
      ClusterSize: String(this.#life.workers),
      EndsAt: new Date(since.getTime() + this.#life.maxHours * 3600_000).toISOString(),
    };
    const id = await createStack(clients, {
      name: STACK,
      swarm: SWARM,
      template: { body: { TemplateBody: "" } },
      parameters,
    });
    const { status } = this.#account.stack!;
    if (isBroken(status))
      throw await creationFailure(clients, { id, since, status, swarm: SWARM, stack: STACK });
    await drain(
      armStops(clients, state, await findGroups(clients, STACK, SWARM), this.#clock()),
      () => undefined,
    );
    await changeState(SWARM, (now) => ({ ...now, state: "running" }));
    await this.#deploy();
  }

  /** Deploys the services as soon as the manager has booted, and marks the swarm as busy until then. */
  async #deploy(): Promise<void> {
    for (let minutes = 0; minutes < 6; minutes++) {
      this.#advance(1);
      await markBusy(this.#clients, SWARM);
    }
    const manager = this.#account.groups?.manager.instances[0];
    if (this.#life.deploys && manager !== undefined) manager.deployed = true;
  }

  async #command(action: Action): Promise<void> {
    const clients = this.#clients;
    if ((await readState(SWARM)) === undefined) return;
    const state = await existingAws(SWARM);
    switch (action) {
      case "look":
        return this.#observer.seen(await describeSwarm(clients, state, deployer, never, this.#now()));
      case "halt":
        await drain(haltSwarm(clients, state, deployer, never, this.#clock()), () => undefined);
        return;
      case "remove":
        await drain(removeSwarm(clients, state, never, this.#clock()), () => undefined);
        return;
      case "scale":
        if (this.#account.groups?.manager.desired === 1) await scaleSwarm(clients, state, this.#life.workers);
        return;
      case "resume":
        return await this.#resume(state);
    }
  }

  async #resume(state: AwsState): Promise<void> {
    if (this.#account.groups === undefined) return;
    try {
      await drain(
        resumeSwarm(this.#clients, state, this.#life.workers, unreachable, this.#clock()),
        () => undefined,
      );
    } catch (error) {
      if ((error as Error).name !== "AbortError") throw error; // it would connect now
    }
    await this.#deploy();
  }

  #advance(minutes: number): void {
    for (let passed = 0; passed < minutes; passed++) {
      this.#account.tick();
      const [manager] = this.#account.groups?.manager.instances ?? [];
      const { trouble } = this.#life;
      if (manager !== undefined && trouble !== undefined && this.#account.minute === trouble.after)
        this.#strike(trouble.kind);
      this.#observer.minute();
    }
  }

  #strike(kind: "crash" | "hang"): void {
    const { instances } = this.#account.groups!.manager;
    if (kind === "crash") instances.length = 0;
    else instances[0]!.hangs = true;
  }

  #now(): number {
    return dateOf(this.#account.minute).getTime();
  }

  /** A clock on which pauses of the tools let time pass in the account. */
  #clock(): Clock {
    let ms = 0;
    return {
      now: () => ms,
      sleep: (pause) => {
        const before = Math.floor(ms / 60_000);
        ms += pause;
        this.#advance(Math.floor(ms / 60_000) - before);
        return Promise.resolve();
      },
    };
  }

  #newState(): AwsState {
    const { workers, maxHours } = this.#life;
    const place = { region: "eu-central-1", stack: STACK, keyName: STACK, sshUser: "ec2-user" };
    return {
      format: 1,
      name: SWARM,
      target: "aws",
      state: "creating",
      ...place,
      workers,
      volumeGiB: 50,
      maxHours,
    };
  }
}

/** The faults of the client, and errors with which commands end. The real clients explain those of AWS. */
function isExpected(error: Error): boolean {
  return error instanceof ClientLost || error instanceof UserError || error.name === "ExpiredToken";
}
