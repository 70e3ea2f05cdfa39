/** What a sample says about the expected value of a quantity. */
export interface SampleSummary {
  /** Number of finite values; the other figures are computed from these only. */
  n: number;
  /** Number of values that are NaN or infinite. */
  excluded: number;
  /** NaN if there is no finite value; so are `min` and `max`. */
  mean: number;
  min: number;
  max: number;
  /** Standard deviation of the sample (divisor n − 1); undefined for less than two values. */
  standardDeviation: number | undefined;
  /**
   * Half the width of the 95 % confidence interval of the mean by Student's t; undefined for less than two values.
   * The interval assumes independent values with a nearly normal mean, as of repetitions with different seeds.
   */
  halfWidth: number | undefined;
}

/** Confidence level of `halfWidth`. */
const CONFIDENCE = 0.95;

/** Returns the figures of a sample. Values that are NaN or infinite are excluded, and counted. */
export function summarizeSample(values: Iterable<number>): SampleSummary {
  let [n, excluded, mean, squares] = [0, 0, 0, 0];
  let [min, max] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) {
      excluded++;
      continue;
    }
    n++;
    // Welford's method: sums of squares of large, close values would cancel each other out
    const difference = value - mean;
    mean += difference / n;
    squares += difference * (value - mean);
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  if (n === 0)
    return {
      n,
      excluded,
      mean: NaN,
      min: NaN,
      max: NaN,
      standardDeviation: undefined,
      halfWidth: undefined,
    };
  const standardDeviation = n < 2 ? undefined : Math.sqrt(squares / (n - 1));
  const halfWidth =
    standardDeviation === undefined
      ? undefined
      : (studentQuantile((1 + CONFIDENCE) / 2, n - 1) * standardDeviation) / Math.sqrt(n);
  return { n, excluded, mean, min, max, standardDeviation, halfWidth };
}

/** Steps of bisection after which a double does not change any more. */
const STEPS = 200;
const quantiles = new Map<string, number>();

/**
 * Returns the quantile of Student's t distribution.
 * @param probability more than 0.5, less than 1.
 * @param df degrees of freedom; Infinity for the normal distribution.
 */
export function studentQuantile(probability: number, df: number): number {
  const key = `${probability} ${df}`;
  const known = quantiles.get(key);
  if (known !== undefined) return known;
  let [low, high] = [0, 1];
  while (studentTail(high, df) > 1 - probability) [low, high] = [high, high * 2];
  for (let step = 0; step < STEPS && low < high; step++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (studentTail(middle, df) > 1 - probability) low = middle;
    else high = middle;
  }
  quantiles.set(key, high);
  return high;
}

/** With more degrees of freedom, the quantiles differ from those of the normal distribution by less than 1e-6. */
const NEARLY_NORMAL = 1e7;

/** Returns the probability that a value of Student's t distribution is greater than t. @param t not negative. */
function studentTail(t: number, df: number): number {
  const limited = Math.min(df, NEARLY_NORMAL);
  return incompleteBeta(limited / (limited + t * t), limited / 2, 0.5) / 2;
}

/**
 * Returns the regularized incomplete beta function I_x(a, b).
 * @see NIST Digital Library of Mathematical Functions, 8.17.4 (symmetry) and 8.17.22 (continued fraction).
 */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const isDirect = x < (a + 1) / (a + b + 2);
  const factor = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return isDirect ? (factor * betaFraction(x, a, b)) / a : 1 - (factor * betaFraction(1 - x, b, a)) / b;
}

const TINY = 1e-300;
const EPSILON = 1e-16;
const MOST_TERMS = 100_000;

/** Returns the continued fraction of the incomplete beta function, by Lentz's method. */
function betaFraction(x: number, a: number, b: number): number {
  const nonZero = (value: number): number => (Math.abs(value) < TINY ? TINY : value);
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < MOST_TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    let change = 1;
    for (const term of [even, odd]) {
      d = 1 / nonZero(1 + term * d);
      c = nonZero(1 + term / c);
      change = c * d;
      fraction *= change;
    }
    if (Math.abs(change - 1) < EPSILON) break;
  }
  return fraction;
}

/** Coefficients of Stirling's series: B(2k) / (2k (2k − 1)). @see NIST DLMF, 5.11.1. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360, 1 / 156];
const LEAST_FOR_STIRLING = 15;

/** Returns the logarithm of the gamma function of a positive number. */
function logGamma(x: number): number {
  let shift = 0;
  for (; x < LEAST_FOR_STIRLING; x++) shift -= Math.log(x);
  const series = STIRLING.reduce((sum, each, index) => sum + each / x ** (2 * index + 1), 0);
  return shift + (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + series;
}
