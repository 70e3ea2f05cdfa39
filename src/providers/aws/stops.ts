import { GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import type { Clock } from "../../system/poll.ts";
import { step, type ProgressEvent } from "../provider.ts";
import type { AwsState } from "../swarm-state.ts";
import { armAlarms, idleAlarm, isSetOff, listAlarms, type Alarm } from "./alarms.ts";
import { originalName } from "./aws-errors.ts";
import type { AwsClients } from "./clients.ts";
import { scheduleEnds, type Ends } from "./ends.ts";
import type { Groups } from "./groups.ts";
import { options } from "./stack.ts";

/*
 * What halts a swarm that nobody watches, in three independent ways: alarms, scheduled actions, and a watchdog on the
 * manager, which halts the swarm itself an hour after the others should have.
 */

/** The ways in which a running swarm stops by itself. */
export interface Stops {
  alarms: readonly Alarm[];
  ends: Ends | undefined;
  /** The last report of the manager's boot scripts; undefined if there was none in the last quarter of an hour. */
  report: Report | undefined;
  /** Groups whose number of machines CloudWatch does not record, so that the alarms do not count them. */
  unmeasured: readonly string[];
}

export interface Report {
  at: Date;
  busy: boolean;
}

const REPORT_MS = 15 * 60_000;
/** A manager that was started so long ago has booted and reports each minute. */
const BOOTED_MS = 20 * 60_000;

/** Arms the alarms and the scheduled ends of a swarm that is about to start, and yields a warning if one is missing. */
export async function* armStops(
  clients: AwsClients,
  state: AwsState,
  groups: Groups | undefined,
  clock?: Clock,
): AsyncGenerator<ProgressEvent> {
  if ((await listAlarms(clients, state.stack)).some(isSetOff))
    yield step("waiting until the alarm that halted the swarm has ended; this may take some minutes");
  const alarms = await armAlarms(clients, state.stack, state.name, clock);
  const text = alarmWarning(alarms, state.stack);
  if (text !== undefined) yield { type: "warning", text };
  if (groups !== undefined && !(await scheduleEnds(clients, groups, state.maxHours)))
    yield { type: "warning", text: "no scheduled action ends this swarm: AWS denied permission" };
}

/**
 * Returns when the manager has last reported whether there is work, as its metric says.
 * @returns "unknown" without permission to read metrics.
 */
export async function lastReport(
  clients: AwsClients,
  swarm: string,
  signal: AbortSignal,
): Promise<Report | "unknown" | undefined> {
  const now = clients.now().getTime();
  try {
    const { Datapoints } = await clients.cloudWatch.send(
      new GetMetricStatisticsCommand({
        Namespace: "Swarm",
        MetricName: "Busy",
        Dimensions: [{ Name: "Swarm", Value: swarm }],
        StartTime: new Date(now - REPORT_MS),
        EndTime: new Date(now + 60_000),
        Period: 60,
        Statistics: ["Maximum"],
      }),
      options(signal),
    );
    const reports = (Datapoints ?? []).flatMap(({ Timestamp, Maximum }) =>
      Timestamp === undefined ? [] : { at: Timestamp, busy: (Maximum ?? 0) >= 1 },
    );
    return reports.sort((one, other) => other.at.getTime() - one.at.getTime())[0];
  } catch (error) {
    if (/AccessDenied|Unauthorized/.test(originalName(error) ?? "")) return "unknown";
    throw error;
  }
}

/** Returns what prevents a running swarm from stopping by itself. @param startedMs how long its manager has run. */
export function stopWarnings(
  { alarms, ends, report, unmeasured }: Omit<Stops, "report"> & { report: Report | "unknown" | undefined },
  stack: string,
  startedMs: number,
): string[] {
  const texts = [alarmWarning(alarms, stack)];
  const unscheduled = Object.entries(ends ?? {}).filter(([, at]) => at === undefined);
  if (unscheduled.length > 0)
    texts.push(`no scheduled action ends ${unscheduled.map(([role]) => `the ${role} group`).join(" and ")}`);
  for (const group of unmeasured)
    texts.push(`AWS does not record the number of machines of ${group}, which the alarms need`);
  if (report === undefined && startedMs > BOOTED_MS)
    texts.push("the manager does not report whether there is work, so its watchdog may not run either");
  return texts.flatMap((text) => text ?? []);
}

/** Returns a warning if a swarm's alarms would not halt it, otherwise undefined. */
function alarmWarning(alarms: readonly Alarm[], stack: string): string | undefined {
  if (idleAlarm(alarms, stack) === undefined)
    return "no alarm halts this swarm when it is idle: halt it yourself, or it keeps costing money";
  const disarmed = alarms.filter(({ armed }) => !armed).map(({ name }) => name);
  if (disarmed.length === 0) return undefined;
  return `the actions of ${disarmed.join(", ")} are disabled: the swarm does not shut down by itself and costs money until you halt it`;
}
