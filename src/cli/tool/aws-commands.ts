import { UserError } from "../../errors.ts";
import { drain, withClients } from "../../providers/aws/aws.ts";
import type { AwsClients } from "../../providers/aws/clients.ts";
import type { AwsStatus } from "../../providers/aws/status.ts";
import { existingAws } from "../../providers/aws/swarm.ts";
import { CONNECT_TIMEOUT_MS } from "../../providers/aws/timeouts.ts";
import { changeServices } from "../../providers/docker/deployer.ts";
import type { AwsState } from "../../providers/swarm-state.ts";
import { dollars } from "./aws-status.ts";
import { deploy, locked, onAws, sayWhatRuns, tell } from "./aws-work.ts";
import { swarmDeployer } from "../swarm/choose-swarm.ts";
import type { ServiceFlags } from "./docker-options.ts";
import { count } from "../terminal/format.ts";
import { namedOrOnly } from "../swarm/name-or-only.ts";
import { serviceChange } from "./service-change.ts";
import { ask, type ForceOptions, type Io } from "./io.ts";

export async function haltAws(name: string, options: ForceOptions, io: Io): Promise<void> {
  await onAws(name, io, async (clients) => {
    const { haltSwarm } = await import("../../providers/aws/power.ts");
    const status = await statusWith(clients, await existingAws(name), io);
    const running = status.jobs?.running ?? 0;
    const fact = `${count(running, "run")} of the swarm ${name} are running; after resume they start from the beginning`;
    if (running > 0 && status.state !== "halted" && !options.force && !options.yes) await ask(fact);
    const events = haltSwarm(clients, await existingAws(name), swarmDeployer, io.interrupt);
    if (!(await drain(events, tell(io)))) throw alreadyHalted(name);
    const { jobs } = await existingAws(name);
    if (jobs !== undefined)
      io.say(
        `its volume holds ${count(jobs.waiting + jobs.running, "run")} to execute and ${count(jobs.uncollected, "run")} to collect`,
      );
    io.say(
      `the swarm ${name} is halted; its volume costs ${dollars(status.cost.volumeMonthly)} a month. To resume it, run: swarm-tool resume ${name}`,
    );
  });
}

function alreadyHalted(name: string): UserError {
  return new UserError(`the swarm ${name} is already halted`, {
    hint: `resume it with: swarm-tool resume ${name}`,
  });
}

export async function resumeAws(name: string, options: { workers?: number }, io: Io): Promise<void> {
  await onAws(name, io, async (clients, state) => {
    const { resumeSwarm } = await import("../../providers/aws/power.ts");
    const workers = options.workers ?? state.workers;
    try {
      const connected = await drain(resumeSwarm(clients, state, workers, io.interrupt), tell(io));
      await deploy(clients, connected, io);
    } catch (error) {
      const isStarted = (await existingAws(name)).state === "running";
      if (isStarted) io.note(`warning: its machines are running and cost money. ${orHalt(name)}`);
      throw error;
    }
    await sayWhatRuns(name, `the swarm ${name} is running with ${count(workers, "worker")}`, io);
  });
}

function orHalt(name: string): string {
  return `To continue, run: swarm-tool resume ${name}; to stop them, run: swarm-tool halt ${name}`;
}

export async function scaleAws(name: string | undefined, workers: number, io: Io): Promise<void> {
  const swarm = await onlyAws(name);
  await onAws(swarm, io, async (clients, state) => {
    const { scaleSwarm } = await import("../../providers/aws/power.ts");
    const { connectManager } = await import("../../providers/aws/connect.ts");
    const scaled = await scaleSwarm(clients, state, workers);
    io.say(`scaling the swarm ${swarm} to ${count(workers, "worker")}`);
    // Without workers the manager makes the runs.
    if (state.workers > 0 === workers > 0) return;
    const limits = { timeoutMs: CONNECT_TIMEOUT_MS, signal: io.interrupt };
    await deploy(clients, await drain(connectManager(clients, scaled, limits), tell(io)), io);
  });
}

