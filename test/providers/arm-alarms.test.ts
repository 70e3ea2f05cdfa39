import { DescribeAlarmsCommand, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
import { expect, it } from "vitest";
import { armAlarms, listAlarms } from "../../src/providers/aws/alarms.ts";
import type { AwsClients } from "../../src/providers/aws/clients.ts";

/** A CloudWatch whose idle alarm is in ALARM until it has been asked so often. */
function cloudWatchWith(asked: number) {
  const calls: string[] = [];
  let state = asked > 0 ? "ALARM" : "OK";
  const send = (command: object): Promise<object> => {
    calls.push(command.constructor.name.replace("Command", ""));
    if (command instanceof SetAlarmStateCommand) state = command.input.StateValue!;
    if (!(command instanceof DescribeAlarmsCommand)) return Promise.resolve({});
    if (calls.filter((call) => call === "DescribeAlarms").length > asked) state = "OK";
    const alarm = { AlarmName: "swarm-inet-idle", ActionsEnabled: true, AlarmActions: ["policy"] };
    return Promise.resolve({ MetricAlarms: [{ ...alarm, StateValue: state }] });
  };
  return { calls, clients: { cloudWatch: { send } } as unknown as AwsClients };
}

/** A clock on which only pauses take time. */
function testClock() {
  let ms = 0;
  return { now: () => ms, sleep: (pause: number) => Promise.resolve(void (ms += pause)) };
}

it("waits until CloudWatch has the datapoint that ends an alarm, because it would set it off again", async () => {
  const { calls, clients } = cloudWatchWith(3);
  const clock = testClock();
  expect(await armAlarms(clients, "swarm-inet", "inet", clock)).toMatchObject([{ state: "OK", armed: true }]);
  const describe = "DescribeAlarms";
  expect(calls).toEqual([describe, "PutMetricData", describe, describe, describe, "SetAlarmState", describe]);
  expect(clock.now()).toBe(10_000);
});

it("does not wait if no alarm has gone off, nor longer than some minutes", async () => {
  const clock = testClock();
  await armAlarms(cloudWatchWith(0).clients, "swarm-inet", "inet", clock);
  expect(clock.now()).toBe(0);
  const never = cloudWatchWith(Infinity);
  expect(await armAlarms(never.clients, "swarm-inet", "inet", clock)).toMatchObject([{ state: "OK" }]);
  expect(clock.now()).toBe(4 * 60_000);
});

it("knows its alarms from those of another swarm whose name begins with the same words", async () => {
  const policyOf = (group: string): string[] => [
    `arn:aws:autoscaling:eu-central-1:123456789012:scalingPolicy:1-2:autoScalingGroupName/${group}:policyName/p`,
  ];
  const MetricAlarms = [
    { AlarmName: "swarm-inet-idle", AlarmActions: policyOf("swarm-inet-manager") },
    { AlarmName: "swarm-inet-2-idle", AlarmActions: policyOf("swarm-inet-2-manager") },
    { AlarmName: "swarm-inet-worker-idle", AlarmActions: policyOf("swarm-inet-worker-worker") },
    { AlarmName: "swarm-inet-own", AlarmActions: policyOf("group-of-a-template-of-the-user") },
    { AlarmName: "swarm-inet-without", AlarmActions: [] },
  ];
  const cloudWatch = { send: () => Promise.resolve({ MetricAlarms }) };
  const alarms = await listAlarms({ cloudWatch } as unknown as AwsClients, "swarm-inet");
  expect(alarms.map(({ name }) => name)).toEqual(["swarm-inet-idle", "swarm-inet-own", "swarm-inet-without"]);
});
