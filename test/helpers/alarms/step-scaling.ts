/** A step of a step scaling policy. */
export interface StepAdjustment {
  MetricIntervalLowerBound?: number;
  MetricIntervalUpperBound?: number;
  ScalingAdjustment: number;
}

/**
 * Returns the steps that apply to a metric that has breached an alarm's threshold: one, if the policy is right.
 * Above the threshold, the lower bound belongs to the step; below it, the upper one does.
 * @see Amazon EC2 Auto Scaling API Reference, "StepAdjustment".
 */
export function applyingSteps(
  steps: readonly StepAdjustment[],
  value: number,
  threshold: number,
): StepAdjustment[] {
  const distance = value - threshold;
  return steps.filter(
    ({ MetricIntervalLowerBound: low = -Infinity, MetricIntervalUpperBound: high = Infinity }) =>
      distance >= 0 ? distance >= low && distance < high : distance > low && distance <= high,
  );
}
