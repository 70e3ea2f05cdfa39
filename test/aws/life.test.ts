import {
  DescribeScheduledActionsCommand,
  SetDesiredCapacityCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from "@aws-sdk/client-auto-scaling";
import { DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import {
  DescribeAlarmsCommand,
  GetMetricStatisticsCommand,
  SetAlarmStateCommand,
} from "@aws-sdk/client-cloudwatch";
import { DescribeSecurityGroupsCommand } from "@aws-sdk/client-ec2";
import { PutParameterCommand } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { dockerAnswers } from "../../src/providers/docker/docker-ping.ts";
import { listLeftovers } from "../../src/providers/aws/leftovers.ts";
import { awsUser, INIT, type AwsUser } from "../helpers/aws-user.ts";
import { describeWithPythonTools, startEmulator, type Emulator } from "../helpers/emulator.ts";
import { describeWithService } from "../helpers/services.ts";

describeWithPythonTools("a swarm on AWS", () => {
  describeWithService(["sshd", "redis-server"], "on the emulator", () => {
    let emulator: Emulator;
    beforeAll(async () => {
      emulator = await startEmulator();
    });
    afterAll(() => emulator[Symbol.asyncDispose]());

    async function made(user: AwsUser, ...more: string[]): Promise<void> {
      const init = user.tool(...INIT, ...more);
      await user.bootManager();
      expect(await init).toMatchObject({ exitCode: 0 });
    }

    it("is created, halted, resumed, scaled and removed, and leaves nothing behind", async () => {
      await using user = await awsUser(emulator);
      const init = user.tool(...INIT, "--workers", "2");
      const first = await user.bootManager();
      const { exitCode, stdout, stderr } = await init;
      expect(exitCode, stderr).toBe(0);
      expect(stdout).toMatch(/workers +2 machines c6i\.large/);
      expect(stdout).toMatch(
        /costs about \$0\.\d\d an hour while running, with disks and public addresses, by .*\n {2}and up to \$0\.07 an hour more/,
      );
      expect(stdout).toContain("its Docker: DOCKER_HOST=unix://");
      expect(stdout).toContain("its dashboard: swarm-tool dashboard inet");
      expect(stderr).toContain("deploying the services");
      expect(stderr).toContain("create complete: swarm-inet (AWS::CloudFormation::Stack)");

      const running = await user.status();
      expect(running).toMatchObject({
        state: "running",
        workers: { wanted: 2, inService: 2 },
        tunnel: { open: true },
        volumes: [{ sizeGiB: 50 }],
        jobs: { waiting: 0, running: 0, uncollected: 0 },
      });
      expect(running.machines.map(({ role }) => role)).toEqual(["manager", "worker", "worker"]);
      expect(running.alarms.map(({ name, armed }) => `${name} ${armed}`)).toEqual([
        "swarm-inet-idle true",
        "swarm-inet-silent true",
        "swarm-inet-life-manager true",
        "swarm-inet-life-worker true",
      ]);
      expect(running.cost.hourly).toBeGreaterThan(0.2);
      expect(running.warnings).toEqual([]);
      const lifetime = await Promise.all(["manager", "worker"].map((role) => endOf(`swarm-inet-${role}`)));
      expect(lifetime.map((end) => Math.round((end! - Date.now()) / 3600_000))).toEqual([24, 24]);
      expect(running.ends).toEqual({
        manager: new Date(lifetime[0]!).toISOString(),
        worker: new Date(lifetime[1]!).toISOString(),
      });
      expect((await user.tool("status")).stdout).toMatch(
        /^ {2}ends in any case at \d{4}-\d\d-\d\d \d\d:\d\d$/m,
      );

      const elsewhere = await user.run("swarm-tool", ["status", "--all-regions"], {
        env: { XDG_STATE_HOME: "/nowhere" },
      });
      expect(elsewhere).toMatchObject({ exitCode: 0, stderr: "" });
      expect(elsewhere.stdout).toMatch(
        /^inet \(aws, eu-central-1\): 3 machines, \$0\.\d\d an hour; \d+ GiB of volumes, .* a month; not known to this machine; to remove it here, delete its stack swarm-inet in the AWS console, under CloudFormation\n$/,
      );

      // Also before a worker has joined: runs are scheduled on workers, and the images come from the swarm's registry.
      expect(await user.manager.stackVariables()).toContain("SWARM_WORKERS=node.role == worker\n");
      expect(await user.manager.stackVariables()).toContain(
        "_WORKER_IMAGE=127.0.0.1:5000/inet-swarm-worker:",
      );
      expect(await user.tool("scale", "3")).toMatchObject({ exitCode: 0 });
      expect((await user.status()).workers).toEqual({ wanted: 3, inService: 3 });

      const halted = await user.tool("halt");
      expect(halted.stdout).toMatch(/the swarm inet is halted; its volume costs \$4\.80 a month/);
      expect(await user.status()).toMatchObject({
        state: "halted",
        machines: [],
        tunnel: { open: false },
        volumes: [{ sizeGiB: 50 }],
      });
      expect(await endOf("swarm-inet-manager")).toBeUndefined();

      const resume = user.tool("resume");
      const second = await bootedAfter(user, first);
      expect(await resume).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining("with 3 workers") as string,
      });
      expect(second).not.toBe(first);
      expect(await user.status()).toMatchObject({ state: "running", tunnel: { open: true } });
      expect(await endOf("swarm-inet-worker")).toBeGreaterThan(lifetime[1]!);

      const removed = await user.tool("remove", "--yes");
      expect(removed).toMatchObject({
        exitCode: 0,
        stdout: "removed the swarm inet; nothing of it is left on AWS\n",
      });
      expect(await listLeftovers(emulator.clients, "inet")).toEqual([]);
      expect(await stacks(emulator)).toEqual([]);
      expect(await user.tool("status")).toMatchObject({
        stdout: expect.stringContaining("no swarm exists") as string,
      });
    });

    /** When the only scheduled action of a group ends its machines, in ms since 1970. */
    async function endOf(AutoScalingGroupName: string): Promise<number | undefined> {
      const { ScheduledUpdateGroupActions } = await emulator.clients.autoScaling.send(
        new DescribeScheduledActionsCommand({ AutoScalingGroupName }),
      );
      expect(ScheduledUpdateGroupActions!.length).toBeLessThan(2);
      return ScheduledUpdateGroupActions![0]?.StartTime?.getTime();
    }

    /** The instance that replaces the old one in the group; the old one still exists for a moment. */
    async function bootedAfter(user: AwsUser, earlier: string): Promise<string> {
      return await vi.waitUntil(
        async () => {
          const id = await user.bootManager();
          return id !== earlier && id;
        },
        { timeout: 60_000, interval: 200 },
      );
    }

    it("connects again after the tunnel was closed and after its process has died", async () => {
      await using user = await awsUser(emulator);
      await made(user);
      expect((await user.tool("disconnect")).stdout).toBe(
        "disconnected from the swarm inet; it keeps running\n",
      );
      expect((await user.status()).tunnel).toEqual({ open: false });
      expect(await user.tool("connect")).toMatchObject({ exitCode: 0 });
      const before = await user.status();
      process.kill(before.tunnel.pid!, "SIGKILL");
      expect(await user.tool("connect")).toMatchObject({ exitCode: 0 });
      const { tunnel } = await user.status();
      expect(tunnel.pid).not.toBe(before.tunnel.pid);
      expect(await dockerAnswers(tunnel.dockerSocket!)).toBe(true);
      expect(await user.tool("connect")).toMatchObject({ exitCode: 0 });
      expect((await user.status()).tunnel.pid).toBe(tunnel.pid);
      for (const _ of ["first", "repeated"]) {
        expect(await user.tool("connect", "--ssh-cidr", "198.51.100.9")).toMatchObject({ exitCode: 0 });
      }
      expect(await allowedRanges(emulator)).toEqual(["198.51.100.9/32", "203.0.113.7/32"]);
      const address = `http://localhost:${tunnel.ports!["dashboard"]!}/#token=`;
      expect((await user.tool("dashboard")).stdout.startsWith(address)).toBe(true);
      await user.queue.kill();
      const silent = await user.status();
      expect(silent.tunnel.open).toBe(true);
      expect(silent.jobs).toBeUndefined();
      await user.queue.restart();
    });

    it("deploys its services again after AWS has replaced the manager", async () => {
      await using user = await awsUser(emulator);
      await made(user);
      const first = (await user.status()).machines[0]!.id;
      await emulator.clients.autoScaling.send(
        new TerminateInstanceInAutoScalingGroupCommand({
          InstanceId: first,
          ShouldDecrementDesiredCapacity: false,
        }),
      );
      user.manager.cut();
      const second = await bootedAfter(user, first);
      const { exitCode, stderr } = await user.tool("connect");
      expect(exitCode, stderr).toBe(0);
      expect(stderr).toContain(`the manager ${first} was replaced by ${second}`);
      expect((await user.manager.dockerCalls()).some((call) => call.startsWith("stack deploy"))).toBe(true);
      expect((await user.tool("connect")).stderr).not.toContain("was replaced");
    });

    it("executes runs on the manager if there is no worker", async () => {
      await using user = await awsUser(emulator);
      await made(user, "--workers", "0");
      const onManager = "SWARM_WORKERS=node.id == n1\n";
      expect(await user.manager.stackVariables()).toContain(onManager);
      expect(await user.manager.stackVariables()).toContain("_WORKER_IMAGE=inet-swarm-worker:");
      expect(await user.tool("scale", "1")).toMatchObject({ exitCode: 0 });
      expect(await user.manager.stackVariables()).not.toContain(onManager);
    });

    it("queries AWS concurrently for status, and notices that it was resumed from another machine", async () => {
      await using user = await awsUser(emulator);
      await made(user);
      const before = user.proxy.times.length;
      user.proxy.delayMs = 10_000;
      await user.status();
      user.proxy.delayMs = 0;
      const times = user.proxy.times.slice(before);
      expect(times.length).toBeGreaterThan(4);
      expect(Math.max(...times) - Math.min(...times)).toBeLessThan(10_000); // nothing waits for an answer

      const { machines } = await user.status();
      await user.tool("halt");
      for (const [role, DesiredCapacity] of [["manager", 1] as const, ["worker", 3] as const]) {
        const AutoScalingGroupName = `swarm-inet-${role}`;
        await emulator.clients.autoScaling.send(
          new SetDesiredCapacityCommand({ AutoScalingGroupName, DesiredCapacity }),
        );
      }
      await bootedAfter(user, machines[0]!.id);
      expect(await user.tool("connect")).toMatchObject({ exitCode: 0 });
      expect(await user.status()).toMatchObject({ state: "running", tunnel: { open: true } });
    });

    it("names a machine in its status whose runner is not connected to the queue", async () => {
      await using user = await awsUser(emulator);
      await made(user);
      expect((await user.status()).warnings).toEqual([]);
      await user.manager.startTasks(new Date(Date.now() - 10 * 60_000));
      const text =
        /manager: its runner, started 10 min[^,]* ago, is not connected to the queue; check that UDP port 4789/;
      expect((await user.status()).warnings).toEqual([expect.stringMatching(text)]);
      expect((await user.tool("status")).stdout).toMatch(text);
    });

    it("does not connect to a machine whose host key differs from the published one", async () => {
      await using user = await awsUser(emulator);
      await made(user);
      await user.tool("disconnect");
      const key = await user.bootManager();
      await emulator.clients.ssm.send(
        new PutParameterCommand({
          Name: "/swarm/inet/host-key",
          Value: `${key} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJbzkUlxBAGiMCvcZkVtvTZqHyDmR5cjDdFkIYtKrhLb`,
          Overwrite: true,
        }),
      );
      expect(await user.tool("connect")).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining("its host key differs from the one that AWS published") as string,
      });
    });

    it("continues a creation that was interrupted", async () => {
      await using user = await awsUser(emulator);
      const { child, finished } = user.start("swarm-tool", INIT);
      await vi.waitUntil(() => user.proxy.calls.includes("cloudformation:CreateStack"), { timeout: 60_000 });
      child.kill("SIGINT");
      expect(await finished).toMatchObject({ exitCode: 130 });
      const again = user.tool(...INIT);
      await user.bootManager();
      expect(await again).toMatchObject({ exitCode: 0 });
      expect(user.proxy.calls.filter((call) => call === "cloudformation:CreateStack")).toHaveLength(1);
      expect(await user.status()).toMatchObject({ state: "running" });
      expect(await user.tool(...INIT)).toMatchObject({ exitCode: 0 }); // a third call changes nothing
    });

    it("notices that it has halted itself, and is not halted again by the alarm after resume", async () => {
      await using user = await awsUser(emulator);
      await made(user);
      const first = (await user.status()).machines[0]!.id;
      await fireIdleAlarm(emulator);
      expect(await user.status()).toMatchObject({ state: "halted" });
      expect(await user.run("runall-swarm", ["list"])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining("the swarm inet is halted") as string,
      });
      const published = await busyDatapoints(emulator);
      const resume = user.tool("resume", "--workers", "1");
      await clearIdleAlarm(emulator, published);
      await bootedAfter(user, first);
      expect(await resume).toMatchObject({
        exitCode: 0,
        // the tunnel does not lead to the terminated machine
        stderr: expect.stringMatching(
          /waiting until the alarm that halted the swarm has ended[\s\S]*opening the tunnel to/,
        ) as string,
      });
      const { alarms, workers } = await user.status();
      expect(alarms.map(({ state }) => state)).toEqual(["OK", "OK", "OK", "OK"]);
      expect(workers.wanted).toBe(1);
    });

    it("reports what is wrong with a request", async () => {
      await using user = await awsUser(emulator);
      await made(user);
      await user.tool("disconnect");
      expect(await user.tool("remove")).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining("would be deleted; its queue is not responding") as string,
      });
      await user.tool("halt");
      for (const [args, message] of [
        [["halt"], "the swarm inet is already halted"],
        [["connect"], "the swarm inet is halted"],
        [["scale", "2"], "the swarm inet is halted"],
        [["resume", "other"], "no swarm named other"],
        [["remove", "other"], "no swarm named other"],
        [["init", "a_b", "--ssh-cidr", "1.2.3.4/32"], "is not a valid name for a swarm on AWS"],
        [["init", "b", "--ssh-cidr", "1.2.3/32"], "is not an IPv4 address range"],
        [["init", "b", "--ssh-cidr", "0.0.0.0/0"], "would open the manager to a large part of the internet"],
        [
          ["init", "b", "--ssh-cidr", "1.2.3.4", "--instance-type", "c6i.enormous"],
          "has no instance type c6i.enormous",
        ],
        [["init", "b", "--ssh-cidr", "1.2.3.4"], "costs money from now until it is halted"],
        [["init", "b", "--ssh-cidr", "1.2.3.4", "--region", "nowhere"], "is not an AWS region"],
        [["init", "inet", "--ssh-cidr", "1.2.3.4", "--region", "us-east-1"], "is in the region eu-central-1"],
        [["init", "b", "--ssh-cidr", "1.2.3.4", "--template", "/nowhere.yaml"], "cannot read the template"],
      ] as const) {
        expect(await user.tool(...args), args.join(" ")).toMatchObject({
          exitCode: 2,
          stderr: expect.stringContaining(message) as string,
        });
      }
    });

    it("does not touch a stack that it did not create", async () => {
      await using user = await awsUser(emulator);
      await made(user);
      await using other = await awsUser(emulator);
      other.proxy.script = ({ action }) =>
        action === "cloudformation:DescribeStacks" ? foreignStack() : undefined;
      expect(await other.tool(...INIT)).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining("has a stack swarm-inet that swarm-tool did not create") as string,
      });
      expect(other.proxy.calls).not.toContain("ec2:ImportKeyPair");
    });
  });
});

