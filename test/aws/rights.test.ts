import { DisableAlarmActionsCommand } from "@aws-sdk/client-cloudwatch";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { AwsCall } from "../helpers/aws-proxy.ts";
import { awsUser, INIT, type AwsUser } from "../helpers/aws-user.ts";
import { describeWithPythonTools, startEmulator, type Emulator } from "../helpers/emulator.ts";
import {
  authorizationReference,
  type AuthorizationReference,
} from "../helpers/iam/authorization-reference.ts";
import { Trial, type Call } from "../helpers/iam/calls.ts";
import { clientCalls } from "../helpers/iam/client-calls.ts";
import { coversAction } from "../helpers/iam/evaluate.ts";
import { machineCalls } from "../helpers/iam/machine-calls.ts";
import { statementsOf } from "../helpers/iam/policy.ts";
import { NOT_NEEDED, resourceHandlers, stackCalls } from "../helpers/iam/stack-calls.ts";
import { swarmAccount, type SwarmAccount } from "../helpers/iam/swarm-account.ts";
import { describeWithService } from "../helpers/services.ts";

/** Rights that no call of this test needs, with the reason why the policy has them. */
const UNUSED: Record<string, string> = {
  "Stack cloudformation:TagResource": "AWS may check the tags of a new stack as a request of their own",
  "ChangeOwn ec2:CreateTags": "CloudFormation may add tags of its own to what is tagged already",
  "Images ssm:GetParameter":
    "AWS does not document which of the two actions resolves a parameter of a template",
};

/** A call of the tools while a manager does not answer, which depends on time here. */
const ONLY_IF_SLOW: AwsCall = {
  action: "ec2:GetConsoleOutput",
  protocol: "ec2",
  parameters: { InstanceId: "i-0123456789abcdef0" },
};
/** A call of the tools if the account encrypts all volumes. */
const ONLY_IF_ENCRYPTED: AwsCall = { action: "ec2:GetEbsDefaultKmsKeyId", protocol: "ec2", parameters: {} };

describeWithPythonTools("the rights of a swarm", () => {
  let account: SwarmAccount;
  let reference: AuthorizationReference;
  beforeAll(async () => {
    account = await swarmAccount();
    reference = authorizationReference();
  });

  const stackTrial = (tagging: Parameters<typeof stackCalls>[2]): Trial => {
    const trial = new Trial(reference);
    trial.judge(stackCalls(account, reference, tagging), account.user);
    return trial;
  };

  it.each(["at creation", "afterwards"] as const)("suffice for the stack, with tags %s", (tagging) => {
    expect(stackTrial(tagging).denials).toEqual([]);
  });

  it.each(["Manager", "Worker"] as const)("suffice for the %s, and none is unused", async (role) => {
    const trial = new Trial(reference);
    trial.judge(await machineCalls(role), account.roles[role]);
    expect(trial.denials).toEqual([]);
    expect(trial.unused(account.roles[role].policies.flatMap(statementsOf), coversAction)).toEqual([]);
  });

  it("name only exceptions that CloudFormation's handlers have", () => {
    const types = [...new Set(Object.values(account.template.Resources).map(({ Type }) => Type))];
    const known = Object.entries(resourceHandlers(types)).flatMap(([type, handlers]) =>
      (["create", "read", "update", "delete"] as const).flatMap((phase) =>
        (handlers[phase]?.permissions ?? []).flatMap((action) => [action, `${type} ${action}`]),
      ),
    );
    expect(Object.keys(NOT_NEEDED).filter((exception) => !known.includes(exception))).toEqual([]);
  });

  it("are missed if a statement is missing", () => {
    const statements = account.user.policies.flatMap(statementsOf);
    const without = (Sid: string): string[] => {
      const trial = new Trial(reference);
      const policies = [{ Statement: statements.filter((each) => each.Sid !== Sid) }];
      trial.judge(stackCalls(account, reference, "afterwards"), { name: "the user", policies });
      return trial.denials;
    };
    for (const Sid of ["Create", "ChangeOwn", "Groups", "Alarms", "BoundedRoles", "Pass", "Launch", "Images"])
      expect(without(Sid), Sid).not.toEqual([]);
    expect(without("TagByStack").join("\n")).toContain("the user may not ec2:CreateTags on ");
    expect(without("Busy")).toEqual([]); // not a right for the stack
  });

  describeWithService(["sshd", "redis-server"], "on the emulator", () => {
    let emulator: Emulator;
    beforeAll(async () => {
      emulator = await startEmulator();
    });
    afterAll(() => emulator[Symbol.asyncDispose]());

    it("suffice for its whole life, and none is unused", { timeout: 300_000 }, async () => {
      await using user = await awsUser(emulator);
      await live(user);
      const recorded: Call[] = [...user.proxy.requests, ONLY_IF_SLOW, ONLY_IF_ENCRYPTED].flatMap(clientCalls);
      expect(recorded.length).toBeGreaterThan(100);
      const trial = stackTrial("at creation");
      trial.judge(stackCalls(account, reference, "afterwards"), account.user);
      trial.judge(recorded, account.user);
      for (const role of ["Manager", "Worker"] as const)
        trial.judge(await machineCalls(role), account.roles[role]); // whose boundary the policy is
      expect(trial.denials).toEqual([]);
      expect(trial.unused(account.user.policies.flatMap(statementsOf), coversAction)).toEqual(
        Object.keys(UNUSED),
      );
    });
  });
});

/** Executes each command that calls AWS. */
async function live(user: AwsUser): Promise<void> {
  const succeeds = async (...args: string[]): Promise<void> => {
    const { exitCode, stderr } = await user.tool(...args);
    expect(exitCode, `${args.join(" ")}: ${stderr}`).toBe(0);
  };
  const init = user.tool(...INIT, "--workers", "1");
  const first = await user.bootManager();
  expect(await init).toMatchObject({ exitCode: 0 });
  await succeeds("status", "--all-regions");
  await user.status();
  await user.tool("doctor", "--aws");
  await succeeds("connect", "--ssh-cidr", "198.51.100.9/32");
  await succeeds("scale", "2");
  await succeeds("halt");
  const AlarmNames = ["swarm-inet-idle"];
  await user.emulator.clients.cloudWatch.send(new DisableAlarmActionsCommand({ AlarmNames }));
  const resume = user.tool("resume", "--instance-type", "c6i.xlarge", "--volume-size", "60");
  await vi.waitUntil(async () => (await user.bootManager()) !== first, { timeout: 60_000, interval: 200 });
  expect(await resume).toMatchObject({ exitCode: 0 });
  await succeeds("remove", "--yes");
}
