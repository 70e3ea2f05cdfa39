import type { Metric, Metrics } from "./alarm-model.ts";

/** The value of a metric at a minute, undefined without a datapoint; or no metric. */
type ValueAt = ((minute: number) => number | undefined) | undefined;

/** What happens to a swarm. */
export interface Scenario {
  minutes: number;
  managers?: ValueAt;
  workers?: ValueAt;
  /** Percent; EC2 publishes it every five minutes, and not while there are no machines. */
  managerCpu?: ValueAt;
  workerCpu?: ValueAt;
  /** What the manager or the tool publishes. */
  busy?: ValueAt;
  /** Minutes until CloudWatch has a datapoint (default: 1, and 5 for the CPU). */
  delay?: (metric: string, minute: number) => number;
}

const EVERY_FIVE = ["CPUUtilization of ManagerGroup", "CPUUtilization of WorkerGroup"];

/** Returns the metrics that a scenario leaves in CloudWatch. */
export function metricsOf(scenario: Scenario): Metrics {
  const { minutes, delay = (metric: string) => (EVERY_FIVE.includes(metric) ? 5 : 1) } = scenario;
  const metrics: Metrics = {};
  const publish = (name: string, valueAt: ValueAt): void => {
    if (valueAt === undefined) return;
    metrics[name] = Array.from({ length: minutes }, (_, minute): Metric[number] => {
      const value = EVERY_FIVE.includes(name) && minute % 5 !== 0 ? undefined : valueAt(minute);
      return value === undefined ? undefined : { value, visibleFrom: minute + delay(name, minute) };
    });
  };
  publish("GroupInServiceInstances of ManagerGroup", scenario.managers);
  publish("GroupInServiceInstances of WorkerGroup", scenario.workers);
  publish("CPUUtilization of ManagerGroup", scenario.managerCpu);
  publish("CPUUtilization of WorkerGroup", scenario.workerCpu);
  publish("Busy of SwarmName", scenario.busy);
  return metrics;
}
