import { errorText, UserError } from "../../errors.ts";
import { attempts, type Clock } from "../../system/poll.ts";
import { haltedError, step, type ProgressEvent } from "../provider.ts";
import type { SwarmDeployer } from "../reachable-swarm.ts";
import type { AwsState } from "../swarm-state.ts";
import { connectManager, disconnectManager } from "./connect.ts";
import type { AwsClients } from "./clients.ts";
import { cancelEnds } from "./ends.ts";
import { findGroups, setDesired, type Groups } from "./groups.ts";
import { isRunning, listMachines } from "./machines.ts";
import { armStops } from "./stops.ts";
import { asRunning, changeState, reachable } from "./swarm.ts";
import { closeTunnel } from "./tunnel.ts";
import { AWS_PACE, START_TIMEOUT_MS } from "./timeouts.ts";

const HALT_TIMEOUT_MS = 10 * 60_000;

/** Terminates all machines and keeps the data volume. @returns false if the swarm was already halted. */
export async function* haltSwarm(
  clients: AwsClients,
  state: AwsState,
  deployer: SwarmDeployer,
  signal: AbortSignal,
  clock?: Clock,
): AsyncGenerator<ProgressEvent, boolean> {
  const groups = await requireGroups(clients, state);
  const swarm = reachable(state);
  const machines = await listMachines(clients, state.name, signal);
  const isHalted = groups.manager.desired === 0 && groups.worker.desired === 0 && !machines.some(isRunning);
  let jobs = state.jobs;
  if (swarm !== undefined && !isHalted) {
    yield step("removing the runners");
    try {
      jobs = await deployer.removeRunners(swarm, signal);
    } catch (error) {
      signal.throwIfAborted();
      // The machines are stopped nevertheless: their runs are executed again after resume.
      yield { type: "warning", text: `cannot remove the runners: ${errorText(error)}` };
    }
  }
  // From here on, the signal is ignored: a partly halted swarm costs as much as a running one.
  await setDesired(clients, groups.worker.name, 0);
  await setDesired(clients, groups.manager.name, 0);
  try {
    await cancelEnds(clients, groups);
  } catch (error) {
    // They end machines that have ended already; `resume` replaces them.
    yield { type: "warning", text: `cannot delete the scheduled end of the swarm: ${errorText(error)}` };
  }
  await disconnectManager(state);
  const { haltedBy = "user" } =
    isHalted && state.state === "running" ? { haltedBy: "idleness" as const } : state;
  await changeState(state.name, ({ jobs: _, ...now }) => ({
    ...now,
    state: "halted",
    haltedBy: isHalted ? haltedBy : "user",
    ...(jobs && { jobs }),
  }));
  yield* waitUntilEnded(clients, state, signal, clock);
  return !isHalted;
}

async function* waitUntilEnded(
  clients: AwsClients,
  state: AwsState,
  signal: AbortSignal,
  clock?: Clock,
): AsyncGenerator<ProgressEvent> {
  const nextAttempt = attempts({ ...AWS_PACE, timeoutMs: HALT_TIMEOUT_MS, signal }, clock);
  let reported = 0;
  for (;;) {
    const running = (await listMachines(clients, state.name, signal)).filter(isRunning);
    if (running.length === 0) return;
    if (running.length !== reported)
      yield step(`waiting for ${running.map(({ id }) => id).join(", ")} to stop`);
    reported = running.length;
    if (!(await nextAttempt())) {
      throw new UserError(`these machines have not stopped: ${running.map(({ id }) => id).join(", ")}`, {
        hint: "they cost money: check them in the AWS console, under EC2, Instances",
      });
    }
  }
}

/** Starts the machines again, without CloudFormation, by changing the sizes of the groups. Returns the new state. */
export async function* resumeSwarm(
  clients: AwsClients,
  state: AwsState,
  workers: number,
  signal: AbortSignal,
  clock?: Clock,
): AsyncGenerator<ProgressEvent, AwsState> {
  const groups = await requireGroups(clients, state);
  yield* armStops(clients, state, groups, clock); // before any machine is running
  const isHalted = groups.manager.desired === 0;
  if (isHalted && state.tunnel !== undefined) await closeTunnel(state.tunnel);
  await setDesired(clients, groups.manager.name, 1);
  // Noted immediately, so that a failure from here on is reported together with the costs of the manager.
  const started = await changeState(state.name, (now) => ({ ...asRunning(now), workers }));
  await setDesired(clients, groups.worker.name, workers);
  yield step(`starting the manager and ${workers} workers`);
  return yield* connectManager(clients, started, { timeoutMs: START_TIMEOUT_MS, signal });
}

/** Changes the number of workers. Returns the new state. @throws {UserError} if the swarm is halted. */
export async function scaleSwarm(clients: AwsClients, state: AwsState, workers: number): Promise<AwsState> {
  const groups = await requireGroups(clients, state);
  if (groups.manager.desired === 0) throw haltedError(state.name);
  await setDesired(clients, groups.worker.name, workers);
  return await changeState(state.name, (now) => ({ ...now, workers }));
}

/** @throws {UserError} if the swarm has no groups. */
export async function requireGroups(clients: AwsClients, state: AwsState): Promise<Groups> {
  const groups = await findGroups(clients, state.stack, state.name);
  if (groups !== undefined) return groups;
  throw new UserError(
    `AWS has no machines for the swarm ${state.name}: its stack is not complete or was removed`,
    {
      hint: `complete it with: swarm-tool init ${state.name}; or forget it with: swarm-tool remove ${state.name}`,
    },
  );
}
