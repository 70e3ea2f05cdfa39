import type { Stack } from "@aws-sdk/client-cloudformation";
import { UserError } from "../../errors.ts";
import { step, type MachineChange, type ProgressEvent } from "../provider.ts";
import type { AwsState } from "../swarm-state.ts";
import { whoAmI } from "./account.ts";
import { checkBoundary } from "./boundary.ts";
import type { AwsClients } from "./clients.ts";
import { resourceEvents, SKEW_MS } from "./create.ts";
import { checkQuota, processorsOf, zonesOffering } from "./machine-types.ts";
import { lifePeriods } from "./plan.ts";
import { requireGroups } from "./power.ts";
import { fetchPrices } from "./price-list.ts";
import { describeStack, firstFailure, followStack, updateStack } from "./stack.ts";
import { changeState } from "./swarm.ts";

/**
 * Changes the machines of a halted swarm by an update of its stack, with the template from which it was created. Queue,
 * results and builds are kept. The machines that are started later use the image that AWS recommends by then.
 * Returns the new state.
 * @throws {UserError} if the swarm is running, or the change is not possible; the swarm is then as before.
 */
export async function* changeMachines(
  clients: AwsClients,
  state: AwsState,
  workers: number,
  change: MachineChange,
  signal: AbortSignal,
): AsyncGenerator<ProgressEvent, AwsState> {
  const groups = await requireGroups(clients, state);
  if (groups.manager.desired > 0)
    throw new UserError(
      `the swarm ${state.name} is running: its machines can be changed only while it is halted`,
      {
        hint: `first: swarm-tool halt ${state.name}`,
      },
    );
  const stack = yield* settledStack(clients, state, signal);
  if (stack === undefined) throw new UserError(`AWS has no stack ${state.stack}`);
  const present = parametersOf(stack);
  const changed = changedParameters(state, present, change);
  const types = ["ManagerInstanceType", "InstanceType"].map((name) => changed[name] ?? present[name] ?? "");
  await checkTypes(clients, types, present["Zone"] ?? "");
  const [manager = "", worker = ""] = types;
  const spot = (changed["WorkerMarket"] ?? present["WorkerMarket"]) === "spot";
  await checkQuota(
    clients,
    [
      { type: manager, count: 1, spot: false },
      { type: worker, count: workers, spot },
    ],
    await processorsOf(clients, types),
  );
  await checkBoundary(clients, await whoAmI(clients)); // earlier versions did not need the right to change machines
  const prices = await fetchPrices(types, state.region, state.profile);
  yield* update(clients, state, { stack: stack.StackId!, present, changed }, signal);
  return await changeState(state.name, (now) => ({
    ...now,
    ...(change.volumeGiB !== undefined && { volumeGiB: change.volumeGiB }),
    ...(change.maxHours !== undefined && { maxHours: change.maxHours }),
    ...(prices && { prices: { ...now.prices, ...prices } }),
  }));
}

/**
 * Returns the stack when an earlier update, whose client was interrupted, has ended: it would set the sizes of the groups
 * to 0 again.
 */
export async function* settledStack(
  clients: AwsClients,
  state: AwsState,
  signal: AbortSignal,
): AsyncGenerator<ProgressEvent, Stack | undefined> {
  for (;;) {
    const stack = await describeStack(clients, state.stack, signal);
    if (stack === undefined || !/^UPDATE_(.+_)?IN_PROGRESS$/.test(stack.StackStatus ?? "")) return stack;
    yield step(`waiting for an earlier change of the stack ${state.stack}`);
    const since = new Date(clients.now().getTime() - SKEW_MS);
    yield* resourceEvents(followStack(clients, stack.StackId!, { since, signal }));
  }
}

function parametersOf({ Parameters = [] }: Stack): Record<string, string> {
  return Object.fromEntries(
    Parameters.map(({ ParameterKey = "", ParameterValue = "" }) => [ParameterKey, ParameterValue]),
  );
}

/** Returns the values of the template's parameters that a change needs. */
function changedParameters(
  { name }: AwsState,
  present: Readonly<Record<string, string>>,
  { instanceType, managerType, spot, volumeGiB, maxHours, idleMinutes }: MachineChange,
): Record<string, string> {
  const size = Number(present["VolumeSize"]);
  if (volumeGiB !== undefined && volumeGiB < size)
    throw new UserError(`the volume of the swarm ${name} has ${size} GiB, and cannot become smaller`);
  const wanted = Object.entries({
    InstanceType: instanceType,
    ManagerInstanceType: managerType,
    WorkerMarket: spot === undefined ? undefined : spot ? "spot" : "on-demand",
    VolumeSize: volumeGiB,
    MaxHours: maxHours,
    LifePeriods: maxHours === undefined ? undefined : lifePeriods(maxHours),
    IdleMinutes: idleMinutes,
  }).flatMap(([key, value]): [string, string][] => (value === undefined ? [] : [[key, String(value)]]));
  const unknown = wanted.find(([key]) => present[key] === undefined);
  if (unknown !== undefined)
    throw new UserError(`the template of the swarm ${name} has no parameter ${unknown[0]}`, {
      hint: "its template is another one, or of an earlier version: change it with CloudFormation, or create a new swarm",
    });
  return Object.fromEntries(wanted);
}

async function checkTypes(clients: AwsClients, types: readonly string[], zone: string): Promise<void> {
  const zones = await zonesOffering(clients, types);
  if (zone === "" || zones.includes(zone)) return;
  throw new UserError(
    `the zone ${zone}, in which the volume of the swarm is, does not offer all of ${types.join(", ")}`,
    {
      hint: "choose another type, or create a new swarm",
    },
  );
}

/** Sizes of groups stay 0, and a time at which the swarm ends is set when it is resumed. */
const KEPT_HALTED = { ManagerSize: "0", ClusterSize: "0", EndsAt: "" };

async function* update(
  clients: AwsClients,
  { stack: name, name: swarm }: AwsState,
  {
    stack,
    present,
    changed,
  }: { stack: string; present: Readonly<Record<string, string>>; changed: Record<string, string> },
  signal: AbortSignal,
): AsyncGenerator<ProgressEvent> {
  const halted = Object.entries(KEPT_HALTED).filter(([key]) => present[key] !== undefined);
  const since = new Date(clients.now().getTime() - SKEW_MS);
  const values = { ...changed, ...Object.fromEntries(halted) };
  const isChanged = await updateStack(clients, { name, known: Object.keys(present), values });
  if (!isChanged) return;
  yield step(`changing the stack ${name}`);
  const status = yield* resourceEvents(followStack(clients, stack, { since, signal }));
  if (status === "UPDATE_COMPLETE") return;
  const failure = await firstFailure(clients, stack, since);
  const reason = failure === undefined ? `it ended in ${status}` : `${failure.logicalId}: ${failure.reason}`;
  throw new UserError(`AWS could not change the stack ${name}: ${reason}`, {
    hint:
      status === "UPDATE_ROLLBACK_COMPLETE"
        ? `it is as before; resume the swarm without the change: swarm-tool resume ${swarm}`
        : "look at it in the AWS console, under CloudFormation",
  });
}
