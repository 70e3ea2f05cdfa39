import { describe, expect, it } from "vitest";
import { alarmState, type TreatMissingData } from "../helpers/alarms/alarm-state.ts";
import { evaluateExpression, type MathReading, type Series } from "../helpers/alarms/evaluate-expression.ts";
import { parseExpression, PRECEDENCES } from "../helpers/alarms/metric-math.ts";
import { applyingSteps } from "../helpers/alarms/step-scaling.ts";

/** The examples of AWS's documentation, which the model of alarms must reproduce. */
describe("the model of CloudWatch's alarms", () => {
  const TREATMENTS: TreatMissingData[] = ["missing", "ignore", "breaching", "notBreaching"];
  const [OK, ALARM, NO_DATA, CURRENT] = ["OK", "ALARM", "INSUFFICIENT_DATA", "as before"];

  /** The tables of "Configuring how CloudWatch alarms treat missing data": X breaches, 0 does not, - is missing. */
  it.each([
    ["0 - X - X", 3, OK, OK, OK, OK],
    ["0 - - - -", 3, OK, OK, OK, OK],
    ["- - - - -", 3, NO_DATA, CURRENT, ALARM, OK],
    ["0 X X - X", 3, ALARM, ALARM, ALARM, ALARM],
    ["- - X - -", 3, ALARM, CURRENT, ALARM, OK],
    ["0 - X - X", 2, ALARM, ALARM, ALARM, ALARM],
    ["0 0 X 0 X", 2, ALARM, ALARM, ALARM, ALARM],
    ["0 - X - -", 2, OK, OK, ALARM, OK],
    ["- - - - 0", 2, OK, OK, ALARM, OK],
    ["- - - X -", 2, ALARM, CURRENT, ALARM, OK],
    ["- - - - X", 3, NO_DATA, CURRENT, ALARM, OK],
  ])("evaluates %s for %d of 3 datapoints", (datapoints, datapointsToAlarm, ...states) => {
    const range = datapoints.split(" ").map((point) => (point === "-" ? undefined : point === "X"));
    for (const [index, treatMissingData] of TREATMENTS.entries()) {
      const rule = { evaluationPeriods: 3, datapointsToAlarm, treatMissingData };
      for (const previous of ["OK", "ALARM"] as const) {
        const expected = states[index] === CURRENT ? previous : states[index];
        expect(alarmState(range, rule, previous), treatMissingData).toBe(expected);
      }
    }
  });

  const READING: MathReading = { fill: "constant", missing: "zero" };
  const evaluate = (
    text: string,
    metrics: Record<string, (number | undefined)[]>,
    reading = READING,
    precedence = "as in C",
  ): Series["values"] => {
    const lookUp = (id: string): Series => ({
      values: metrics[id]!,
      everExisted: metrics[id]!.some((value) => value !== undefined),
    });
    const value = evaluateExpression(parseExpression(text, PRECEDENCES[precedence]!), lookUp, reading);
    return (value as Series).values;
  };
  const NONE = undefined;

  /** The examples of "Using math expressions with CloudWatch metrics". */
  it("computes the documented examples of metric math", () => {
    const compared = { metric1: [30, 20, 0, 0], metric2: [20, NONE, 20, NONE] };
    expect(evaluate("(metric1 < metric2)", compared)).toEqual([0, 0, 1, 0]);
    expect(evaluate("(metric1 >= 30)", compared)).toEqual([1, 0, 0, 0]);
    expect(evaluate("(metric1 > 15 AND metric2 > 15)", compared)).toEqual([1, 0, 0, 0]);
    const chosen = { metric1: [1, 1, 0, 0, NONE], metric3: [0, 0, 20, NONE, 20] };
    expect(evaluate("IF(metric1, 5, metric3)", chosen)).toEqual([5, 5, 20, NONE, NONE]);
  });

  it("fills metrics in every way in which CloudWatch may do it", () => {
    const metrics = { late: [1, 2, NONE], never: [NONE, NONE, NONE] };
    expect(evaluate("FILL(late, 0)", metrics)).toEqual([1, 2, 0]);
    expect(evaluate("FILL(late, REPEAT)", metrics)).toEqual([1, 2, 2]);
    expect(evaluate("FILL(never, 7)", metrics)).toEqual([7, 7, 7]);
    const nothing: MathReading = { fill: "nothing if it never existed", missing: "zero" };
    expect(evaluate("late + FILL(never, 7)", metrics, nothing)).toEqual([1, 2, NONE]);
    expect(evaluate("late + FILL(never, 7)", metrics, { ...nothing, missing: "none" })).toEqual([
      NONE,
      NONE,
      NONE,
    ]);
  });

  it("parses by each precedence, and refuses what it does not know", () => {
    const metrics = { a: [1], b: [2], c: [0] };
    const values = Object.keys(PRECEDENCES).map((precedence) =>
      evaluate("a + b > 2 AND c < 1", metrics, READING, precedence),
    );
    expect(values).toEqual([[1], [0], [1]]);
    expect(evaluate("(a - b) / 2 * 4 == a || a != b && c >= 0", metrics)).toEqual([1]);
    for (const text of ["a +", "FILL(a, 0", "a b", "a ? b", "a, b"])
      expect(() => parseExpression(text, PRECEDENCES["as in C"]!), text).toThrow("metric math");
  });

  /** The example of the API reference, "StepAdjustment": a threshold of 50. */
  it("chooses the documented step", () => {
    const [up, down] = [
      { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 10, ScalingAdjustment: 1 },
      { MetricIntervalLowerBound: -10, MetricIntervalUpperBound: 0, ScalingAdjustment: -1 },
    ];
    const chosen = (value: number) => applyingSteps([up, down], value, 50);
    expect([50, 59, 60, 41, 40].map(chosen)).toEqual([[up], [up], [], [down], []]);
  });
});
