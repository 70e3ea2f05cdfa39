import type { SwarmDeployer } from "../reachable-swarm.ts";
import { UserError } from "../../errors.ts";
import { withLock } from "../local/local.ts";
import { readState } from "../state-file.ts";
import { swarmDirectories } from "../swarm-folders.ts";
import type { AwsState } from "../swarm-state.ts";
import type { Target } from "../target.ts";
import { isOpen } from "./tunnel.ts";
import { dockerAnswers } from "../docker/docker-ping.ts";
import { existingAws, haltedError, reachable, removedError, type AwsEvent } from "./swarm.ts";
import { CONNECT_TIMEOUT_MS } from "./timeouts.ts";

/** Of what nobody interrupts. */
const never = new AbortController().signal;

type Clients = import("./clients.ts").AwsClients;

/**
 * The swarm on AWS as a campaign sees it. The SDK is loaded only where the tunnel is not open.
 * @param say is told what takes time.
 */
export function awsTarget(name: string, deployer: SwarmDeployer, say: (text: string) => void): Target {
  const tell = (event: AwsEvent): void => {
    if (event.type !== "resource") say(event.text);
  };
  return {
    async connect(onWaiting, gone) {
      const state = await connected(name, deployer, tell);
      return await deployer.access(reachable(state)!, onWaiting, gone);
    },
    isReady: async () => await answers(await existingAws(name)),
    async mend({ signal } = {}) {
      if ((await readState(name)) === undefined) throw removedError(name);
      const state = await existingAws(name);
      if (state.state === "halted") throw haltedError(name);
      if (await answers(state)) return [];
      await connected(name, deployer, tell, signal);
      return ["the tunnel to the swarm had closed and was reopened"];
    },
    halt: () =>
      locked(name, () =>
        withClients(name, async (clients, state) => {
          const { haltSwarm } = await import("./power.ts");
          await drain(haltSwarm(clients, state, deployer, never), tell);
        }),
      ),
    resume: () =>
      locked(name, () =>
        withClients(name, async (clients, state) => {
          const [{ resumeSwarm }, { deployServices }] = await Promise.all([
            import("./power.ts"),
            import("./deploy.ts"),
          ]);
          const resumed = await drain(resumeSwarm(clients, state, state.workers, never), tell);
          await drain(deployServices(clients, resumed, deployer, never), tell);
        }),
      ),
    remove: () =>
      locked(name, () =>
        withClients(name, async (clients, state) => {
          const { removeSwarm } = await import("./remove.ts");
          await drain(removeSwarm(clients, state, never), tell);
        }),
      ),
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

/** With an open tunnel. Of several clients whose tunnel has ended one opens it. */
async function connected(
  name: string,
  deployer: SwarmDeployer,
  tell: (event: AwsEvent) => void,
  signal: AbortSignal = never,
): Promise<AwsState> {
  const before = await existingAws(name);
  if (await answers(before)) return before;
  if (before.state === "halted") throw haltedError(name);
  if (before.state === "creating") {
    throw new UserError(`the swarm ${name} is not complete`, {
      hint: `complete it with: swarm-tool init ${name}`,
    });
  }
  return await locked(name, () =>
    withClients(name, async (clients, state) => {
      const [{ connectManager }, { deployWhereReplaced }] = await Promise.all([
        import("./connect.ts"),
        import("./deploy.ts"),
      ]);
      const limits = { timeoutMs: CONNECT_TIMEOUT_MS, signal };
      const open = await drain(connectManager(clients, state, limits), tell);
      return await drain(deployWhereReplaced(clients, open, deployer, signal), tell);
    }),
  );
}

function locked<T>(name: string, work: () => Promise<T>): Promise<T> {
  return withLock(swarmDirectories(name).state, work);
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
