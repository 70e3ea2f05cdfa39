import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import {
  firstHalt,
  READINGS,
  type Metric,
  type Metrics,
  type Reading,
} from "../helpers/alarms/alarm-model.ts";
import { alarmTemplate, type TemplateAlarm } from "../helpers/alarms/alarm-template.ts";

/** Idle times, in minutes. */
const IDLE = [10, 15, 30, 60];
const RUNS = { numRuns: 1000 };
const [MANAGERS, WORKERS, MANAGER_CPU, WORKER_CPU, BUSY] = [
  "GroupInServiceInstances of ManagerGroup",
  "GroupInServiceInstances of WorkerGroup",
  "CPUUtilization of ManagerGroup",
  "CPUUtilization of WorkerGroup",
  "Busy of SwarmName",
];
const alarms: Record<number, TemplateAlarm[]> = {};

beforeAll(async () => {
  for (const idle of IDLE) {
    const template = await alarmTemplate({ IdleMinutes: `${idle}`, LifePeriods: "25" });
    alarms[idle] = [template.alarms.IdleAlarm!, template.alarms.SilentAlarm!];
  }
});

/** Minutes that datapoints take to arrive, in the order in which they were published; up to three periods. */
const delays = fc.oneof(
  fc.integer({ min: 0, max: 15 }).map((delay) => [delay]),
  fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 1, maxLength: 40 }),
);
const reading: fc.Arbitrary<Reading> = fc.constantFrom(...READINGS);
const gap = fc.record({ from: fc.nat(200), minutes: fc.integer({ min: 1, max: 20 }) });

function metric(valueAt: (minute: number) => number | undefined, minutes: number, late: number[]): Metric {
  let arrived = 0;
  return Array.from({ length: minutes }, (_, minute) => {
    const value = valueAt(minute);
    arrived = Math.max(arrived, minute + late[minute % late.length]!);
    return value === undefined ? undefined : { value, visibleFrom: arrived };
  });
}

/** A machine's CPU, every five minutes, or never. */
const cpu = (maximum: number) =>
  fc.option(fc.array(fc.double({ min: 0, max: maximum, noNaN: true }), { minLength: 1, maxLength: 60 }), {
    nil: undefined,
  });
const publishCpu = (values: number[] | undefined, minutes: number, late: number[]): Metric =>
  metric((minute) => (minute % 5 === 0 ? values?.[(minute / 5) % values.length] : undefined), minutes, late);

it("never halts a swarm that reports work at least once in each idle time", () => {
  const MINUTES = 200;
  const scenario = fc.record({
    idle: fc.constantFrom(...IDLE),
    reading: fc.tuple(reading, fc.constantFrom("zero" as const, "none" as const)),
    late: fc.array(delays, { minLength: 5, maxLength: 5 }),
    /** Pauses between reports of work, as parts of the longest one that is allowed. */
    pauses: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }),
    /** Pauses in which nothing is published, instead of 0. */
    silent: fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
    sizes: fc.array(fc.nat(3), { minLength: 1, maxLength: 30 }),
    gaps: fc.array(gap, { maxLength: 5 }),
    managerCpu: cpu(100),
    workerCpu: cpu(100),
  });
  fc.assert(
    fc.property(scenario, (made) => {
      // Idle time is counted in periods, and the last one may be known only in part.
      const longest = made.idle - 5;
      const busy: (number | undefined)[] = [];
      for (let pause = 0; busy.length < MINUTES; pause++) {
        const length = Math.floor(made.pauses[pause % made.pauses.length]! * (longest - 1));
        const value = made.silent[pause % made.silent.length] ? undefined : 0;
        busy.push(1, ...Array<number | undefined>(length).fill(value));
      }
      const inGap = (minute: number) =>
        made.gaps.some(({ from, minutes }) => minute >= from && minute < from + minutes);
      const size = (minute: number) =>
        inGap(minute) ? undefined : made.sizes[Math.floor(minute / 10) % made.sizes.length];
      const metrics: Metrics = {
        [MANAGERS]: metric((minute) => size(minute) && 1, MINUTES, made.late[0]!),
        [WORKERS]: metric(size, MINUTES, made.late[1]!),
        [MANAGER_CPU]: publishCpu(made.managerCpu, MINUTES, made.late[2]!),
        [WORKER_CPU]: publishCpu(made.workerCpu, MINUTES, made.late[3]!),
        [BUSY]: metric((minute) => busy[minute], MINUTES, made.late[4]!),
      };
      const [base, missing] = made.reading;
      // From the first report on: before it, nothing is known.
      const start = metrics[BUSY]![0]!.visibleFrom;
      expect(firstHalt(alarms[made.idle]!, metrics, [start, MINUTES], { ...base, missing })).toBeUndefined();
    }),
    RUNS,
  );
});

it("halts each idle swarm in time, whatever is late, missing or unknown", () => {
  const END = 100;
  /** Lateness, a gap at the wrong place, and a part of a period. */
  const SLACK = 15 + 20 + 5;
  const MINUTES = END + 90 + SLACK;
  const scenario = fc.record({
    idle: fc.constantFrom(...IDLE),
    reading,
    late: fc.array(delays, { minLength: 5, maxLength: 5 }),
    /** What the manager reports once there is no work; undefined if it is dead, or does not know. */
    reports: fc.array(fc.constantFrom(0, undefined), { minLength: 1, maxLength: 20 }),
    gap,
    workers: fc.nat(3),
    /** The group metrics may be missing if there is the CPU of a machine. */
    hasSizes: fc.boolean(),
    managerCpu: cpu(12),
    workerCpu: cpu(12),
  });
  fc.assert(
    fc.property(scenario, (made) => {
      fc.pre(made.hasSizes || (made.managerCpu ?? made.workerCpu)?.every((value) => value > 0) === true);
      const sizes = (value: number) => (minute: number) => {
        const { from, minutes } = made.gap;
        return made.hasSizes && (minute < from || minute >= from + minutes) ? value : undefined;
      };
      const busy = (minute: number) =>
        minute < END ? 1 : made.reports[Math.floor(minute / 5) % made.reports.length];
      const metrics: Metrics = {
        [MANAGERS]: metric(sizes(1), MINUTES, made.late[0]!),
        [WORKERS]: metric(sizes(made.workers), MINUTES, made.late[1]!),
        [MANAGER_CPU]: publishCpu(made.managerCpu, MINUTES, made.late[2]!),
        [WORKER_CPU]: publishCpu(made.workerCpu, MINUTES, made.late[3]!),
        [BUSY]: metric(busy, MINUTES, made.late[4]!),
      };
      const latest = END + Math.max(60, made.idle + 30) + SLACK;
      expect(firstHalt(alarms[made.idle]!, metrics, [END, latest], made.reading)).toBeDefined();
    }),
    RUNS,
  );
});
