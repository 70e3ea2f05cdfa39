import { describe, expect, it } from "vitest";
import { firstHalt, READINGS, type Metrics } from "../helpers/alarms/alarm-model.ts";
import { alarmTemplate, type TemplateAlarm } from "../helpers/alarms/alarm-template.ts";
import { metricsOf, type Scenario } from "../helpers/alarms/scenario.ts";

const HOUR = 60;
const DAY = 24 * HOUR;
/** CloudWatch evaluates each minute; this is enough for periods of an hour. */
const EVERY = 10;

const lifeAlarms = async (maxHours: number): Promise<TemplateAlarm[]> => {
  const LifePeriods = `${Math.min(maxHours + 1, 168)}`; // as `init` does
  const { alarms } = await alarmTemplate({ IdleMinutes: "60", LifePeriods });
  return [alarms.ManagerLifeAlarm!, alarms.WorkerLifeAlarm!];
};

/** A swarm that starts after an hour and runs. */
const swarm = (minutes: number, changes: Partial<Scenario> = {}): Metrics =>
  metricsOf({
    minutes,
    managers: (minute) => Number(minute >= HOUR),
    workers: (minute) => (minute >= HOUR ? 3 : 0),
    ...changes,
  });

const during =
  (gaps: (minute: number) => boolean, valueAt: (minute: number) => number) => (minute: number) =>
    gaps(minute) ? undefined : valueAt(minute);

async function halts(
  maxHours: number,
  metrics: Metrics,
  from: number,
  until: number,
  alter = {},
  every = EVERY,
) {
  const alarms = (await lifeAlarms(maxHours)).map((alarm) => ({ ...alarm, ...alter }));
  return [0, 2].map((extraPeriods) =>
    firstHalt(alarms, metrics, [from, until], { ...READINGS[0]!, extraPeriods }, every),
  );
}

describe("the alarms for the lifetime", () => {
  it.each([1, 24, 168])("halt a swarm after %d hours, even if it is busy", async (maxHours) => {
    const end = (1 + maxHours) * HOUR;
    for (const halt of await halts(maxHours, swarm(end + 2 * HOUR), EVERY, end + 2 * HOUR)) {
      expect(halt).toBeGreaterThanOrEqual(end);
      expect(halt).toBeLessThanOrEqual(end + HOUR + EVERY);
    }
  });

  it.each([1, 24])(
    "halt no new swarm before %d hours, if no datapoint is of the time before",
    async (maxHours) => {
      const sinceStart = (valueAt: number) => (minute: number) => (minute >= HOUR ? valueAt : undefined);
      const end = (1 + maxHours) * HOUR;
      const metrics = swarm(end + 2 * HOUR, { managers: sinceStart(1), workers: sinceStart(3) });
      for (const halt of await halts(maxHours, metrics, 1, end + HOUR, {}, 1)) {
        expect(halt).toBeGreaterThanOrEqual(end);
        expect(halt).toBeLessThanOrEqual(end + EVERY);
      }
    },
  );

  it("count as many periods as CloudWatch permits", async () => {
    for (const { periodMinutes, evaluationPeriods } of await lifeAlarms(168)) {
      // PutMetricAlarm: "can't be more than 604,800 seconds", if the period is an hour or longer.
      expect(periodMinutes).toBe(60);
      expect(periodMinutes * 60 * evaluationPeriods).toBe(604_800);
    }
  });

  it.each(["managers", "workers"] as const)("halt a swarm that has no other %s metric", async (name) => {
    const end = 25 * HOUR;
    const metrics = swarm(end + 2 * HOUR, { [name]: undefined });
    for (const halt of await halts(24, metrics, EVERY, end + 2 * HOUR))
      expect(halt).toBeLessThanOrEqual(end + HOUR + EVERY);
  });

  /** Two hours without data each eight hours, so that always a whole period is without, and a short gap each hour. */
  const inGap = (minute: number): boolean =>
    (minute + 4 * HOUR) % (8 * HOUR) < 2 * HOUR + 5 || (minute % HOUR > 20 && minute % HOUR < 40);

  it("are postponed by gaps by a few hours at most, instead of for ever", async () => {
    const metrics = swarm(3 * DAY, {
      managers: during(inGap, (minute) => Number(minute >= HOUR)),
      workers: during(inGap, (minute) => (minute >= HOUR ? 3 : 0)),
    });
    for (const halt of await halts(24, metrics, EVERY, 3 * DAY)) {
      expect(halt).toBeGreaterThanOrEqual(25 * HOUR);
      expect(halt).toBeLessThanOrEqual(29 * HOUR);
    }
    const former = await halts(24, metrics, EVERY, 3 * DAY, { treatMissingData: "notBreaching" });
    expect(former).toEqual([undefined, undefined]);
  });

  it("count from the resume of a swarm, also after a short time", async () => {
    for (const pause of [5, 5 * HOUR]) {
      const runs = (minute: number) => minute >= HOUR && (minute < 13 * HOUR || minute >= 13 * HOUR + pause);
      const metrics = swarm(3 * DAY, {
        managers: (minute) => Number(runs(minute)),
        workers: (minute) => (runs(minute) ? 3 : 0),
      });
      const end = 13 * HOUR + pause + 24 * HOUR;
      for (const halt of await halts(24, metrics, EVERY, end + 2 * HOUR)) {
        expect(halt).toBeGreaterThanOrEqual(end);
        expect(halt).toBeLessThanOrEqual(end + HOUR + EVERY);
      }
    }
  });

  it("halt a swarm whose manager AWS replaces each day", async () => {
    const metrics = swarm(2 * DAY, {
      managers: (minute) => Number(minute >= HOUR && minute % DAY !== 12 * HOUR),
    });
    for (const halt of await halts(24, metrics, EVERY, 2 * DAY))
      expect(halt).toBeLessThanOrEqual(26 * HOUR + EVERY);
  });
});
