import { DescribeScheduledActionsCommand } from "@aws-sdk/client-auto-scaling";
import { DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { afterAll, beforeAll, expect, it } from "vitest";
import { awsUser, INIT, type AwsUser } from "../helpers/aws-user.ts";
import { describeWithPythonTools, startEmulator, type Emulator } from "../helpers/emulator.ts";
import { awsError, eventsAnswer, stackAnswer } from "../helpers/stack-script.ts";
import { describeWithService } from "../helpers/services.ts";

describeWithPythonTools("the machines of a swarm on AWS", () => {
  describeWithService(["sshd", "redis-server"], "on the emulator", () => {
    let emulator: Emulator;
    beforeAll(async () => {
      emulator = await startEmulator();
    });
    afterAll(() => emulator[Symbol.asyncDispose]());

    const fails = async (user: AwsUser, ...args: string[]): Promise<string> => {
      const { exitCode, stderr } = await user.tool(...args);
      expect([args, exitCode]).toEqual([args, 2]);
      return stderr;
    };
    const parameters = async (): Promise<Record<string, string>> => {
      const { Stacks } = await emulator.clients.cloudFormation.send(
        new DescribeStacksCommand({ StackName: "swarm-inet" }),
      );
      return Object.fromEntries(
        Stacks![0]!.Parameters!.map(({ ParameterKey, ParameterValue }) => [ParameterKey!, ParameterValue!]),
      );
    };

    it("are changed while it is halted, and its volume is kept", async () => {
      await using user = await awsUser(emulator);
      const init = user.tool(...INIT, "--workers", "2");
      await user.bootManager();
      expect(await init).toMatchObject({ exitCode: 0 });
      const { volumes } = await user.status();
      expect(await fails(user, "resume", "--instance-type", "c6i.xlarge")).toContain(
        "the swarm inet is running: its machines can be changed only while it is halted\nhint: first: swarm-tool halt inet",
      );
      expect(await user.tool("halt")).toMatchObject({ exitCode: 0 });

      expect(await fails(user, "resume", "--volume-size", "20")).toContain(
        "the volume of the swarm inet has 50 GiB, and cannot become smaller",
      );
      expect(await fails(user, "resume", "--instance-type", "x9.none")).toContain("no instance type x9.none");
      expect(await user.status()).toMatchObject({ state: "halted", machines: [] });

      const before = await parameters();
      const change = ["--instance-type", "c6i.xlarge", "--manager-type", "t3.xlarge", "--spot"];
      const limits = ["--volume-size", "80", "--max-hours", "48", "--idle-minutes", "120", "--workers", "1"];
      const resume = user.tool("resume", ...change, ...limits);
      await user.bootManager();
      const { exitCode, stderr } = await resume;
      expect(exitCode, stderr).toBe(0);
      expect(stderr).toContain("changing the stack swarm-inet");
      expect(await parameters()).toEqual({
        ...before,
        ...{ InstanceType: "c6i.xlarge", ManagerInstanceType: "t3.xlarge", WorkerMarket: "spot" },
        ...{ VolumeSize: "80", MaxHours: "48", LifePeriods: "49", IdleMinutes: "120" },
        ...{ ManagerSize: "0", ClusterSize: "0", EndsAt: "" },
      });
      const after = await user.status();
      expect(after.machines.map(({ role, type }) => `${role} ${type}`)).toEqual([
        "manager t3.xlarge",
        "worker c6i.xlarge",
      ]);
      expect(after.volumes).toEqual([{ ...volumes[0], sizeGiB: 80 }]);
      expect(after.warnings).toEqual([]);
      expect(await endsIn("swarm-inet-manager")).toBe(48);
      expect((await user.tool("status")).stdout).toContain("80 GiB");
      expect(await user.tool("remove", "--yes")).toMatchObject({
        exitCode: 0,
        stdout: "removed the swarm inet; nothing of it is left on AWS\n",
      });
    });

    it("stay as they are if AWS cannot change them, and the swarm can be resumed without the change", async () => {
      await using user = await awsUser(emulator);
      const init = user.tool(...INIT, "--workers", "1");
      await user.bootManager();
      expect(await init).toMatchObject({ exitCode: 0 });
      let isEnded = false;
      user.proxy.script = (call) => {
        isEnded ||= call.action === "autoscaling:SetDesiredCapacity";
        const isAsked = call.action === "autoscaling:DescribeScheduledActions";
        return isEnded && isAsked ? awsError(call, "ServiceUnavailable", "try later", 503) : undefined;
      };
      const halted = await user.tool("halt");
      expect(halted).toMatchObject({
        exitCode: 0,
        stderr: expect.stringContaining("warning: cannot delete the scheduled end of the swarm: ") as string,
      });

      const failed = {
        ...{ id: "WorkerTemplate", type: "AWS::EC2::LaunchTemplate" },
        ...{ status: "UPDATE_FAILED", reason: "no right to change it" },
      };
      let isUpdated = false;
      user.proxy.script = ({ action }) => {
        isUpdated ||= action === "cloudformation:UpdateStack";
        if (!isUpdated) return undefined;
        if (action === "cloudformation:DescribeStacks") return stackAnswer("UPDATE_ROLLBACK_COMPLETE");
        return action === "cloudformation:DescribeStackEvents" ? eventsAnswer([failed]) : undefined;
      };
      expect(await fails(user, "resume", "--instance-type", "c6i.xlarge")).toContain(
        "AWS could not change the stack swarm-inet: WorkerTemplate: no right to change it\nhint: it is as before; resume the swarm without the change: swarm-tool resume inet",
      );
      user.proxy.script = () => undefined;
      expect(await user.status()).toMatchObject({ state: "halted", machines: [] });

      let isUpdating = true; // a client was interrupted after it had started an update
      user.proxy.script = ({ action }) => {
        if (action === "autoscaling:SetDesiredCapacity") expect(isUpdating).toBe(false);
        if (action === "cloudformation:DescribeStackEvents") isUpdating = false;
        return action === "cloudformation:DescribeStacks" && isUpdating
          ? stackAnswer("UPDATE_IN_PROGRESS")
          : undefined;
      };
      const plain = user.tool("resume");
      await user.bootManager();
      const { exitCode, stderr } = await plain;
      expect([exitCode, stderr]).toEqual([
        0,
        expect.stringContaining("waiting for an earlier change of the stack swarm-inet"),
      ]);
      user.proxy.script = () => undefined;
      expect(await user.tool("halt")).toMatchObject({ exitCode: 0 });

      user.proxy.script = (call) =>
        call.action === "cloudformation:UpdateStack"
          ? awsError(call, "ValidationError", "No updates are to be performed.")
          : undefined;
      const resume = user.tool("resume", "--latest-image");
      await user.bootManager();
      expect(await resume).toMatchObject({ exitCode: 0 });
      user.proxy.script = () => undefined;
      expect((await user.status()).state).toBe("running");
      expect(await user.tool("remove", "--yes")).toMatchObject({ exitCode: 0 });
    });

    /** The number of hours after which the only scheduled action of a group ends its machines. */
    async function endsIn(AutoScalingGroupName: string): Promise<number> {
      const { ScheduledUpdateGroupActions } = await emulator.clients.autoScaling.send(
        new DescribeScheduledActionsCommand({ AutoScalingGroupName }),
      );
      expect(ScheduledUpdateGroupActions).toHaveLength(1);
      return Math.round((ScheduledUpdateGroupActions![0]!.StartTime!.getTime() - Date.now()) / 3600_000);
    }
  });
});
