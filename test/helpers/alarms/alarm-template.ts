import { readSwarmTemplate, Resolver } from "../resolved-template.ts";
import type { AlarmRule, TreatMissingData } from "./alarm-state.ts";
import type { StepAdjustment } from "./step-scaling.ts";

/** An alarm of the template. */
export interface TemplateAlarm extends AlarmRule {
  periodMinutes: number;
  threshold: number;
  comparison: "LessThanThreshold" | "GreaterThanOrEqualToThreshold";
  /** The metrics by their ids; `metric` is what `metricName` returns. */
  metrics: Record<string, { metric: string; statistic: "Maximum" | "Minimum" }>;
  expressions: Record<string, string>;
  /** The metric or expression that is compared with the threshold. */
  watched: string;
  /** The scaling policies, by their logical ids. */
  actions: string[];
}

export interface AlarmTemplate {
  alarms: Record<string, TemplateAlarm>;
  policies: Record<string, { group: string; adjustment: string; steps: StepAdjustment[] }>;
}

interface MetricProperties {
  MetricName: string;
  Dimensions: { Value: { Ref: string } }[];
}
interface AlarmProperties extends MetricProperties {
  Metrics?: {
    Id: string;
    Expression?: string;
    ReturnData: boolean;
    MetricStat?: { Stat: "Maximum" | "Minimum"; Period: number; Metric: MetricProperties };
  }[];
  Statistic: "Maximum" | "Minimum";
  Period: number;
  EvaluationPeriods: unknown;
  DatapointsToAlarm?: unknown;
  Threshold: number;
  ComparisonOperator: TemplateAlarm["comparison"];
  TreatMissingData: TreatMissingData;
  AlarmActions: { Ref: string }[];
}
interface PolicyProperties {
  AutoScalingGroupName: { Ref: string };
  AdjustmentType: string;
  StepAdjustments: StepAdjustment[];
}
/** Reads the alarms and scaling policies of the template, with the values of its parameters. */
export async function alarmTemplate(parameters: Record<string, string>): Promise<AlarmTemplate> {
  const template = await readSwarmTemplate();
  const resolver = new Resolver(template, parameters);
  const ofType = <P>(type: string): [string, P][] =>
    Object.entries(template.Resources)
      .filter(([, { Type }]) => Type === type)
      .map(([name, { Properties }]) => [name, Properties as P]);
  const valueOf = (value: unknown): number => Number(resolver.resolve(value));
  return {
    alarms: Object.fromEntries(
      ofType<AlarmProperties>("AWS::CloudWatch::Alarm").map(([name, properties]) => [
        name,
        alarmOf(properties, valueOf),
      ]),
    ),
    policies: Object.fromEntries(
      ofType<PolicyProperties>("AWS::AutoScaling::ScalingPolicy").map(([name, policy]) => [
        name,
        {
          group: policy.AutoScalingGroupName.Ref,
          adjustment: policy.AdjustmentType,
          steps: policy.StepAdjustments,
        },
      ]),
    ),
  };
}

function alarmOf(properties: AlarmProperties, valueOf: (value: unknown) => number): TemplateAlarm {
  const { Metrics, Statistic, Period } = properties;
  const queries = Metrics ?? [
    { Id: "metric", ReturnData: true, MetricStat: { Stat: Statistic, Period, Metric: properties } },
  ];
  const periods = new Set(queries.flatMap(({ MetricStat }) => MetricStat?.Period ?? []));
  if (periods.size !== 1) throw new Error("the metrics of an alarm must have one period");
  const evaluationPeriods = valueOf(properties.EvaluationPeriods);
  return {
    periodMinutes: [...periods][0]! / 60,
    threshold: properties.Threshold,
    comparison: properties.ComparisonOperator,
    evaluationPeriods,
    datapointsToAlarm: valueOf(properties.DatapointsToAlarm ?? evaluationPeriods),
    treatMissingData: properties.TreatMissingData,
    metrics: Object.fromEntries(
      queries.flatMap(({ Id, MetricStat }) =>
        MetricStat === undefined
          ? []
          : [[Id, { statistic: MetricStat.Stat, metric: metricName(MetricStat.Metric) }]],
      ),
    ),
    expressions: Object.fromEntries(
      queries.flatMap(({ Id, Expression }) => (Expression === undefined ? [] : [[Id, Expression]])),
    ),
    watched: queries.find(({ ReturnData }) => ReturnData)!.Id,
    actions: properties.AlarmActions.map(({ Ref }) => Ref),
  };
}

/** Returns a name such as `CPUUtilization of WorkerGroup`. */
function metricName({ MetricName, Dimensions }: MetricProperties): string {
  return `${MetricName} of ${Dimensions[0]!.Value.Ref}`;
}
