import { beforeAll, describe, expect, it } from "vitest";
import {
  breaches,
  evaluateAlarm,
  firstHalt,
  READINGS,
  watchedValues,
  type Metrics,
  type Reading,
} from "../helpers/alarms/alarm-model.ts";
import { alarmTemplate, type AlarmTemplate, type TemplateAlarm } from "../helpers/alarms/alarm-template.ts";
import { parseExpression, PRECEDENCES } from "../helpers/alarms/metric-math.ts";
import { applyingSteps } from "../helpers/alarms/step-scaling.ts";
import { metricsOf, type Scenario } from "../helpers/alarms/scenario.ts";

const HOUR = 60;
/** When work ends in a scenario, in minutes. */
const END = 2 * HOUR;
const HORIZON = 5 * HOUR;
/** CPU of a worker with one vCPU that only answers health checks, with a reserve; and far above, as for any run on few. */
const [IDLE_CPU, COMPUTING] = [8, 90];

interface Case {
  idleMinutes: number;
  reading: Reading;
}
const cases: Case[] = [10, 60].flatMap((idleMinutes) =>
  READINGS.map((reading) => ({ idleMinutes, reading })),
);
const templates: Record<string, AlarmTemplate> = {};
const idleOf = ({ idleMinutes }: Case): TemplateAlarm[] => {
  const { IdleAlarm, SilentAlarm } = templates[idleMinutes]!.alarms;
  return [IdleAlarm!, SilentAlarm!];
};
/** How long nobody must have reported work before the CPU decides. */
const silentMinutes = (idleMinutes: number): number => Math.max(60, idleMinutes + 30);

beforeAll(async () => {
  for (const idleMinutes of [10, 60, 1440])
    templates[idleMinutes] = await alarmTemplate({ IdleMinutes: `${idleMinutes}`, LifePeriods: "25" });
});

/** A swarm that starts at minute 0, works until `END` and is idle afterwards. */
const swarm = (changes: Partial<Scenario> = {}): Metrics =>
  metricsOf({
    minutes: HORIZON,
    managers: (minute) => Number(minute > 2),
    workers: (minute) => (minute > 3 ? 2 : 0),
    managerCpu: (minute) => (minute > 2 ? IDLE_CPU : undefined),
    workerCpu: (minute) => (minute > 3 ? (minute < END ? COMPUTING : IDLE_CPU) : undefined),
    busy: (minute) => Number(minute < END),
    ...changes,
  });

/** Expects a halt within a range of minutes, under all readings. */
function expectHalt(
  metrics: Metrics,
  limits: (idleMinutes: number) => { earliest: number; latest: number },
  selected = cases,
): void {
  for (const each of selected) {
    const { earliest, latest } = limits(each.idleMinutes);
    const halt = firstHalt(idleOf(each), metrics, [1, latest], each.reading);
    expect(halt, `${JSON.stringify(each)}: not halted until ${latest}`).toBeDefined();
    expect(halt, JSON.stringify(each)).toBeGreaterThanOrEqual(earliest);
  }
}

function expectNoHalt(metrics: Metrics, until = HORIZON, selected = cases): void {
  for (const each of selected)
    expect(firstHalt(idleOf(each), metrics, [1, until], each.reading), JSON.stringify(each)).toBeUndefined();
}

