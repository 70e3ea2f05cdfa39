import {
  DescribeAlarmsCommand,
  EnableAlarmActionsCommand,
  PutMetricDataCommand,
  SetAlarmStateCommand,
  type MetricAlarm,
} from "@aws-sdk/client-cloudwatch";
import { poll, type Clock } from "../../system/poll.ts";
import type { AwsClients } from "./clients.ts";
import { options } from "./stack.ts";

type CloudWatch = Pick<AwsClients, "cloudWatch">;

/** An alarm that halts the swarm when it is idle, or after its maximum lifetime. */
export interface Alarm {
  name: string;
  state: string;
  /** Whether its actions are enabled. */
  armed: boolean;
}

/** Returns the alarms of a swarm's stack. */
export async function listAlarms(
  { cloudWatch }: CloudWatch,
  stack: string,
  signal?: AbortSignal,
): Promise<Alarm[]> {
  const { MetricAlarms } = await cloudWatch.send(
    new DescribeAlarmsCommand({ AlarmNamePrefix: `${stack}-` }),
    options(signal),
  );
  return (MetricAlarms ?? []).filter(belongsTo(stack)).map((alarm) => ({
    name: alarm.AlarmName!,
    state: alarm.StateValue ?? "?",
    armed: alarm.ActionsEnabled !== false && (alarm.AlarmActions?.length ?? 0) > 0,
  }));
}

/**
 * Returns a filter for the alarms of a stack: another one's name may begin with this one's. The groups whose machines an
 * alarm ends are named after their stack, except with a template of the user.
 */
function belongsTo(stack: string): (alarm: MetricAlarm) => boolean {
  const groupOf = (action: string): string | undefined =>
    /:autoScalingGroupName\/(swarm-[^:]+)-(?:manager|worker):/.exec(action)?.[1];
  return ({ AlarmActions = [] }) => AlarmActions.every((action) => (groupOf(action) ?? stack) === stack);
}

/** Returns the alarm that halts an idle swarm; without it, a forgotten swarm costs money. */
export function idleAlarm(alarms: readonly Alarm[], stack: string): Alarm | undefined {
  return alarms.find(({ name }) => name === `${stack}-idle`);
}

/** CloudWatch has a datapoint within two minutes, and evaluates alarms each minute. */
const CLEAR = { everyMs: 5000, timeoutMs: 4 * 60_000 };

/**
 * Enables and resets the alarms of a swarm that is about to start, and returns them. An alarm that is still in ALARM
 * repeats its action every minute and would halt the swarm immediately; therefore, it is set to OK. That lasts only until
 * CloudWatch evaluates it again, so this first waits until CloudWatch itself finds no reason any more: the swarm is marked
 * as busy, so that its idle time does not continue from before it was halted.
 * @see Amazon CloudWatch User Guide, "Using Amazon CloudWatch alarms"; API Reference, "SetAlarmState".
 */
export async function armAlarms(
  { cloudWatch }: CloudWatch,
  stack: string,
  swarm: string,
  clock?: Clock,
): Promise<Alarm[]> {
  const alarms = await listAlarms({ cloudWatch }, stack);
  const disabled = alarms.filter(({ armed }) => !armed).map(({ name }) => name);
  if (disabled.length > 0) await cloudWatch.send(new EnableAlarmActionsCommand({ AlarmNames: disabled }));
  await markBusy({ cloudWatch }, swarm);
  if (alarms.some(isSetOff))
    await poll(async () => !(await listAlarms({ cloudWatch }, stack)).some(isSetOff), CLEAR, clock);
  for (const { name } of alarms) {
    await cloudWatch.send(
      new SetAlarmStateCommand({ AlarmName: name, StateValue: "OK", StateReason: "the swarm is started" }),
    );
  }
  return await listAlarms({ cloudWatch }, stack);
}

export const isSetOff = ({ state }: Alarm): boolean => state === "ALARM";

/** Marks the swarm as busy for the idle alarm, for about a minute, even if its queue is empty. */
export async function markBusy({ cloudWatch }: CloudWatch, swarm: string): Promise<void> {
  const dimensions = [{ Name: "Swarm", Value: swarm }];
  await cloudWatch.send(
    new PutMetricDataCommand({
      Namespace: "Swarm",
      MetricData: [{ MetricName: "Busy", Value: 1, Dimensions: dimensions }],
    }),
  );
}
