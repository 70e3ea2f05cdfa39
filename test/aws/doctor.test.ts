import {
  CreatePolicyVersionCommand,
  ListPolicyVersionsCommand,
  SetDefaultPolicyVersionCommand,
} from "@aws-sdk/client-iam";
import { afterAll, beforeAll, expect, it } from "vitest";
import { awsUser, INIT } from "../helpers/aws-user.ts";
import { describeWithPythonTools, startEmulator, type Emulator } from "../helpers/emulator.ts";
import { describeWithService } from "../helpers/services.ts";
import { awsError } from "../helpers/stack-script.ts";

describeWithPythonTools("swarm-tool doctor and policy", () => {
  describeWithService(["sshd", "redis-server"], "on the emulator", () => {
    let emulator: Emulator;
    beforeAll(async () => {
      emulator = await startEmulator();
    });
    afterAll(() => emulator[Symbol.asyncDispose]());

    it("finds nothing to fix if everything is set up", async () => {
      await using user = await awsUser(emulator);
      user.proxy.script = (call) =>
        // the emulator ignores DryRun here, and would create a network
        call.action === "ec2:CreateVpc"
          ? awsError(call, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
          : undefined;
      const { stdout, exitCode } = await user.tool("doctor", "--aws");
      expect(stdout).not.toContain("FAIL");
      expect(exitCode).toBe(0);
      const [, aws = ""] = stdout.split("\nAWS\n");
      for (const what of ["ssh ", "ssh-keygen", "region eu-central-1", "credentials of "])
        expect(aws).toContain(`ok    ${what}`);
      expect(aws).toContain("ok    policy inet-swarm of the account\n");
      expect(stdout).toContain("ok    docker 28.2.2");
      expect(stdout).toContain("ok    permission to create networks");
    });

    it("names everything that is missing, how to fix it, and completes all checks", async () => {
      await using user = await awsUser(emulator);
      user.proxy.script = (call) =>
        call.action === "autoscaling:DescribeAutoScalingGroups"
          ? awsError(
              call,
              "AccessDenied",
              "User: x is not authorized to perform: autoscaling:DescribeAutoScalingGroups",
              403,
            )
          : call.action === "ec2:CreateVpc"
            ? awsError(call, "UnauthorizedOperation", "You are not authorized to perform: ec2:CreateVpc", 403)
            : undefined;
      const { exitCode, stdout } = await user.run("swarm-tool", ["doctor", "--aws"], {
        env: { PATH: "/nowhere" },
      });
      expect(exitCode).toBe(2);
      expect(stdout).toContain("FAIL  git: not found\n        hint: needed by runall-swarm: install git");
      expect(stdout).toContain(
        "FAIL  OMNeT++ (opp_run): not found\n        hint: needed by runall-swarm: in this terminal, run: source <OMNeT++ folder>/setenv",
      );
      expect(stdout).toContain(
        "FAIL  docker: not found\n        hint: needed for swarms on AWS and on Docker",
      );
      expect(stdout).toContain(
        "FAIL  permission to create networks (EC2): AWS denied permission: ec2:CreateVpc",
      );
      expect(stdout).toContain("AWS denied permission: autoscaling:DescribeAutoScalingGroups");
      expect(stdout).toContain("ok    credentials of ");
    });

    it("says if the account has no policy inet-swarm, or an old one, and creates nothing then", async () => {
      await using user = await awsUser(emulator);
      const PolicyArn = "arn:aws:iam::123456789012:policy/inet-swarm";
      await emulator.clients.iam.send(
        new CreatePolicyVersionCommand({
          PolicyArn,
          PolicyDocument: JSON.stringify({
            Version: "2012-10-17",
            Statement: { Effect: "Allow", Action: "s3:ListAllMyBuckets", Resource: "*" },
          }),
          SetAsDefault: true,
        }),
      );
      const old = await user.tool(...INIT);
      expect(old).toMatchObject({ exitCode: 2, stdout: "" });
      expect(old.stderr).toMatch(
        /the policy inet-swarm of the AWS account 123456789012 is not that of this version; missing or different: Stack, Read, .*\nhint: update it, as an administrator .*aws iam create-policy-version --set-as-default/,
      );
      const { Versions } = await emulator.clients.iam.send(new ListPolicyVersionsCommand({ PolicyArn }));
      await emulator.clients.iam.send(
        new SetDefaultPolicyVersionCommand({
          PolicyArn,
          VersionId: Versions!.find((each) => !each.IsDefaultVersion)!.VersionId,
        }),
      );
      user.proxy.script = (call) =>
        call.action === "iam:GetPolicy"
          ? awsError(
              call,
              "NoSuchEntity",
              "Policy arn:aws:iam::123456789012:policy/inet-swarm was not found.",
              404,
            )
          : undefined;
      const missing = await user.tool(...INIT);
      expect(missing).toMatchObject({ exitCode: 2, stdout: "" });
      expect(missing.stderr).toMatch(
        /has no policy inet-swarm.*\nhint: create it, as an administrator .*aws iam create-policy --policy-name inet-swarm/,
      );
      expect((await user.tool("doctor", "--aws")).stdout).toContain(
        "FAIL  policy inet-swarm of the account: ",
      );
      user.proxy.script = (call) =>
        call.action === "iam:GetPolicy"
          ? awsError(call, "AccessDenied", "User: x is not authorized to perform: iam:GetPolicy", 403)
          : undefined;
      expect((await user.tool("doctor", "--aws")).stdout).toContain(
        "ok    policy inet-swarm of the account: unknown",
      );
    });

    it("only notes what is missing on AWS if AWS is configured but not asked for", async () => {
      await using user = await awsUser(emulator);
      user.proxy.script = (call) =>
        awsError(call, "AccessDenied", "User: x is not authorized to perform: sts:GetCallerIdentity", 403);
      const { exitCode, stdout } = await user.tool("doctor");
      expect(stdout).toContain("note  credentials: AWS denied permission: sts:GetCallerIdentity");
      expect(exitCode).toBe(0);
      expect(await user.tool("doctor", "--region", "eu-central-1")).toMatchObject({
        exitCode: 2,
        stdout: expect.stringContaining("FAIL  credentials: AWS denied permission") as string,
      });
    });

    it("prints the policy for the account of the credentials, or for a named account", async () => {
      await using user = await awsUser(emulator);
      const { exitCode, stdout } = await user.tool("policy");
      expect(exitCode).toBe(0);
      expect(JSON.stringify(JSON.parse(stdout))).toContain("arn:aws:iam::123456789012:policy/inet-swarm");
      const named = await user.run("swarm-tool", ["policy", "--account", "999988887777"], {
        env: { AWS_ENDPOINT_URL: "http://127.0.0.1:9" },
      });
      expect(named.stdout).toContain("arn:aws:iam::999988887777:role/swarm/*");
      expect(await user.tool("policy", "--account", "12")).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining("12 is not an AWS account number") as string,
      });
    });
  });
});