export async function removeAws(name: string, options: ForceOptions, io: Io): Promise<void> {
  await onAws(name, io, async (clients) => {
    const { removeSwarm } = await import("../../providers/aws/remove.ts");
    const status = await statusWith(clients, await existingAws(name), io);
    const { jobs } = status;
    const any = jobs && jobs.running + jobs.waiting + jobs.uncollected;
    const fact =
      any === undefined
        ? `the swarm ${name} and all data on its volume would be deleted; its queue is not responding, so it may hold runs and results`
        : `${count(any, "run")} of the swarm ${name} are queued, running or not yet collected; they would be lost`;
    const exists = status.stack.status !== "missing" && status.state !== "creating";
    if (exists && any !== 0 && !options.force && !options.yes) await ask(fact);
    await drain(removeSwarm(clients, await existingAws(name), io.interrupt), tell(io));
    io.say(`removed the swarm ${name}; nothing of it is left on AWS`);
  });
}

export async function connectAws(swarm: string, options: { sshCidr?: string }, io: Io): Promise<void> {
  await onAws(swarm, io, async (clients, state) => {
    const { connectManager } = await import("../../providers/aws/connect.ts");
    if (options.sshCidr !== undefined) {
      const { allowSsh } = await import("../../providers/aws/ssh-access.ts");
      await allowSsh(clients, swarm, options.sshCidr);
    }
    if (state.state === "creating") throw notComplete(swarm);
    const { deployWhereReplaced } = await import("../../providers/aws/deploy.ts");
    const limits = { timeoutMs: CONNECT_TIMEOUT_MS, signal: io.interrupt };
    const open = await drain(connectManager(clients, state, limits), tell(io));
    await drain(deployWhereReplaced(clients, open, swarmDeployer, io.interrupt), tell(io));
    await sayWhatRuns(swarm, `connected to the swarm ${swarm}`, io);
  });
}

export async function disconnectAws(swarm: string, io: Io): Promise<void> {
  const { disconnectManager } = await import("../../providers/aws/connect.ts");
  await locked(swarm, io, async () => {
    const was = await disconnectManager(await existingAws(swarm));
    io.say(
      was ? `disconnected from the swarm ${swarm}; it keeps running` : `the swarm ${swarm} was not connected`,
    );
  });
}

export async function deployAws(swarm: string, flags: ServiceFlags, io: Io): Promise<void> {
  const change = await serviceChange(flags);
  await onAws(swarm, io, async (clients) => {
    await changeServices(swarm, change);
    await deploy(clients, await existingAws(swarm), io);
    io.say(`the services of the swarm ${swarm} are deployed`);
  });
}

export async function statusOfAws(name: string, io: Io): Promise<AwsStatus> {
  return await withClients(name, (clients, state) => statusWith(clients, state, io));
}

export async function printPolicy(
  options: { account?: string; profile?: string },
  { say }: Io,
): Promise<void> {
  const { policyFor, whoAmI } = await import("../../providers/aws/account.ts");
  if (options.account !== undefined) {
    if (!/^\d{12}$/.test(options.account)) {
      throw new UserError(`${options.account} is not an AWS account number`, {
        hint: "an account number has twelve digits",
      });
    }
    return say(await policyFor({ id: options.account, user: "arn:aws:iam" }));
  }
  const { connectToAws } = await import("../../providers/aws/clients.ts");
  using clients = await connectToAws({ region: "us-east-1", ...options }); // the account is the same in all
  say(await policyFor(await whoAmI(clients)));
}

async function statusWith(clients: AwsClients, state: AwsState, io: Io): Promise<AwsStatus> {
  const { describeSwarm } = await import("../../providers/aws/status.ts");
  return await describeSwarm(clients, state, swarmDeployer, io.interrupt);
}

async function onlyAws(name: string | undefined): Promise<string> {
  const state = await namedOrOnly(name);
  if (state.target === "aws") return state.name;
  throw new UserError(`the swarm ${state.name} is not on AWS: it has no machines to add or remove`);
}

function notComplete(name: string): UserError {
  return new UserError(`the swarm ${name} is not complete`, {
    hint: `complete it with: swarm-tool init ${name}`,
  });
}
