import type { SwarmDeployer } from "../reachable-swarm.ts";
import { UserError } from "../../errors.ts";
import type { AwsState } from "../swarm-state.ts";
import type { Target } from "../target.ts";
import { isOpen } from "../tunnel.ts";
import { dockerAnswers } from "../docker-ping.ts";
import { existingAws, haltedError, reachable, type AwsEvent } from "./swarm.ts";
import { CONNECT_TIMEOUT_MS } from "./timeouts.ts";

type Clients = import("./clients.ts").AwsClients;

/**
 * The swarm on AWS as a campaign sees it. The SDK is loaded only where the tunnel is not open.
 * @param say is told what takes time.
 */
export function awsTarget(name: string, deployer: SwarmDeployer, say: (text: string) => void): Target {
  const tell = (event: AwsEvent): void => {
    if (event.type !== "resource") say(event.text);
  };
  const never = new AbortController().signal;
  return {
    async connect(onWaiting) {
      const state = await connected(await existingAws(name), tell);
      return await deployer.access(reachable(state)!, onWaiting);
    },
    isReady: async () => await answers(await existingAws(name)),
    async mend() {
      const state = await existingAws(name);
      if (state.state === "halted") throw haltedError(name);
      if (await answers(state)) return [];
      await connected(state, tell);
      return ["the tunnel to the swarm had ended and was opened again"];
    },
    halt: () =>
      withClients(name, async (clients, state) => {
        const { haltSwarm } = await import("./power.ts");
        await drain(haltSwarm(clients, state, deployer, never), tell);
      }),
    resume: () =>
      withClients(name, async (clients, state) => {
        const { resumeSwarm } = await import("./power.ts");
        const resumed = await drain(resumeSwarm(clients, state, state.workers, never), tell);
        await deployTo(resumed, deployer, say, never);
      }),
    remove: () =>
      withClients(name, async (clients, state) => {
        const { removeSwarm } = await import("./remove.ts");
        await drain(removeSwarm(clients, state, never), tell);
      }),
    status: () =>
      withClients(name, async (clients, state) => {
        const { describeSwarm } = await import("./status.ts");
        return await describeSwarm(clients, state, deployer, never);
      }),
  };
}

/** Whether the tunnel is open and Docker answers through it. */
async function answers(state: AwsState): Promise<boolean> {
  return isOpen(state.tunnel) && (await dockerAnswers(state.tunnel.dockerSocket));
}

async function connected(state: AwsState, tell: (event: AwsEvent) => void): Promise<AwsState> {
  if (await answers(state)) return state;
  if (state.state === "halted") throw haltedError(state.name);
  if (state.state === "creating") {
    throw new UserError(`the swarm ${state.name} is not complete`, {
      hint: `complete it with: swarm-tool init ${state.name}`,
    });
  }
  return await withClients(state.name, async (clients) => {
    const { connectManager } = await import("./connect.ts");
    return await drain(connectManager(clients, state, { timeoutMs: CONNECT_TIMEOUT_MS }), tell);
  });
}

/** Deploys the services on a swarm that is connected. */
export async function deployTo(
  state: AwsState,
  deployer: SwarmDeployer,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const swarm = reachable(state);
  if (swarm === undefined) {
    throw new UserError(`the tunnel to the swarm ${state.name} is not open`, {
      hint: `open it with: swarm-tool connect ${state.name}`,
    });
  }
  for await (const text of deployer.deploy(swarm, signal)) say(text);
}

/** Works with AWS in the region and under the profile with which the swarm was made. */
export async function withClients<T>(
  name: string,
  work: (clients: Clients, state: AwsState) => Promise<T>,
): Promise<T> {
  const state = await existingAws(name);
  const clients = await connectTo(state);
  try {
    return await work(clients, state);
  } finally {
    clients[Symbol.dispose]();
  }
}

async function connectTo(state: AwsState): Promise<Clients> {
  const { connectToAws } = await import("./clients.ts");
  return await connectToAws({ region: state.region, profile: state.profile });
}

/** Runs a sequence of events to its end. */
export async function drain<R>(
  events: AsyncGenerator<AwsEvent, R>,
  tell: (event: AwsEvent) => void,
): Promise<R> {
  for (;;) {
    const next = await events.next();
    if (next.done) return next.value;
    tell(next.value);
  }
}
