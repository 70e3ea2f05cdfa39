import {
  DescribeAlarmsCommand,
  EnableAlarmActionsCommand,
  PutMetricDataCommand,
  SetAlarmStateCommand,
} from "@aws-sdk/client-cloudwatch";
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
  return (MetricAlarms ?? []).map((alarm) => ({
    name: alarm.AlarmName!,
    state: alarm.StateValue ?? "?",
    armed: alarm.ActionsEnabled !== false && (alarm.AlarmActions?.length ?? 0) > 0,
  }));
}

/** Returns the alarm that halts an idle swarm; without it, a forgotten swarm costs money. */
export function idleAlarm(alarms: readonly Alarm[], stack: string): Alarm | undefined {
  return alarms.find(({ name }) => name === `${stack}-idle`);
}

/**
 * Enables and resets the alarms of a swarm that is about to start, and returns them. An alarm that is still in ALARM
 * repeats its action every minute and would halt the swarm immediately; therefore, it is set to OK. The swarm is also
 * marked as busy, so that its idle time does not continue from before it was halted, and because it is not documented
 * that metric math fills a metric that never had a value.
 * @see Amazon CloudWatch User Guide, "Using Amazon CloudWatch alarms" and "Use metric math".
 */
export async function armAlarms({ cloudWatch }: CloudWatch, stack: string, swarm: string): Promise<Alarm[]> {
  const alarms = await listAlarms({ cloudWatch }, stack);
  const disabled = alarms.filter(({ armed }) => !armed).map(({ name }) => name);
  if (disabled.length > 0) await cloudWatch.send(new EnableAlarmActionsCommand({ AlarmNames: disabled }));
  await markBusy({ cloudWatch }, swarm);
  for (const { name } of alarms) {
    await cloudWatch.send(
      new SetAlarmStateCommand({ AlarmName: name, StateValue: "OK", StateReason: "the swarm is started" }),
    );
  }
  return await listAlarms({ cloudWatch }, stack);
}

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
