import { DeleteStackCommand } from "@aws-sdk/client-cloudformation";
import { DisableAlarmActionsCommand } from "@aws-sdk/client-cloudwatch";
import { afterAll, beforeAll, expect, it } from "vitest";
import { listLeftovers } from "../../src/providers/aws/leftovers.ts";
import type { AwsAnswer, Script } from "../helpers/aws-proxy.ts";
import { awsUser, INIT, type AwsUser } from "../helpers/aws-user.ts";
import { describeWithPythonTools, startEmulator, type Emulator } from "../helpers/emulator.ts";
import { describeWithService } from "../helpers/services.ts";
import { eventually } from "../helpers/swarm.ts";
import {
  awsError,
  createAnswer,
  eventsAnswer,
  noStack,
  stackAnswer,
  type ScriptedEvent,
} from "../helpers/stack-script.ts";

const STACK = "AWS::CloudFormation::Stack";

describeWithPythonTools("when AWS fails", () => {
  describeWithService(["sshd", "redis-server"], "swarm-tool", () => {
    let emulator: Emulator;
    beforeAll(async () => {
      emulator = await startEmulator();
    });
    afterAll(() => emulator[Symbol.asyncDispose]());

    async function made(user: AwsUser): Promise<void> {
      const init = user.tool(...INIT);
      await user.bootManager();
      expect(await init).toMatchObject({ exitCode: 0 });
    }

    /** A stack that goes through these phases, one for each query, and then stays in the last one. */
    function phases(...steps: { status: string | undefined; events: ScriptedEvent[] }[]): Script {
      let at = -1;
      const happened = (): ScriptedEvent[] => steps.slice(0, at + 1).flatMap(({ events }) => events);
      return (call) => {
        const { action } = call;
        if (action === "cloudformation:CreateStack") {
          at = 0;
          return createAnswer();
        }
        if (action === "cloudformation:DescribeStackEvents") return eventsAnswer(happened());
        if (action !== "cloudformation:DescribeStacks") return undefined;
        if (at < 0) return noStack(call);
        const { status } = steps[at]!;
        at = Math.min(at + 1, steps.length - 1);
        return status === undefined ? noStack(call) : stackAnswer(status);
      };
    }

    it("shows the first resource that failed, the reason, and how to remove the rest", async () => {
      await using user = await awsUser(emulator);
      user.proxy.script = phases(
        {
          status: "CREATE_IN_PROGRESS",
          events: [{ id: "swarm-inet", type: STACK, status: "CREATE_IN_PROGRESS" }],
        },
        {
          status: "ROLLBACK_IN_PROGRESS",
          events: [
            {
              id: "Vpc",
              type: "AWS::EC2::VPC",
              status: "CREATE_FAILED",
              reason: "The maximum number of VPCs has been reached.",
            },
            {
              id: "ManagerRole",
              type: "AWS::IAM::Role",
              status: "CREATE_FAILED",
              reason: "Resource creation cancelled",
            },
            {
              id: "swarm-inet",
              type: STACK,
              status: "ROLLBACK_IN_PROGRESS",
              reason: "failed: [Vpc, ManagerRole]",
            },
          ],
        },
        {
          status: "ROLLBACK_COMPLETE",
          events: [{ id: "swarm-inet", type: STACK, status: "ROLLBACK_COMPLETE" }],
        },
      );
      const { exitCode, stderr } = await user.tool(...INIT);
      expect(exitCode).toBe(2);
      expect(stderr).toContain(
        "create failed: Vpc (AWS::EC2::VPC): The maximum number of VPCs has been reached.",
      );
      expect(stderr).toContain(
        "swarm-tool: AWS could not create Vpc (AWS::EC2::VPC): The maximum number of VPCs has been reached.",
      );
      expect(stderr).toContain("remove what is left with: swarm-tool remove inet");
      const again = await user.tool(...INIT);
      expect(again).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining("AWS could not create Vpc") as string,
      });
      user.proxy.script = () => undefined;
      expect(await user.tool("remove", "--yes")).toMatchObject({ exitCode: 0 });
    });

    it("lists the resources that AWS could not delete after a failed creation, because they cost money", async () => {
      await using user = await awsUser(emulator);
      const failed = { id: "Vpc", type: "AWS::EC2::VPC", status: "CREATE_FAILED", reason: "no" };
      const scripted = phases({ status: "ROLLBACK_FAILED", events: [failed] });
      user.proxy.script = (call) => (call.action === "ec2:DescribeVolumes" ? oneVolume() : scripted(call));
      expect(await user.tool(...INIT)).toMatchObject({
        exitCode: 2,
        stderr: expect.stringMatching(
          /AWS could not create Vpc[\s\S]*AWS still has, and it may cost money: volume vol-0123, key pair swarm-inet; remove what is left with: swarm-tool remove inet/,
        ) as string,
      });
      user.proxy.script = () => undefined;
    });

    it("polls AWS at most every two seconds, and less and less often", async () => {
      await using user = await awsUser(emulator);
      const steps = Array.from({ length: 5 }, () => ({ status: "CREATE_IN_PROGRESS", events: [] }));
      user.proxy.script = phases(...steps, { status: "ROLLBACK_COMPLETE", events: [] });
      await user.tool(...INIT);
      const { calls, times } = user.proxy;
      const polls = times.filter((_, index) => calls[index] === "cloudformation:DescribeStackEvents");
      const gaps = polls.slice(1, 5).map((time, index) => time - polls[index]!);
      expect(Math.min(...gaps)).toBeGreaterThan(1990);
      expect(gaps.at(-1)! - gaps[0]!).toBeGreaterThan(1000);
      user.proxy.script = () => undefined;
    });

    it("uses AWS's own prices if it is permitted to query them", async () => {
      await using user = await awsUser(emulator);
      user.proxy.script = ({ action }) => (action === "pricing:GetProducts" ? priceList("0.25") : undefined);
      // the command waits only briefly for prices, so a busy machine may print the built-in ones
      await eventually(async () => {
        const { stdout } = await user.tool(...INIT.filter((arg) => arg !== "--yes"), "--workers", "3");
        expect(stdout).toContain(
          "costs about $1.03 an hour while running, with disks and public addresses, by AWS's price list of today",
        );
      });
      user.proxy.script = (call) =>
        call.action === "pricing:GetProducts"
          ? awsError(call, "AccessDeniedException", "no", 400)
          : undefined;
      const denied = await user.tool(...INIT.filter((arg) => arg !== "--yes"), "--workers", "3");
      expect(denied.stdout).toMatch(
        /costs about \$0\.4\d an hour while running, with disks and public addresses, by the list prices of 20\d\d-\d\d/,
      );
    });

    it("names a key of the account with which all disks are encrypted, before anything is created", async () => {
      await using user = await awsUser(emulator);
      const preview = INIT.filter((arg) => arg !== "--yes");
      expect((await user.tool(...preview)).stdout).not.toMatch(/ {2}key /);
      const key = "arn:aws:kms:eu-central-1:123456789012:key/0f1e2d3c";
      let [isOn, ownKey] = ["true", key];
      user.proxy.script = (call) => {
        const answer = (field: string, value: string): AwsAnswer => ({
          status: 200,
          body: `<${call.action.slice(4)}Response><${field}>${value}</${field}></${call.action.slice(4)}Response>`,
        });
        if (call.action === "ec2:GetEbsEncryptionByDefault") return answer("ebsEncryptionByDefault", isOn);
        return call.action === "ec2:GetEbsDefaultKmsKeyId" ? answer("kmsKeyId", ownKey) : undefined;
      };
      const named = await user.tool(...preview);
      expect(named.stdout).toContain(`all disks are encrypted with ${key}, a key of the account`);
      expect(named.stdout).toContain("unless the role AWSServiceRoleForAutoScaling may use it");
      ownKey = "alias/aws/ebs";
      expect((await user.tool(...preview)).stdout).not.toMatch(/ {2}key /);
      [isOn, ownKey] = ["false", key];
      expect((await user.tool(...preview)).stdout).not.toMatch(/ {2}key /);
      user.proxy.script = (call) =>
        call.action === "ec2:GetEbsEncryptionByDefault"
          ? awsError(call, "UnauthorizedOperation", "no", 403)
          : undefined;
      const denied = await user.tool(...preview);
      expect(denied.stdout).toContain("costs about");
      expect(denied.stdout).not.toMatch(/ {2}key /);
    });

    it("reports that the stack was deleted by hand meanwhile", async () => {
      await using user = await awsUser(emulator);
      user.proxy.script = phases(
        {
          status: "CREATE_IN_PROGRESS",
          events: [{ id: "Vpc", type: "AWS::EC2::VPC", status: "CREATE_COMPLETE" }],
        },
        { status: undefined, events: [] },
      );
      expect(await user.tool(...INIT)).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining("the stack swarm-inet ended in its deletion") as string,
      });
    });

    it("recovers from throttling and from a closed connection", async () => {
      await using user = await awsUser(emulator);
      const hit = new Set<string>();
      user.proxy.script = (call) => {
        if (hit.has(call.action)) return undefined;
        hit.add(call.action);
        return hit.size % 2 === 0 ? "cut" : awsError(call, "Throttling", "Rate exceeded");
      };
      await made(user);
      expect(hit.size).toBeGreaterThan(10);
      expect(await user.status()).toMatchObject({ state: "running" });
    });

    it("names the missing permission when one is denied midway, and continues once it is granted", async () => {
      await using user = await awsUser(emulator);
      const message =
        "User: arn:aws:iam::1:user/x is not authorized to perform: cloudwatch:PutMetricData on resource: *";
      user.proxy.script = (call) =>
        call.action === "cloudwatch:PutMetricData" ? awsError(call, "AccessDenied", message, 403) : undefined;
      expect(await user.tool(...INIT)).toMatchObject({
        exitCode: 2,
        stderr: expect.stringMatching(
          /AWS has machines of the swarm inet, which cost about \$0\.\d\d an hour\. To continue, run: swarm-tool init inet; to remove them, run: swarm-tool remove inet[\s\S]*AWS denied permission: cloudwatch:PutMetricData/,
        ) as string,
      });
      user.proxy.script = () => undefined;
      await made(user);
    });

    it.each([
      ["expired credentials", "ExpiredToken", "the AWS credentials have expired"],
      ["an unknown key", "InvalidClientTokenId", "AWS does not know the access key"],
      ["a wrong secret", "SignatureDoesNotMatch", "the secret access key does not match"],
    ])("distinguishes %s from other errors", async (_, code, message) => {
      await using user = await awsUser(emulator);
      user.proxy.script = (call) => awsError(call, code, "no", 403);
      expect(await user.tool(...INIT)).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining(message) as string,
      });
      expect(user.proxy.calls).not.toContain("cloudformation:CreateStack");
    });

    it("explains where credentials and region come from if there are none", async () => {
      await using user = await awsUser(emulator);
      const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: _secret, AWS_REGION: _region, ...env } = user.env;
      for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) env[name] = "";
      const withoutKeys = { env: { ...env, AWS_REGION: "eu-central-1" } };
      expect(await user.run("swarm-tool", INIT, withoutKeys)).toMatchObject({
        exitCode: 2,
        stderr: expect.stringMatching(/no AWS credentials[\s\S]*aws configure/) as string,
      });
      expect(await user.run("swarm-tool", INIT, { env: { AWS_REGION: "" } })).toMatchObject({
        exitCode: 2,
        stderr: expect.stringMatching(/no AWS region is configured[\s\S]*--region/) as string,
      });
      const unknown = [...INIT, "--profile", "nobody"];
      expect(await user.run("swarm-tool", unknown)).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining("nobody") as string,
      });
    });

    it("creates nothing if docker is missing, which deployment needs", async () => {
      await using user = await awsUser(emulator);
      const { exitCode, stderr } = await user.run("swarm-tool", INIT, { env: { PATH: "/nowhere" } });
      expect(exitCode).toBe(2);
      expect(stderr).toContain("docker: command not found");
      expect(user.proxy.calls).toEqual([]);
    });

    it("reports why AWS starts no machine", async () => {
      await using user = await awsUser(emulator);
      const reason = "You have requested more vCPU capacity than your current vCPU limit of 1 allows.";
      user.proxy.script = ({ action }) => {
        if (action === "autoscaling:DescribeScalingActivities") return activities(reason);
        return action === "ec2:DescribeInstances" ? noMachines() : undefined;
      };
      expect(await user.tool(...INIT)).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining(reason) as string,
      });
      expect((await user.tool("status")).stdout).toContain(
        `AWS cannot start a machine of swarm-inet-worker: ${reason}`,
      );
    });

    it("waits for a launch that may succeed later, as the first ones in a new account, and says so", async () => {
      await using user = await awsUser(emulator);
      let failures = 0;
      user.proxy.script = ({ action }) => {
        if (failures >= 2) return undefined;
        if (action === "autoscaling:DescribeScalingActivities") {
          failures++;
          return activities("Authentication Failure");
        }
        return action === "ec2:DescribeInstances" ? noMachines() : undefined;
      };
      const init = user.tool(...INIT);
      await eventually(() => expect(failures).toBe(2));
      await user.bootManager();
      expect(await init).toMatchObject({
        exitCode: 0,
        stderr: expect.stringMatching(
          /the manager to start, which AWS tries again .*Authentication Failure/,
        ) as string,
      });
    });

    it("chooses no zone that is not an ordinary one", async () => {
      await using user = await awsUser(emulator);
      user.proxy.script = ({ action }) =>
        action === "ec2:DescribeAvailabilityZones" ? oneZone("eu-central-1-ham-1a") : undefined;
      expect(await user.tool(...INIT)).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining("the region eu-central-1 has no instance type") as string,
      });
      expect(user.proxy.calls).not.toContain("cloudformation:CreateStack");
    });

    it("refuses a swarm that exceeds the account's limits, before anything is created", async () => {
      await using user = await awsUser(emulator);
      user.proxy.script = ({ action }) =>
        action === "servicequotas:GetServiceQuota"
          ? { status: 200, type: "application/x-amz-json-1.1", body: '{"Quota":{"Value":5}}' }
          : undefined;
      const refused = await user.tool(...INIT);
      expect(refused).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining(
          "the swarm needs 8 vCPUs, but the quota of your AWS account is 5",
        ) as string,
      });
      expect(user.proxy.calls).not.toContain("ec2:ImportKeyPair");
      const arm = await user.tool(...INIT, "--instance-type", "c6g.large");
      expect(arm.stderr).toContain("machines of the type c6g.large are not x86_64");
      const init = user.tool(...INIT, "--workers", "1");
      await user.bootManager();
      expect(await init).toMatchObject({ exitCode: 0 });
    });

    it("reports that a swarm no longer exists after its stack was deleted by hand, and forgets it", async () => {
      await using user = await awsUser(emulator);
      await made(user);
      await emulator.clients.cloudFormation.send(new DeleteStackCommand({ StackName: "swarm-inet" }));
      for (const command of [["resume"], ["halt"], ["scale", "2"]]) {
        expect(await user.tool(...command)).toMatchObject({
          exitCode: 2,
          stderr: expect.stringMatching(
            /AWS has no machines for the swarm inet: its stack is not complete or was removed[\s\S]*swarm-tool remove inet/,
          ) as string,
        });
      }
      expect(await user.tool("remove", "--yes")).toMatchObject({ exitCode: 0 });
      expect(await listLeftovers(emulator.clients, "inet")).toEqual([]);
    });

    it("warns if the alarm would not halt the swarm", async () => {
      await using user = await awsUser(emulator);
      await made(user);
      await emulator.clients.cloudWatch.send(
        new DisableAlarmActionsCommand({ AlarmNames: ["swarm-inet-idle"] }),
      );
      const { warnings } = await user.status();
      expect(warnings).toEqual([
        expect.stringContaining("the actions of swarm-inet-idle are disabled") as string,
      ]);
    });

    it("does not report success while AWS cannot delete the stack", async () => {
      await using user = await awsUser(emulator);
      await made(user);
      let deleted = false;
      user.proxy.script = ({ action }) => {
        if (action === "cloudformation:DeleteStack") {
          deleted = true;
          return { status: 200, body: "<DeleteStackResponse/>" };
        }
        if (!deleted || !action.startsWith("cloudformation:")) return undefined;
        if (action === "cloudformation:DescribeStacks") return stackAnswer("DELETE_FAILED");
        return eventsAnswer([
          { id: "Vpc", type: "AWS::EC2::VPC", status: "DELETE_FAILED", reason: "it has dependencies" },
        ]);
      };
      expect(await user.tool("remove", "--yes")).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining(
          "AWS could not delete the stack swarm-inet: Vpc (AWS::EC2::VPC): it has dependencies",
        ) as string,
      });
      expect((await user.tool("status")).stdout).toContain("inet (aws");
    });
  });
});

