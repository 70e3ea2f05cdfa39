import { UserError } from "../../errors.ts";
import { changeServices } from "../docker/deployer.ts";
import type { ServiceChange } from "../init-options.ts";
import {
  approveHalt,
  approveRemoval,
  type ConnectOptions,
  type ResumeOptions,
  type SwarmEvents,
} from "../provider.ts";
import type { SwarmDeployer } from "../reachable-swarm.ts";
import { eventsUnderLock, withSwarmLock } from "../swarm-lock.ts";
import type { AwsState } from "../swarm-state.ts";
import { connectToAws, type AwsClients } from "./clients.ts";
import { connectManager, disconnectManager } from "./connect.ts";
import { deployServices, deployWhereReplaced } from "./deploy.ts";
import { changeMachines, settledStack } from "./change-machines.ts";
import { haltSwarm, resumeSwarm, scaleSwarm } from "./power.ts";
import { removeSwarm } from "./remove.ts";
import { allowSsh } from "./ssh-access.ts";
import { describeSwarm, describeWithRunners, type AwsStatus } from "./status.ts";
import { existingAws, notComplete, reachableEvent, type Aws } from "./swarm.ts";
import { CONNECT_TIMEOUT_MS } from "./timeouts.ts";

export { init } from "./init.ts";

type Work<R> = (clients: AwsClients, state: AwsState) => SwarmEvents<R>;

/** Runs an operation while holding the swarm's lock, in the region and with the profile with which it was created. */
async function* onAws<R>({ name, signal }: Aws, work: Work<R>): SwarmEvents<R> {
  return yield* eventsUnderLock(
    name,
    async function* () {
      const state = await existingAws(name);
      using clients = await connectToAws({ region: state.region, profile: state.profile });
      return yield* work(clients, state);
    },
    signal,
  );
}

/** Halts the swarm. @throws {UserError} if it is already halted. */
export async function* halt(aws: Aws): SwarmEvents {
  const { name, context, deployer, signal } = aws;
  yield* onAws(aws, async function* (clients) {
    const before = await describeSwarm(clients, await existingAws(name), deployer, signal);
    if (before.state !== "halted") await approveHalt(name, before.jobs, context);
    if (!(yield* haltSwarm(clients, await existingAws(name), deployer, signal))) throw alreadyHalted(name);
    const { jobs } = await existingAws(name);
    yield { type: "halted", name, ...(jobs && { jobs }), volumeMonthly: before.cost.volumeMonthly };
  });
}

function alreadyHalted(name: string): UserError {
  return new UserError(`the swarm ${name} is already halted`, {
    hint: `resume it with: swarm-tool resume ${name}`,
  });
}

/** Starts the machines of a halted swarm and deploys its services. */
export async function* resume(aws: Aws, options: ResumeOptions): SwarmEvents {
  const { name, deployer, signal } = aws;
  yield* onAws(aws, async function* (clients, state) {
    const workers = options.workers ?? state.workers;
    try {
      yield* settledStack(clients, state, signal);
      const changed =
        options.machines === undefined
          ? state
          : yield* changeMachines(clients, state, workers, options.machines, signal);
      const connected = yield* resumeSwarm(clients, changed, workers, signal);
      yield* deployServices(clients, connected, deployer, signal);
    } catch (error) {
      const isStarted = (await existingAws(name)).state === "running";
      if (isStarted)
        yield {
          type: "warning",
          text: `its machines are running and cost money. To continue, run: swarm-tool resume ${name}; to stop them, run: swarm-tool halt ${name}`,
        };
      throw error;
    }
    yield { type: "running", name, workers };
    yield await reachableEvent(name);
  });
}

/** Changes the number of workers of a running swarm. */
export async function* scale(aws: Aws, workers: number): SwarmEvents {
  const { name, deployer, signal } = aws;
  yield* onAws(aws, async function* (clients, state) {
    const scaled = await scaleSwarm(clients, state, workers);
    yield { type: "scaled", name, workers };
    // Without workers, the manager executes the runs: then the services must be deployed again.
    if (state.workers > 0 === workers > 0) return;
    const connected = yield* connectManager(clients, scaled, { timeoutMs: CONNECT_TIMEOUT_MS, signal });
    yield* deployServices(clients, connected, deployer, signal);
  });
}

/** Removes the swarm with all its data. */
export async function* remove(aws: Aws): SwarmEvents {
  const { name, context, deployer, signal } = aws;
  yield* onAws(aws, async function* (clients) {
    const { jobs, stack, state } = await describeSwarm(clients, await existingAws(name), deployer, signal);
    const exists = stack.status !== "missing" && state !== "creating";
    if (exists) await approveRemoval(name, jobs, context, true);
    yield* removeSwarm(clients, await existingAws(name), signal);
    yield { type: "removed", name, provider: "AWS" };
  });
}

/** Opens the tunnel to the swarm. */
export async function* connect(aws: Aws, { sshCidr }: ConnectOptions): SwarmEvents {
  const { name, deployer, signal } = aws;
  yield* onAws(aws, async function* (clients, state) {
    if (sshCidr !== undefined) await allowSsh(clients, name, sshCidr);
    if (state.state === "creating") throw notComplete(name);
    yield* openTunnel(clients, state, deployer, signal);
    yield { type: "connected", name };
    yield await reachableEvent(name);
  });
}

/** Opens the tunnel for a campaign, without changing the access by SSH. Returns the new state. */
export function ensureTunnel(aws: Aws): SwarmEvents<AwsState> {
  const { deployer, signal } = aws;
  return onAws(aws, (clients, state) => openTunnel(clients, state, deployer, signal));
}

async function* openTunnel(
  clients: AwsClients,
  state: AwsState,
  deployer: SwarmDeployer,
  signal: AbortSignal,
): SwarmEvents<AwsState> {
  const open = yield* connectManager(clients, state, { timeoutMs: CONNECT_TIMEOUT_MS, signal });
  return yield* deployWhereReplaced(clients, open, deployer, signal);
}

/** Closes the tunnel to the swarm. */
export async function* disconnect({ name, signal }: Aws): SwarmEvents {
  const close = async (): Promise<boolean> => disconnectManager(await existingAws(name));
  yield { type: "disconnected", name, wasConnected: await withSwarmLock(name, close, signal) };
}

/** Deploys or updates the services of the swarm. */
export async function* deploy(aws: Aws, services: ServiceChange): SwarmEvents {
  const { name, deployer, signal } = aws;
  const change = await services();
  yield* onAws(aws, async function* (clients) {
    await changeServices(name, change);
    yield* deployServices(clients, await existingAws(name), deployer, signal);
    yield { type: "deployed", name };
  });
}

/** Returns the status of the swarm. */
export async function status({ name, deployer, signal }: Aws): Promise<AwsStatus> {
  const state = await existingAws(name);
  using clients = await connectToAws({ region: state.region, profile: state.profile });
  return await describeWithRunners(clients, state, deployer, signal);
}