describe("the alarms for idleness", () => {
  const afterEnd = (idleMinutes: number) => ({
    earliest: END + idleMinutes - 5,
    latest: END + idleMinutes + 5,
  });
  const afterSilence = (idleMinutes: number) => ({
    earliest: END + silentMinutes(idleMinutes) - 5,
    latest: END + silentMinutes(idleMinutes) + 10,
  });
  const alwaysBusy = { busy: () => 1 };

  it("halt an idle swarm, however much CPU its machines take", () => {
    expectHalt(swarm(), afterEnd);
    expectHalt(swarm({ workerCpu: () => 6, managerCpu: () => 40 }), afterEnd);
  });

  it("do not halt a swarm with work, however little CPU it takes", () => {
    expectNoHalt(swarm(alwaysBusy));
    expectNoHalt(swarm({ ...alwaysBusy, workerCpu: () => 0.3, managerCpu: () => 0.3 }));
    expectNoHalt(swarm({ busy: (minute) => Number(minute % 5 === 0) }));
  });

  it("work without workers", () => {
    const workers = { workers: () => 0, workerCpu: () => undefined };
    expectHalt(swarm(workers), afterEnd);
    expectNoHalt(swarm({ ...workers, ...alwaysBusy }));
  });

  it("do not halt a swarm while a client builds an image, though there is no dashboard yet", () => {
    const building = swarm({
      busy: (minute) => (minute < END ? 1 : undefined),
      workerCpu: () => IDLE_CPU,
    });
    expectHalt(building, afterSilence);
  });

  it("do not halt a swarm that is being created", () => {
    const creating = swarm({ busy: () => undefined, workerCpu: () => IDLE_CPU });
    expectNoHalt(creating, HOUR - 5);
    expectHalt(creating, (idleMinutes) => ({ earliest: HOUR - 5, latest: silentMinutes(idleMinutes) + 15 }));
  });

  it.each([
    ["whose machine still runs", () => 1, () => 3],
    ["whose machine is gone", (minute: number) => Number(minute < END), () => undefined],
  ])("halt a swarm whose manager is dead, %s", (_, managers, managerCpu) => {
    const busy = (minute: number) => (minute < END ? 1 : undefined);
    expectHalt(swarm({ managers, managerCpu, busy }), afterSilence);
  });

  it("do not halt workers that compute though the dashboard is dead, but do when they are done", () => {
    const busy = (minute: number) => (minute < 30 ? 1 : undefined);
    expectNoHalt(swarm({ busy, workerCpu: () => 30 }));
    expectHalt(swarm({ busy }), afterSilence);
    const alone = { busy, workers: () => 0, workerCpu: () => undefined };
    expectNoHalt(swarm({ ...alone, managerCpu: () => COMPUTING }));
    expectHalt(
      swarm({ ...alone, managerCpu: (minute) => (minute < END ? COMPUTING : IDLE_CPU) }),
      afterSilence,
    );
  });

  it.each(["managers", "workers", "managerCpu", "workerCpu"] as const)(
    "halt an idle swarm of which %s never had a datapoint, and no busy one",
    (name) => {
      expectHalt(swarm({ [name]: undefined }), afterEnd);
      expectNoHalt(swarm({ [name]: undefined, ...alwaysBusy }));
      const silent = { busy: (minute: number) => (minute < END ? 1 : undefined) };
      expectHalt(swarm({ [name]: undefined, ...silent }), afterSilence);
    },
  );

  it("halt an idle swarm of which only one kind of data exists", () => {
    const nothing = { managers: undefined, workers: undefined, managerCpu: undefined, workerCpu: undefined };
    expectHalt(swarm(nothing), afterEnd);
    const neverBusy = { workerCpu: () => IDLE_CPU, busy: undefined };
    const latest = (idleMinutes: number) => ({ earliest: 50, latest: silentMinutes(idleMinutes) + 15 });
    expectHalt(swarm(neverBusy), latest);
    expectHalt(swarm({ ...neverBusy, managers: undefined, workers: undefined }), latest);
  });

  it("tolerate metrics that are late by three periods", () => {
    const delay = () => 15;
    expectHalt(swarm({ delay }), (idleMinutes) => ({
      earliest: END + idleMinutes,
      latest: END + silentMinutes(idleMinutes) + 10,
    }));
    expectNoHalt(swarm({ delay, ...alwaysBusy }));
    expectNoHalt(swarm({ delay, ...alwaysBusy, workerCpu: () => IDLE_CPU }));
  });

  it.each(["managers", "workers", "managerCpu", "workerCpu", "busy"] as const)(
    "tolerate a gap of 20 minutes in the middle of work, of %s and of everything",
    (name) => {
      const inGap = (minute: number) => minute >= 80 && minute < 100;
      const gap = (valueAt: (minute: number) => number) => (minute: number) =>
        inGap(minute) ? undefined : valueAt(minute);
      const values = { managers: () => 1, workers: () => 2, managerCpu: () => 2, workerCpu: () => 2 };
      const working = { ...values, busy: () => 1 };
      expectNoHalt(swarm({ ...working, [name]: gap(working[name]) }));
      const everything = Object.fromEntries(
        Object.entries(working).map(([key, valueAt]) => [key, gap(valueAt)]),
      );
      expectNoHalt(swarm(everything));
    },
  );

  it("halt no resumed swarm because of earlier datapoints, once the datapoint of the tool has arrived", () => {
    for (const each of cases) {
      for (const pause of [2, 7, 30]) {
        const halted = END + each.idleMinutes;
        const armed = halted + pause;
        const running = (minute: number) => minute < halted || minute > armed + 5;
        const metrics = swarm({
          managers: (minute) => Number(running(minute)),
          workers: (minute) => (running(minute) ? 2 : 0),
          busy: (minute) => {
            if (minute < END || minute === armed) return 1;
            return running(minute) ? 0 : undefined;
          },
          delay: () => 2,
        });
        const states = (minute: number) =>
          idleOf(each).map((alarm) => evaluateAlarm(alarm, metrics, minute, each.reading));
        let start = armed; // armAlarms waits until no alarm is in ALARM
        while (states(start).includes("ALARM")) start++;
        expect(start - armed).toBeLessThanOrEqual(3);
        const halt = firstHalt(idleOf(each), metrics, [start, armed + 2 * HOUR + 10], each.reading);
        expect(halt, JSON.stringify({ ...each, pause })).toBeGreaterThanOrEqual(armed + each.idleMinutes - 5);
      }
    }
  });

  it("tolerate that a missing operand yields nothing, against the documentation, if the manager is alive", () => {
    const pessimistic = cases.map(({ idleMinutes, reading }): Case => {
      return { idleMinutes, reading: { ...reading, missing: "none" } };
    });
    expectHalt(swarm({ workers: undefined, workerCpu: undefined }), afterEnd, pessimistic);
    expectNoHalt(swarm(alwaysBusy), HORIZON, pessimistic);
    expectNoHalt(swarm({ ...alwaysBusy, delay: () => 15 }), HORIZON, pessimistic);
  });

  it("mean the same by any precedence of operators", () => {
    const { SilentAlarm } = templates[60]!.alarms;
    for (const expression of Object.values(SilentAlarm!.expressions)) {
      const parsed = Object.values(PRECEDENCES).map((each) => parseExpression(expression, each));
      for (const each of parsed) expect(each).toEqual(parsed[0]);
    }
  });

  it("count as many periods as CloudWatch permits", async () => {
    for (const idleMinutes of [10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 480, 720, 1440]) {
      const { alarms } = await alarmTemplate({ IdleMinutes: `${idleMinutes}`, LifePeriods: "25" });
      expect(alarms.IdleAlarm!.evaluationPeriods * 5).toBe(idleMinutes);
      // PutMetricAlarm: at most a day if the period is shorter than an hour.
      expect(alarms.SilentAlarm!.evaluationPeriods * 5).toBe(Math.min(24 * HOUR, silentMinutes(idleMinutes)));
    }
  });
});