function activities(reason: string) {
  const member = `<member><ActivityId>1</ActivityId><StatusCode>Failed</StatusCode><StartTime>${new Date().toISOString()}</StartTime><StatusMessage>${reason}</StatusMessage></member>`;
  return {
    status: 200,
    body: `<DescribeScalingActivitiesResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><DescribeScalingActivitiesResult><Activities>${member}</Activities></DescribeScalingActivitiesResult></DescribeScalingActivitiesResponse>`,
  };
}

function oneVolume() {
  return {
    status: 200,
    body: '<DescribeVolumesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><volumeSet><item><volumeId>vol-0123</volumeId><status>available</status></item></volumeSet></DescribeVolumesResponse>',
  };
}

function priceList(USD: string) {
  const dimension = { unit: "Hrs", pricePerUnit: { USD } };
  const product = { terms: { OnDemand: { offer: { priceDimensions: { dimension } } } } };
  const body = JSON.stringify({ FormatVersion: "aws_v1", PriceList: [JSON.stringify(product)] });
  return { status: 200, type: "application/x-amz-json-1.1", body };
}

function oneZone(name: string) {
  return {
    status: 200,
    body: `<DescribeAvailabilityZonesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><availabilityZoneInfo><item><zoneName>${name}</zoneName></item></availabilityZoneInfo></DescribeAvailabilityZonesResponse>`,
  };
}

function noMachines() {
  return {
    status: 200,
    body: '<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet/></DescribeInstancesResponse>',
  };
}