function foreignStack(): { status: number; body: string } {
  const member = `<member><StackName>swarm-inet</StackName><StackId>arn:aws:x</StackId><StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime></member>`;
  return {
    status: 200,
    body: `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks>${member}</Stacks></DescribeStacksResult></DescribeStacksResponse>`,
  };
}

/** The address range from which the manager can be reached by SSH. */
async function allowedRanges({ clients }: Emulator): Promise<string[]> {
  const { SecurityGroups } = await clients.ec2.send(
    new DescribeSecurityGroupsCommand({ Filters: [{ Name: "tag:Name", Values: ["inet-manager"] }] }),
  );
  const rules = (SecurityGroups ?? []).flatMap(({ IpPermissions }) => IpPermissions ?? []);
  const ssh = rules.filter(({ FromPort }) => FromPort === 22);
  return ssh
    .flatMap(({ IpRanges }) => IpRanges ?? [])
    .map(({ CidrIp }) => CidrIp!)
    .sort();
}

async function stacks({ clients }: Emulator): Promise<string[]> {
  const { Stacks } = await clients.cloudFormation.send(new DescribeStacksCommand({}));
  return (Stacks ?? []).map(({ StackName }) => StackName!);
}

async function busyDatapoints({ clients }: Emulator): Promise<number> {
  const { Datapoints } = await clients.cloudWatch.send(
    new GetMetricStatisticsCommand({
      ...{ Namespace: "Swarm", MetricName: "Busy", Dimensions: [{ Name: "Swarm", Value: "inet" }] },
      ...{ StartTime: new Date(0), EndTime: new Date(Date.now() + 60_000), Period: 86_400 },
      Statistics: ["SampleCount"],
    }),
  );
  return (Datapoints ?? []).reduce((sum, { SampleCount = 0 }) => sum + SampleCount, 0);
}

