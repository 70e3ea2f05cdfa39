import {
  DeleteScheduledActionCommand,
  paginateDescribeScheduledActions,
  PutScheduledUpdateGroupActionCommand,
  type ScheduledUpdateGroupAction,
} from "@aws-sdk/client-auto-scaling";
import { originalName } from "./aws-errors.ts";
import type { AwsClients } from "./clients.ts";
import type { Groups } from "./groups.ts";
import { options } from "./stack.ts";

/*
 * The second way in which a swarm stops, which needs neither a metric nor an alarm: each group has a scheduled action that
 * ends its machines when the swarm has reached its lifetime.
 */

type Scaling = Pick<AwsClients, "autoScaling">;

/** Lifetime in hours of a swarm whose state does not have it, because an earlier version created it. */
const DEFAULT_HOURS = 24;
const HOUR_MS = 3600_000;

/** When the machines of the groups will be ended; undefined for a group that has no such action. */
export interface Ends {
  manager: Date | undefined;
  worker: Date | undefined;
}

/**
 * Schedules the end of a swarm's machines, in place of all earlier actions.
 * @param hours the swarm's lifetime.
 * @returns false without permission, which users of a template of their own may lack.
 * @see Amazon EC2 Auto Scaling API Reference, PutScheduledUpdateGroupAction: AWS deletes an action once it has run.
 */
export async function scheduleEnds(
  clients: AwsClients,
  groups: Groups,
  hours: number | undefined = DEFAULT_HOURS,
): Promise<boolean> {
  try {
    for (const { name } of [groups.manager, groups.worker]) {
      const earlier = await actionsOf(clients, name);
      const own = `${name}-end`;
      const StartTime = new Date(clients.now().getTime() + hours * HOUR_MS); // AWS has answered: its clock is known
      await clients.autoScaling.send(
        new PutScheduledUpdateGroupActionCommand({
          AutoScalingGroupName: name,
          ScheduledActionName: own,
          StartTime,
          DesiredCapacity: 0,
        }),
      );
      await deleteActions(
        clients,
        name,
        earlier.filter((action) => action.name !== own),
      );
    }
    return true;
  } catch (error) {
    if (/AccessDenied|Unauthorized/.test(originalName(error) ?? "")) return false;
    throw error;
  }
}

/** Deletes the scheduled ends of a halted swarm, which must not end it again after it was resumed. */
export async function cancelEnds(clients: Scaling, groups: Groups): Promise<void> {
  try {
    for (const { name } of [groups.manager, groups.worker])
      await deleteActions(clients, name, await actionsOf(clients, name));
  } catch (error) {
    if (!/AccessDenied|Unauthorized/.test(originalName(error) ?? "")) throw error; // then it has none of ours
  }
}

/** Returns a function that returns when the machines of a swarm's groups will be ended. */
export async function scheduledEnds(
  clients: Scaling,
  signal: AbortSignal,
): Promise<(groups: Groups) => Ends> {
  const actions = await actionsOf(clients, undefined, signal);
  const endOf = ({ name }: Groups["manager"]): Date | undefined => {
    const times = actions.filter(({ group }) => group === name).map(({ at }) => at.getTime());
    return times.length === 0 ? undefined : new Date(Math.min(...times));
  };
  return ({ manager, worker }) => ({ manager: endOf(manager), worker: endOf(worker) });
}

interface Action {
  group: string | undefined;
  name: string;
  at: Date;
}

/** Returns the scheduled actions that end all machines of a group, or of all groups. */
async function actionsOf(
  { autoScaling }: Scaling,
  group: string | undefined,
  signal?: AbortSignal,
): Promise<Action[]> {
  const found: ScheduledUpdateGroupAction[] = [];
  const query = group === undefined ? {} : { AutoScalingGroupName: group };
  for await (const { ScheduledUpdateGroupActions } of paginateDescribeScheduledActions(
    { client: autoScaling },
    query,
    options(signal),
  ))
    found.push(...(ScheduledUpdateGroupActions ?? []));
  return found.flatMap(({ AutoScalingGroupName, ScheduledActionName, StartTime, DesiredCapacity }) =>
    ScheduledActionName !== undefined && StartTime !== undefined && DesiredCapacity === 0
      ? { group: AutoScalingGroupName, name: ScheduledActionName, at: StartTime }
      : [],
  );
}

async function deleteActions(
  { autoScaling }: Scaling,
  group: string,
  actions: readonly Action[],
): Promise<void> {
  for (const { name } of actions) {
    try {
      await autoScaling.send(
        new DeleteScheduledActionCommand({ AutoScalingGroupName: group, ScheduledActionName: name }),
      );
    } catch (error) {
      if (originalName(error) !== "ValidationError") throw error; // it has run in the meantime
    }
  }
}
