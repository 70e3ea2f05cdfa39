import { afterAll, beforeAll, expect, it } from "vitest";
import { awsUser } from "../helpers/aws-user.ts";
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
