import type { Expression } from "./metric-math.ts";

/** A value for each period, the oldest first; undefined where there is none. */
export interface Series {
  values: (number | undefined)[];
  /** Whether the metric has, or ever had, a datapoint, also before the range that is evaluated. */
  everExisted: boolean;
}
type Value = number | Series;

/** What the documentation leaves open, or what public evidence contradicts. */
export interface MathReading {
  /** What FILL yields for a metric without datapoints: the constant, or nothing if it never had one, or none in the range. */
  fill: "constant" | "nothing if it never existed" | "nothing if the range is empty";
  /** A missing operand of an operator: 0, as documented if the other operand is a series that has a value; or no result. */
  missing: "zero" | "none";
}

/** Evaluates an expression for each period. @see Amazon CloudWatch User Guide, "Using math expressions with CloudWatch metrics". */
export function evaluateExpression(
  expression: Expression,
  lookUp: (id: string) => Series,
  reading: MathReading,
): Value {
  const evaluate = (inner: Expression): Value => evaluateExpression(inner, lookUp, reading);
  switch (expression.type) {
    case "number":
      return expression.value;
    case "id":
      return lookUp(expression.name);
    case "operation":
      return operate(
        expression.operator,
        evaluate(expression.left),
        evaluate(expression.right),
        reading.missing,
      );
    case "call": {
      const [first, second, third] = expression.parameters;
      if (expression.name === "IF") return choose(evaluate(first!), evaluate(second!), evaluate(third!));
      if (expression.name !== "FILL") throw new Error(`metric math: ${expression.name} is not modelled`);
      return fill(evaluate(first!), second!, reading.fill);
    }
  }
}

function fill(value: Value, filler: Expression, reading: MathReading["fill"]): Value {
  if (typeof value === "number") throw new Error("metric math: FILL needs a series");
  const { values, everExisted } = value;
  if (filler.type === "id" && filler.name === "REPEAT") {
    let last: number | undefined;
    return { values: values.map((each) => (last = each ?? last)), everExisted };
  }
  if (filler.type !== "number") throw new Error("metric math: only numbers and REPEAT are modelled in FILL");
  const isEmpty =
    reading === "nothing if it never existed" ? !everExisted : values.every((each) => each === undefined);
  if (isEmpty && reading !== "constant") return value;
  return { values: values.map((each) => each ?? filler.value), everExisted };
}

/** IF: a period without a condition is dropped. */
function choose(condition: Value, yes: Value, no: Value): Series {
  if (typeof condition === "number") throw new Error("metric math: IF needs a series");
  const at = (value: Value, index: number): number | undefined =>
    typeof value === "number" ? value : value.values[index];
  const values = condition.values.map((each, index) =>
    each === undefined ? undefined : at(each === 0 ? no : yes, index),
  );
  return { values, everExisted: condition.everExisted };
}

function operate(operator: string, left: Value, right: Value, missing: MathReading["missing"]): Value {
  const compute = OPERATORS[operator]!;
  if (typeof left === "number" && typeof right === "number") return compute(left, right);
  const series = [left, right].filter((value) => typeof value !== "number");
  const values = series[0]!.values.map((_, index) => {
    const present = series.filter((each) => each.values[index] !== undefined).length;
    // A series and a number: no value where the series has none. Two series: one of them must have a value.
    if (present === 0 || (missing === "none" && present < series.length)) return undefined;
    const operand = (value: Value): number =>
      typeof value === "number" ? value : (value.values[index] ?? 0);
    return compute(operand(left), operand(right));
  });
  return { values, everExisted: series.some(({ everExisted }) => everExisted) };
}

const OPERATORS: Record<string, (left: number, right: number) => number> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "==": (left, right) => Number(left === right),
  "!=": (left, right) => Number(left !== right),
  "<": (left, right) => Number(left < right),
  "<=": (left, right) => Number(left <= right),
  ">": (left, right) => Number(left > right),
  ">=": (left, right) => Number(left >= right),
  AND: (left, right) => Number(left !== 0 && right !== 0),
  OR: (left, right) => Number(left !== 0 || right !== 0),
};
