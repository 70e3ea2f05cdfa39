export type AlarmState = "OK" | "ALARM" | "INSUFFICIENT_DATA";
export type TreatMissingData = "breaching" | "notBreaching" | "ignore" | "missing";

/** What decides the state of an alarm, besides its datapoints. */
export interface AlarmRule {
  evaluationPeriods: number;
  datapointsToAlarm: number;
  treatMissingData: TreatMissingData;
}

/**
 * Returns the state of an alarm by the datapoints of its evaluation range, the oldest first: whether each of them
 * breaches the threshold, undefined where one is missing. The range is longer than the evaluation periods.
 * @see Amazon CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data", whose tables the tests check.
 */
export function alarmState(
  range: readonly (boolean | undefined)[],
  rule: AlarmRule,
  previous: AlarmState,
): AlarmState {
  const { evaluationPeriods, datapointsToAlarm, treatMissingData } = rule;
  const existing = range.filter((breaches) => breaches !== undefined);
  const evaluated = existing.slice(-evaluationPeriods);
  const breaching = evaluated.filter(Boolean).length;
  const missing = evaluationPeriods - evaluated.length;
  if (missing === 0 || treatMissingData === "notBreaching" || breaching >= datapointsToAlarm)
    return breaching >= datapointsToAlarm ? "ALARM" : "OK";
  if (treatMissingData === "breaching") return breaching + missing >= datapointsToAlarm ? "ALARM" : "OK";
  if (breaching < evaluated.length) return "OK"; // one exists that does not breach
  if (treatMissingData === "ignore") return previous;
  if (evaluated.length === 0) return "INSUFFICIENT_DATA";
  // "Avoiding premature transitions to alarm state": the oldest one is old enough, and no later one does not breach.
  const age = range.length - range.indexOf(true);
  return age >= datapointsToAlarm ? "ALARM" : "INSUFFICIENT_DATA";
}
