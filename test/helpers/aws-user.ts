import { userInfo } from "node:os";
import path from "node:path";
import { DescribeAutoScalingGroupsCommand } from "@aws-sdk/client-auto-scaling";
import { CreatePolicyCommand } from "@aws-sdk/client-iam";
import { PutParameterCommand } from "@aws-sdk/client-ssm";
import { readFile } from "node:fs/promises";
import { vi } from "vitest";
import { policyFor, whoAmI } from "../../src/providers/aws/account.ts";
import { originalName } from "../../src/providers/aws/aws-errors.ts";
import type { AwsStatus } from "../../src/providers/aws/status.ts";
import { startProxy, type AwsProxy } from "./aws-proxy.ts";
import type { Emulator } from "./emulator.ts";
import { startRedis, type RedisServer } from "./redis.ts";
import { startManager, type Manager } from "./sshd.ts";
import { newUser, type Finished, type User } from "./tool.ts";

/** A user with an AWS account, which is an emulator, and a machine that acts as the manager. */
export interface AwsUser extends User {
  emulator: Emulator;
  proxy: AwsProxy;
  manager: Manager;
  /** The queue of the swarm's services: it exists whichever machine is the manager, as on the volume. */
  queue: RedisServer;
  tool(...args: string[]): Promise<Finished>;
  status(name?: string): Promise<AwsStatus>;
  /** Does what the manager's boot script does, as soon as AWS has started the manager. */
  bootManager(swarm?: string): Promise<string>;
}

export const INIT = [
  "init",
  "--ssh-cidr",
  "203.0.113.7/32",
  "--ssh-user",
  userInfo().username,
  "--yes",
] as const;

/** @param emulator shared by the tests of a file: starting one takes seconds. */
export async function awsUser(emulator: Emulator): Promise<AwsUser> {
  const [user, proxy, queue] = await Promise.all([newUser(), startProxy(emulator.url), startRedis()]);
  const manager = await startManager({ queue: queue.socket });
  await providePolicy(emulator);
  Object.assign(user.env, emulator.env, {
    AWS_ENDPOINT_URL: proxy.url,
    PATH: `${manager.bin}${path.delimiter}${user.env["PATH"] ?? ""}`,
  });
  let booted: string | undefined;
  return {
    ...user,
    emulator,
    proxy,
    manager,
    queue,
    tool: (...args) => user.run("swarm-tool", args),
    async status(name = "inet") {
      const { stdout, stderr } = await user.run("swarm-tool", ["status", name, "--json"]);
      if (stdout === "") throw new Error(stderr);
      return (JSON.parse(stdout) as [AwsStatus])[0];
    },
    async bootManager(swarm = "inet") {
      const id = await managerOf(emulator, swarm);
      if (booted !== undefined && booted !== id) await manager.replace();
      booted = id;
      await manager.allow(await publicKeyOf(user, swarm));
      await emulator.clients.ssm.send(
        new PutParameterCommand({
          Name: `/swarm/${swarm}/host-key`,
          Value: `${id} ${manager.hostKey}`,
          Type: "String",
          Overwrite: true,
        }),
      );
      return id;
    },
    async [Symbol.asyncDispose]() {
      proxy.script = () => undefined;
      await user[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await manager[Symbol.asyncDispose]();
      await queue[Symbol.asyncDispose]();
    },
  };
}

/** Creates the policy that bounds the roles of machines, as an administrator of the account does beforehand. */
async function providePolicy({ clients }: Emulator): Promise<void> {
  const PolicyDocument = await policyFor(await whoAmI(clients));
  try {
    await clients.iam.send(new CreatePolicyCommand({ PolicyName: "inet-swarm", PolicyDocument }));
  } catch (error) {
    if (!/EntityAlreadyExists/.test(originalName(error) ?? "")) throw error;
  }
}

/** The id of the machine in the manager's group, if there is one. */
async function managerOf({ clients }: Emulator, swarm: string): Promise<string> {
  return await vi.waitUntil(
    async () => {
      const { AutoScalingGroups } = await clients.autoScaling.send(
        new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [`swarm-${swarm}-manager`] }),
      );
      return AutoScalingGroups?.[0]?.Instances?.[0]?.InstanceId;
    },
    { timeout: 60_000, interval: 200 },
  );
}

function publicKeyOf(user: User, swarm: string): Promise<string> {
  const folder = path.join(user.env["XDG_STATE_HOME"]!, "inet-swarm/swarms", swarm, "ssh");
  return readFile(path.join(folder, "id_ed25519.pub"), "utf8");
}
