import { alarmState, type AlarmState } from "./alarm-state.ts";
import type { TemplateAlarm } from "./alarm-template.ts";
import { evaluateExpression, type MathReading, type Series } from "./evaluate-expression.ts";
import { parseExpression, PRECEDENCES, type Expression } from "./metric-math.ts";

/** The datapoints of a metric, one or none for each minute since the start of the scenario. */
export type Metric = (Datapoint | undefined)[];
interface Datapoint {
  value: number;
  /** The minute from which CloudWatch has it. */
  visibleFrom: number;
}
type Statistic = "Maximum" | "Minimum";
/** The metrics of a scenario, by the names of `TemplateAlarm`; one that is not there never had a datapoint. */
export type Metrics = Record<string, Metric>;

/** How CloudWatch may behave where its documentation is silent or contradicted. */
export interface Reading extends MathReading {
  precedence: string;
  /** Periods of the evaluation range before the evaluation periods; "depends on the length of the alarm period". */
  extraPeriods: number;
}

const FILLS = ["constant", "nothing if it never existed", "nothing if the range is empty"] as const;

/**
 * The readings under which a swarm must be neither halted while it is busy nor forgotten. That the template's expressions
 * are the same by any precedence is a test of its own.
 */
export const READINGS: Reading[] = FILLS.flatMap((fill) =>
  [0, 2, 12].map((extraPeriods) => ({ precedence: "as in C", fill, extraPeriods, missing: "zero" as const })),
);

/** Returns what CloudWatch compares with the threshold: a value for each period of the evaluation range, the oldest first. */
export function watchedValues(
  alarm: TemplateAlarm,
  metrics: Metrics,
  minute: number,
  reading: Reading,
): Series["values"] {
  const periods = alarm.evaluationPeriods + reading.extraPeriods;
  const lookUp = (id: string): Series => {
    const expression = alarm.expressions[id];
    if (expression !== undefined)
      return evaluateExpression(parsed(expression, reading.precedence), lookUp, reading) as Series;
    const query = alarm.metrics[id];
    if (query === undefined) throw new Error(`the alarm has no metric ${id}`);
    return statistics(metrics[query.metric] ?? [], query.statistic, minute, alarm.periodMinutes, periods);
  };
  return lookUp(alarm.watched).values;
}

/** Returns the state of an alarm at a minute. CloudWatch evaluates it each minute, for periods that end then. */
export function evaluateAlarm(
  alarm: TemplateAlarm,
  metrics: Metrics,
  minute: number,
  reading: Reading,
): AlarmState {
  const values = watchedValues(alarm, metrics, minute, reading);
  const range = values.map((value) => (value === undefined ? undefined : breaches(alarm, value)));
  return alarmState(range, alarm, "OK");
}

/** Returns the first minute of a range at which an alarm halts the swarm; undefined if there is none. */
export function firstHalt(
  alarms: TemplateAlarm[],
  metrics: Metrics,
  [from, to]: readonly [number, number],
  reading: Reading,
  everyMinutes = 1,
): number | undefined {
  for (let minute = from; minute <= to; minute += everyMinutes) {
    if (alarms.some((alarm) => evaluateAlarm(alarm, metrics, minute, reading) === "ALARM")) return minute;
  }
  return undefined;
}

export function breaches({ comparison, threshold }: TemplateAlarm, value: number): boolean {
  return comparison === "LessThanThreshold" ? value < threshold : value >= threshold;
}

/** Statistics of periods of which nothing is still to come, by the metric; the same ones are needed again and again. */
const complete = new WeakMap<Metric, Map<number, number | undefined>>();

function statistics(
  metric: Metric,
  statistic: Statistic,
  minute: number,
  periodMinutes: number,
  periods: number,
): Series {
  const known = complete.get(metric) ?? new Map<number, number | undefined>();
  complete.set(metric, known);
  const values: Series["values"] = [];
  for (let start = minute - periods * periodMinutes; start < minute; start += periodMinutes) {
    const key = (start * 100 + periodMinutes) * (statistic === "Maximum" ? 1 : -1) + 0.5;
    const earlier = known.get(key);
    if (earlier !== undefined) {
      values.push(earlier);
      continue;
    }
    const { value, pending } = statisticOf(metric, statistic, start, start + periodMinutes, minute);
    if (!pending) known.set(key, value);
    values.push(value);
  }
  return { values, everExisted: metric.some((each) => each !== undefined && each.visibleFrom <= minute) };
}

function statisticOf(metric: Metric, statistic: Statistic, start: number, end: number, minute: number) {
  let value: number | undefined;
  let pending = false;
  for (let at = Math.max(start, 0); at < end; at++) {
    const datapoint = metric[at];
    if (datapoint === undefined) continue;
    if (datapoint.visibleFrom > minute) pending = true;
    else if (value === undefined) value = datapoint.value;
    else value = Math[statistic === "Maximum" ? "max" : "min"](value, datapoint.value);
  }
  return { value, pending };
}

const cache = new Map<string, Expression>();

function parsed(text: string, precedence: string): Expression {
  const key = `${precedence}: ${text}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const expression = parseExpression(text, PRECEDENCES[precedence]!);
  cache.set(key, expression);
  return expression;
}