describe("the scaling policies", () => {
  it("set both groups to 0 for each value that sets off one of the alarms", () => {
    const { alarms, policies } = templates[60]!;
    expect(Object.keys(alarms)).toEqual(["IdleAlarm", "SilentAlarm", "ManagerLifeAlarm", "WorkerLifeAlarm"]);
    for (const [name, alarm] of Object.entries(alarms)) {
      expect(alarm.actions.map((action) => policies[action]!.group)).toEqual(["ManagerGroup", "WorkerGroup"]);
      const values = [-1, 0, 0.5, 1, 2, 100].filter((value) => breaches(alarm, value));
      expect(values.length, name).toBeGreaterThan(1);
      for (const value of values) {
        for (const action of alarm.actions) {
          const { adjustment, steps } = policies[action]!;
          expect(adjustment).toBe("ExactCapacity");
          const applying = applyingSteps(steps, value, alarm.threshold);
          expect(applying.map(({ ScalingAdjustment }) => ScalingAdjustment)).toEqual([0]);
        }
      }
    }
  });
});

/** The rule before this one, in which the model must find the faults. */
describe("the model", () => {
  const former = (idleMinutes: number): TemplateAlarm => ({
    periodMinutes: 5,
    threshold: 1,
    comparison: "LessThanThreshold",
    evaluationPeriods: idleMinutes / 5,
    datapointsToAlarm: idleMinutes / 5,
    treatMissingData: "notBreaching",
    metrics: {
      managers: { metric: "GroupInServiceInstances of ManagerGroup", statistic: "Maximum" },
      workers: { metric: "GroupInServiceInstances of WorkerGroup", statistic: "Maximum" },
      busy: { metric: "Busy of SwarmName", statistic: "Maximum" },
      cpu: { metric: "CPUUtilization of WorkerGroup", statistic: "Maximum" },
    },
    expressions: {
      busyness: "IF(FILL(managers,0)+FILL(workers,0) > 0 AND FILL(busy,0) < 1 AND FILL(cpu,0) < 5, 0, 1)",
    },
    watched: "busyness",
    actions: [],
  });
  const DOCUMENTED = READINGS[0]!;
  const halt = (metrics: Metrics, idleMinutes: number, reading = DOCUMENTED) =>
    firstHalt([former(idleMinutes)], metrics, [1, HORIZON], reading);

  it("finds the faults of a rule with implicit precedence, a low threshold and filled datapoints", () => {
    const quiet = { workerCpu: () => 1 };
    expect(halt(swarm(quiet), 60)).toBe(END + 60);
    expect(halt(swarm({ workerCpu: () => 6 }), 60)).toBeUndefined();
    const late = swarm({ ...quiet, busy: () => 1, delay: (metric) => (metric.startsWith("Busy") ? 15 : 1) });
    expect(halt(late, 10)).toBe(9);
    for (const precedence of ["as in Pascal", "from left to right"])
      expect(halt(swarm({ busy: () => 1 }), 60, { ...DOCUMENTED, precedence }), precedence).toBe(1);
    const alone = swarm({ workers: () => 0, workerCpu: undefined });
    expect(
      halt(alone, 60, { ...DOCUMENTED, fill: "nothing if it never existed", missing: "none" }),
    ).toBeUndefined();
    expect(watchedValues(former(10), {}, 100, { ...DOCUMENTED, extraPeriods: 0 })).toEqual([1, 1]);
  });
});