/** What CloudWatch does when the tool has marked the swarm as busy. */
async function clearIdleAlarm(emulator: Emulator, published: number): Promise<void> {
  await vi.waitUntil(async () => (await busyDatapoints(emulator)) > published, { timeout: 60_000 });
  await emulator.clients.cloudWatch.send(
    new SetAlarmStateCommand({ AlarmName: "swarm-inet-idle", StateValue: "OK", StateReason: "busy" }),
  );
}

/** What CloudWatch does when the alarm goes off: it executes the alarm's actions and stays in ALARM. */
async function fireIdleAlarm({ clients }: Emulator): Promise<void> {
  const { MetricAlarms } = await clients.cloudWatch.send(
    new DescribeAlarmsCommand({ AlarmNames: ["swarm-inet-idle"] }),
  );
  expect(MetricAlarms?.[0]?.AlarmActions).toHaveLength(2);
  await clients.cloudWatch.send(
    new SetAlarmStateCommand({ AlarmName: "swarm-inet-idle", StateValue: "ALARM", StateReason: "idle" }),
  );
  for (const role of ["manager", "worker"]) {
    await clients.autoScaling.send(
      new SetDesiredCapacityCommand({ AutoScalingGroupName: `swarm-inet-${role}`, DesiredCapacity: 0 }),
    );
  }
}
