import { UserError } from "../../errors.ts";
import { attempts } from "../../system/poll.ts";
import type { DockerEndpoint } from "../docker-endpoint.ts";
import { isManager } from "../docker/engine.ts";
import { step, type ProgressEvent } from "../provider.ts";
import type { SwarmDeployer } from "../reachable-swarm.ts";
import type { AwsState } from "../swarm-state.ts";
import { markBusy } from "./alarms.ts";
import type { AwsClients } from "./clients.ts";
import { lastBootError } from "./parameters.ts";
import { changeState, reachable } from "./swarm.ts";

const AWAKE_MS = 60_000;
const SWARM_TIMEOUT_MS = 10 * 60_000;
const POLL_MS = 500;
/** How often Docker is asked before AWS is asked whether the boot script has failed. */
const POLLS_PER_QUESTION = 20;
const HALT_AND_RESUME = "see /var/log/cloud-init-output.log on the manager, or halt and resume the swarm";

/**
 * Deploys or updates the services of a connected swarm. If images are built there, this takes a quarter of an hour or
 * more; the swarm is marked as busy in the meantime. Returns the new state.
 * @throws {UserError} if the tunnel is not open.
 */
export async function* deployServices(
  clients: Pick<AwsClients, "cloudWatch" | "ssm">,
  state: AwsState,
  deployer: SwarmDeployer,
  signal: AbortSignal,
): AsyncGenerator<ProgressEvent, AwsState> {
  const swarm = reachable(state);
  if (swarm === undefined) {
    throw new UserError(`the tunnel to the swarm ${state.name} is not open`, {
      hint: `open it with: swarm-tool connect ${state.name}`,
    });
  }
  const { manager } = state;
  const failure = async (): Promise<string | undefined> => {
    const last = await lastBootError(clients, state.name, signal);
    return last?.managerId === manager ? last?.text : undefined;
  };
  yield* waitForSwarm(swarm.docker, failure, signal);
  const awake = setInterval(() => {
    markBusy(clients, state.name).catch(() => undefined); // tried again in the next minute
  }, AWAKE_MS);
  try {
    for await (const text of deployer.deploy(swarm, signal)) yield step(text);
  } finally {
    clearInterval(awake);
  }
  return await changeState(state.name, (now) => ({
    ...now,
    ...(now.manager && { deployedOn: now.manager }),
  }));
}

/** Waits for the manager's Docker Swarm: Docker answers some seconds before the boot script initializes it. */
async function* waitForSwarm(
  docker: DockerEndpoint,
  failure: () => Promise<string | undefined>,
  signal: AbortSignal,
): AsyncGenerator<ProgressEvent> {
  const nextAttempt = attempts({ everyMs: POLL_MS, timeoutMs: SWARM_TIMEOUT_MS, signal });
  for (let polls = 0; !(await isManager(docker, signal)); polls++) {
    if (polls === 0) yield step("waiting for the manager to initialize its Docker Swarm");
    const reason = polls % POLLS_PER_QUESTION === 0 ? await failure() : undefined;
    if (reason !== undefined)
      throw new UserError(`the manager could not be set up: ${reason}`, { hint: HALT_AND_RESUME });
    if (!(await nextAttempt())) {
      throw new UserError("the manager has not initialized a Docker Swarm", { hint: HALT_AND_RESUME });
    }
  }
}

/**
 * Deploys the services again if AWS has replaced the manager on which they ran; their data is on the volume, which the
 * new manager has. Returns the new state.
 */
export async function* deployWhereReplaced(
  clients: Pick<AwsClients, "cloudWatch" | "ssm">,
  state: AwsState,
  deployer: SwarmDeployer,
  signal: AbortSignal,
): AsyncGenerator<ProgressEvent, AwsState> {
  const { manager, deployedOn } = state;
  if (deployedOn === undefined || deployedOn === manager) return state;
  yield step(`the manager ${deployedOn} was replaced by ${manager ?? "another"}`);
  return yield* deployServices(clients, state, deployer, signal);
}
