import { UserError } from "../../errors.ts";
import { drain } from "../../providers/aws/aws.ts";
import type { AwsClients } from "../../providers/aws/clients.ts";
import type { Plan } from "../../providers/aws/plan.ts";
import { existingAws } from "../../providers/aws/swarm.ts";
import { runProgram } from "../../system/program.ts";
import { docker } from "../../providers/docker/cli.ts";
import { changeServices } from "../../providers/docker/deployer.ts";
import { dollars } from "./aws-status.ts";
import { deploy, locked, sayWhatRuns, tell } from "./aws-work.ts";
import { confirm } from "../swarm/choose-swarm.ts";
import type { InitFlags } from "./init-options.ts";
import { serviceChange } from "./service-change.ts";
import { ask, type Io } from "./io.ts";

const DEFAULT_AWS = "inet";
/** To tell what runs when something has failed. */
const ANSWER_TIMEOUT_MS = 5000;

export async function initAws(name: string | undefined, flags: InitFlags, io: Io): Promise<void> {
  const swarm = nameFrom(name, flags.stack);
  const change = await serviceChange(flags);
  await requirePrograms();
  const { connectToAws } = await import("../../providers/aws/clients.ts");
  const { planSwarm } = await import("../../providers/aws/plan.ts");
  const { createSwarm, creationFailure, CreationError, isBroken, noteSwarm } =
    await import("../../providers/aws/create.ts");
  const { explainPlan } = await import("./aws-plan.ts");
  using clients = await connectToAws(flags);
  const plan = await planSwarm(clients, {
    ...flags,
    name: swarm,
    spot: flags.spot ?? false,
    idleMinutes: Number(flags.idleMinutes),
    volumeGiB: flags.volumeSize,
  });
  if (plan.present !== undefined && isBroken(plan.present.status)) {
    const { id, created, status } = plan.present;
    await noteSwarm(plan);
    const failure = await creationFailure(clients, { id, since: created, status, swarm, stack: plan.stack });
    throw await offerRemoval(clients, swarm, failure, io);
  }
  if (plan.present === undefined) {
    explainPlan(plan).forEach(io.say);
    if (!flags.yes) await ask(`the swarm ${swarm} costs money from now until it is halted`, "--yes");
  }
  await locked(swarm, io, async () => {
    try {
      const state = await drain(createSwarm(clients, plan, io.interrupt), tell(io));
      await changeServices(swarm, change);
      await deploy(clients, state, io);
    } catch (error) {
      if (error instanceof CreationError) throw await offerRemoval(clients, swarm, error, io);
      await warnOfMachines(clients, plan, io);
      throw error;
    }
  });
  await sayWhatRuns(
    swarm,
    `the swarm ${swarm} is running on AWS; to halt it, run: swarm-tool halt ${swarm}`,
    io,
  );
}

/** Better now than with machines that cost money and cannot be reached. */
async function requirePrograms(): Promise<void> {
  await docker({}, ["--version"]);
  await runProgram("ssh", ["-V"]);
}

/** Nobody shall believe that nothing costs money because a command has failed or was interrupted. */
async function warnOfMachines(clients: AwsClients, { stack, options, hourly }: Plan, io: Io): Promise<void> {
  const { describeStack } = await import("../../providers/aws/stack.ts");
  const limit = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  const present = await describeStack(clients, stack, limit).catch(() => "not known");
  if (present === undefined) return;
  const price = hourly === undefined ? "money" : `about ${dollars(hourly)} an hour`;
  const { name } = options;
  io.note(
    `warning: AWS ${present === "not known" ? "may have" : "has"} machines of the swarm ${name}, which cost ${price}. To continue, run: swarm-tool init ${name}; to remove them, run: swarm-tool remove ${name}`,
  );
}

/** What is left of a stack that failed is of no use; on a terminal it can be removed at once. */
async function offerRemoval(
  clients: AwsClients,
  swarm: string,
  failure: UserError,
  io: Io,
): Promise<UserError> {
  const { removeSwarm } = await import("../../providers/aws/remove.ts");
  if (!(await confirm(`${failure.message}.\nRemove what was created?`))) return failure;
  await drain(removeSwarm(clients, await existingAws(swarm), io.interrupt), tell(io));
  return new UserError(failure.message, { hint: "removed what was created", cause: failure });
}

function nameFrom(name: string | undefined, stack: string | undefined): string {
  if (name === undefined || stack === undefined || name === stack) return name ?? stack ?? DEFAULT_AWS;
  throw new UserError(`two names given for the swarm: ${name} and ${stack}`, {
    hint: "give only one of them",
  });
}
