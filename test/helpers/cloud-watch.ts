import {
  DescribeAutoScalingGroupsCommand,
  DescribePoliciesCommand,
  SetDesiredCapacityCommand,
} from "@aws-sdk/client-auto-scaling";
import {
  DescribeAlarmsCommand,
  GetMetricStatisticsCommand,
  PutMetricDataCommand,
  SetAlarmStateCommand,
  type MetricAlarm,
  type MetricStat,
} from "@aws-sdk/client-cloudwatch";
import { runInNewContext } from "node:vm";
import type { Emulator } from "./emulator.ts";

export const PERIOD_MS = 300_000;

/** The metrics that AWS itself publishes each minute: how many machines the groups have, and how busy their workers are. */
export async function publishGroups({ clients }: Emulator, now: number, cpuPercent: number): Promise<void> {
  const { AutoScalingGroups } = await clients.autoScaling.send(new DescribeAutoScalingGroupsCommand({}));
  for (const { AutoScalingGroupName, Instances } of AutoScalingGroups ?? []) {
    const Dimensions = [{ Name: "AutoScalingGroupName", Value: AutoScalingGroupName! }];
    const common = { Dimensions, Timestamp: new Date(now) };
    const metrics = {
      "AWS/AutoScaling": { MetricName: "GroupInServiceInstances", Value: Instances?.length ?? 0 },
      "AWS/EC2": { MetricName: "CPUUtilization", Value: cpuPercent },
    };
    for (const [Namespace, metric] of Object.entries(metrics)) {
      await clients.cloudWatch.send(
        new PutMetricDataCommand({ Namespace, MetricData: [{ ...metric, ...common }] }),
      );
    }
  }
}

/**
 * Evaluates the idle alarm of a stack like CloudWatch: computes its expression for the last periods and, if all of them
 * breach the threshold, executes its actions.
 * @returns the values, the oldest first, and whether the alarm went off.
 * @see Amazon CloudWatch User Guide, "Use metric math", and "Using Amazon CloudWatch alarms".
 */
export async function evaluateAlarm(emulator: Emulator, name: string, now: number) {
  const { cloudWatch } = emulator.clients;
  const { MetricAlarms } = await cloudWatch.send(new DescribeAlarmsCommand({ AlarmNames: [name] }));
  const alarm = MetricAlarms![0]!;
  const count = alarm.EvaluationPeriods!;
  const end = Math.ceil(now / PERIOD_MS) * PERIOD_MS;
  const values: number[] = [];
  for (let index = count; index >= 1; index--) {
    values.push(await valueOf(emulator, alarm, end - index * PERIOD_MS));
  }
  const fires = values.every((value) => value < alarm.Threshold!);
  if (fires) {
    await cloudWatch.send(
      new SetAlarmStateCommand({ AlarmName: name, StateValue: "ALARM", StateReason: "the test's clock" }),
    );
    for (const policy of alarm.AlarmActions ?? [])
      await follow(emulator, policy, values.at(-1)! - alarm.Threshold!);
  }
  return { values, fires };
}

async function valueOf(emulator: Emulator, { Metrics }: MetricAlarm, start: number): Promise<number> {
  const known: Record<string, number | undefined> = {};
  for (const { Id, MetricStat } of Metrics ?? []) {
    if (MetricStat !== undefined) known[Id!] = await statistic(emulator, MetricStat, start);
  }
  const { Expression } = Metrics!.find(({ ReturnData }) => ReturnData)!;
  const functions = {
    FILL: (value: number | undefined, other: number) => value ?? other,
    IF: (condition: boolean, yes: number, no: number) => (condition ? yes : no),
  };
  return runInNewContext(Expression!.replaceAll(" AND ", " && "), { ...known, ...functions }) as number;
}

async function statistic(
  { clients }: Emulator,
  { Metric, Stat }: MetricStat,
  start: number,
): Promise<number | undefined> {
  const { Datapoints } = await clients.cloudWatch.send(
    new GetMetricStatisticsCommand({
      Namespace: Metric!.Namespace!,
      MetricName: Metric!.MetricName!,
      Dimensions: Metric!.Dimensions!,
      StartTime: new Date(start),
      EndTime: new Date(start + PERIOD_MS),
      Period: PERIOD_MS / 1000,
      Statistics: [Stat as "Maximum"],
    }),
  );
  return Datapoints?.[0]?.[Stat as "Maximum"];
}

/** A step scaling policy: the step whose interval contains the metric, from the threshold on. */
async function follow({ clients }: Emulator, policyArn: string, distance: number): Promise<void> {
  const { ScalingPolicies } = await clients.autoScaling.send(new DescribePoliciesCommand({}));
  const policy = ScalingPolicies!.find(({ PolicyARN }) => PolicyARN === policyArn)!;
  const step = policy.StepAdjustments!.find(
    ({ MetricIntervalLowerBound: low = -Infinity, MetricIntervalUpperBound: high = Infinity }) =>
      distance >= low && distance < high,
  )!;
  const { AutoScalingGroupName } = policy;
  await clients.autoScaling.send(
    new SetDesiredCapacityCommand({ AutoScalingGroupName, DesiredCapacity: step.ScalingAdjustment }),
  );
}
