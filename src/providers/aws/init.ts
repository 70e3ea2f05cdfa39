import { UserError } from "../../errors.ts";
import { runProgram } from "../../system/program.ts";
import { docker } from "../docker/cli.ts";
import { changeServices } from "../docker/deployer.ts";
import type { InitOptions } from "../init-options.ts";
import type { PricedPlan, SwarmEvents } from "../provider.ts";
import { eventsUnderLock } from "../swarm-lock.ts";
import { connectToAws, type AwsClients } from "./clients.ts";
import { createSwarm, creationFailure, CreationError, isBroken, noteSwarm } from "./create.ts";
import { deployServices } from "./deploy.ts";
import { planSwarm, type Plan } from "./plan.ts";
import { ALARMS_MONTH, tableName, TRAFFIC_GB } from "./prices.ts";
import { removeSwarm } from "./remove.ts";
import { describeStack } from "./stack.ts";
import { existingAws, reachableEvent, type Aws } from "./swarm.ts";

/** Time limit for querying what is running after a failure. */
const ANSWER_TIMEOUT_MS = 5000;

/** Creates a swarm, or completes one that was partly created. */
export async function* init(aws: Aws, { services, machines }: InitOptions): SwarmEvents {
  const { name, context, deployer, signal } = aws;
  if (machines === undefined) throw new Error("no machine options for a swarm on AWS");
  const change = await services();
  await requirePrograms();
  using clients = await connectToAws(machines);
  const plan = await planSwarm(clients, { ...machines, name });
  if (plan.present !== undefined && isBroken(plan.present.status)) {
    const { id, created, status } = plan.present;
    await noteSwarm(plan);
    const stack = { id, since: created, status, swarm: name, stack: plan.stack };
    throw yield* offerRemoval(aws, clients, await creationFailure(clients, stack));
  }
  if (plan.present === undefined) {
    yield { type: "planned", plan: priced(plan) };
    await context.approve({ type: "costs-money", name });
  }
  yield* eventsUnderLock(
    name,
    async function* () {
      try {
        const state = yield* createSwarm(clients, plan, signal);
        await changeServices(name, change);
        yield* deployServices(clients, state, deployer, signal);
      } catch (error) {
        if (error instanceof CreationError) throw yield* offerRemoval(aws, clients, error);
        yield* leftRunning(clients, plan);
        throw error;
      }
    },
    signal,
  );
  yield { type: "made", name, place: "AWS" };
  yield await reachableEvent(name);
}

/** Checks the required programs before there are machines that cost money and could not be reached. */
async function requirePrograms(): Promise<void> {
  await docker({}, ["--version"]);
  await runProgram("ssh", ["-V"]);
}

/** Reports that machines may still cost money after the command has failed or was interrupted. */
async function* leftRunning(clients: AwsClients, { stack, options, hourly }: Plan): SwarmEvents {
  const limit = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  const present = await describeStack(clients, stack, limit).catch(() => "not known");
  if (present === undefined) return;
  yield { type: "left-running", name: options.name, known: present !== "not known", hourly };
}

/** Offers to remove what is left of a failed stack. Returns the error to throw. */
async function* offerRemoval(
  { name, context, signal }: Aws,
  clients: AwsClients,
  failure: UserError,
): SwarmEvents<UserError> {
  if (!(await context.offerRemoval(failure))) return failure;
  yield* removeSwarm(clients, await existingAws(name), signal);
  return new UserError(failure.message, { hint: "removed what was created", cause: failure });
}

function priced({ options, account, region, stack, parameters, ...plan }: Plan): PricedPlan {
  const { name, workers, instanceType, managerType, spot, volumeGiB, idleMinutes, maxHours } = options;
  return {
    ...{ name, region, account: account.id, stack, workers, instanceType, managerType, spot, volumeGiB },
    ...{ idleMinutes, maxHours, sshCidr: parameters["SshCidr"] },
    hourly: plan.hourly,
    surplusHourly: plan.surplusHourly,
    alarmsMonthly: ALARMS_MONTH,
    trafficGB: TRAFFIC_GB,
    volumeMonthly: plan.volumeMonthly,
    volumeKey: plan.volumeKey,
    prices: plan.prices === undefined ? tableName() : "AWS's price list of today",
  };
}
