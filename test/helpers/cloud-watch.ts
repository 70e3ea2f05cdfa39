import { DescribePoliciesCommand, SetDesiredCapacityCommand } from "@aws-sdk/client-auto-scaling";
import {
  DescribeAlarmsCommand,
  GetMetricStatisticsCommand,
  SetAlarmStateCommand,
  type MetricAlarm,
} from "@aws-sdk/client-cloudwatch";
import { alarmState, type TreatMissingData } from "./alarms/alarm-state.ts";
import { applyingSteps, type StepAdjustment } from "./alarms/step-scaling.ts";
import type { Emulator } from "./emulator.ts";

export const PERIOD_MS = 300_000;

/**
 * Evaluates the idle alarm of a stack like CloudWatch, by the datapoints of the last periods: sets its state and, if it
 * goes off, executes its actions.
 * @returns the values, the oldest first, and whether the alarm goes off.
 */
export async function evaluateAlarm(emulator: Emulator, name: string, now: number) {
  const { cloudWatch } = emulator.clients;
  const { MetricAlarms } = await cloudWatch.send(new DescribeAlarmsCommand({ AlarmNames: [name] }));
  const alarm = MetricAlarms![0]!;
  const evaluationPeriods = alarm.EvaluationPeriods!;
  const end = Math.ceil(now / PERIOD_MS) * PERIOD_MS;
  const values: (number | undefined)[] = [];
  for (let index = evaluationPeriods; index >= 1; index--)
    values.push(await maximum(emulator, alarm, end - index * PERIOD_MS));
  const range = values.map((value) => (value === undefined ? undefined : value < alarm.Threshold!));
  const treatMissingData = alarm.TreatMissingData as TreatMissingData;
  const rule = { evaluationPeriods, datapointsToAlarm: alarm.DatapointsToAlarm!, treatMissingData };
  const state = alarmState(range, rule, "OK");
  await cloudWatch.send(
    new SetAlarmStateCommand({ AlarmName: name, StateValue: state, StateReason: "the test's clock" }),
  );
  const fires = state === "ALARM";
  if (fires) {
    const latest = values.findLast((value) => value !== undefined)!;
    for (const policy of alarm.AlarmActions ?? []) await follow(emulator, policy, latest, alarm.Threshold!);
  }
  return { values, fires };
}

async function maximum(
  { clients }: Emulator,
  { Namespace, MetricName, Dimensions }: MetricAlarm,
  start: number,
): Promise<number | undefined> {
  const { Datapoints } = await clients.cloudWatch.send(
    new GetMetricStatisticsCommand({
      Namespace,
      MetricName,
      Dimensions,
      StartTime: new Date(start),
      EndTime: new Date(start + PERIOD_MS),
      Period: PERIOD_MS / 1000,
      Statistics: ["Maximum"],
    }),
  );
  return Datapoints?.[0]?.Maximum;
}

/** Does what a step scaling policy says for a value. */
async function follow(
  { clients }: Emulator,
  policyArn: string,
  value: number,
  threshold: number,
): Promise<void> {
  const { ScalingPolicies } = await clients.autoScaling.send(new DescribePoliciesCommand({}));
  const policy = ScalingPolicies!.find(({ PolicyARN }) => PolicyARN === policyArn)!;
  const [step] = applyingSteps(policy.StepAdjustments as StepAdjustment[], value, threshold);
  const { AutoScalingGroupName } = policy;
  await clients.autoScaling.send(
    new SetDesiredCapacityCommand({ AutoScalingGroupName, DesiredCapacity: step!.ScalingAdjustment }),
  );
}
