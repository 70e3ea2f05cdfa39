import {
  DescribeAutoScalingGroupsCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from "@aws-sdk/client-auto-scaling";
import { CreateStackCommand } from "@aws-sdk/client-cloudformation";
import { DescribeVolumesCommand, DetachVolumeCommand, type Volume } from "@aws-sdk/client-ec2";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { mkdir, open, readFile } from "node:fs/promises";
import path from "node:path";
import { expect, vi } from "vitest";
import { installedFile } from "../../src/system/installation.ts";
import { serveAwsProgram } from "../helpers/aws-cli.ts";
import { REGION, startEmulator, type Emulator } from "../helpers/emulator.ts";
import { bootScript } from "../helpers/template.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";
import { startMetadata } from "./metadata.ts";
import { reachable } from "./systemd.ts";
import { createVirtualMachine, type VirtualMachine } from "./virtual-machine.ts";

/** The address at which test/helpers/aws-program.sh calls AWS. */
const AWS_CALLS = { host: "169.254.170.2", port: 80 };
const VOLUME_BYTES = 2 * 1024 ** 3;
const PARAMETERS = { KeyName: "swarm", SshCidr: "203.0.113.7/32", ClusterSize: "1" };
/** QEMU's own networks. That of a worker does not contain its manager, so that QEMU passes its connections on. */
const SUBNETS = { manager: "10.77.0", worker: "10.77.1" };
/** Longer than a boot takes without KVM. */
const BOOT = { timeout: 20 * 60_000, interval: 1000 };

type Role = "manager" | "worker";

/** A machine of a group. */
export interface Instance extends VirtualMachine {
  id: string;
  role: Role;
  address: string;
}

/** An Auto Scaling group: its size, and the ids of its machines. */
interface Group {
  size: number;
  ids: string[];
}

export const EMPTY: Group = { size: 0, ids: [] };

/** AWS's emulator with the stack of a swarm, whose machines are virtual ones. */
export interface Account extends AsyncDisposable {
  emulator: Emulator;
  /** The calls of the machines, as the arguments of AWS's command line. */
  calls: string[];
  /** Sees each call before the emulator does; what it throws is the call's error. */
  onCall: (call: string) => void;
  /** Starts the machine that a group contains. */
  launch(role: Role): Promise<Instance>;
  /** Terminates the manager, which no longer runs: its group contains another one, to be started, and the volume is free. */
  replace(managerId: string): Promise<void>;
  group(role: Role): Promise<Group>;
  /** The boot script of a machine. */
  userData(role: Role): Promise<string>;
  parameter(name: string): Promise<string>;
  /** Waits until the machine's boot script has ended without an error. */
  booted(instance: Instance): Promise<void>;
}

export async function startAccount(): Promise<Account> {
  const [emulator, metadata, folder] = await Promise.all([
    startEmulator(),
    startMetadata(),
    temporaryDirectory("swarm-boot-"),
  ]);
  const machines = new Map<string, Instance>();
  const file = path.join(folder.path, "volume");
  await using handle = await open(file, "w");
  await handle.truncate(VOLUME_BYTES);
  await createStack(emulator);
  const volumeId = (await dataVolume(emulator)).VolumeId!;
  const account: Account = {
    emulator,
    calls: [],
    onCall: () => undefined,
    async launch(role) {
      const [id = ""] = (await account.group(role)).ids;
      const place = path.join(folder.path, id);
      await mkdir(place);
      const mac = `02:00:00:00:00:${(16 + machines.size).toString(16)}`;
      const machine = await createVirtualMachine({
        ...{ id, folder: place, subnet: SUBNETS[role], mac },
        volume: role === "manager" ? { file, id: volumeId.replace("-", "") } : undefined,
      });
      const instance = Object.assign(machine, { id, role, address: `${SUBNETS[role]}.15` });
      machines.set(id, instance);
      metadata.machine = {
        ...{ id, address: instance.address, mac },
        userData: await account.userData(role),
        publicKey: await readFile(path.join(place, "key.pub"), "utf8"),
      };
      await instance.start();
      return instance;
    },
    replace: (managerId) => replace(emulator, managerId),
    group: (role) => describeGroup(emulator, role),
    userData: (role) => userData(role, volumeId),
    async parameter(name) {
      const query = { Name: `/swarm/inet/${name}`, WithDecryption: true };
      return (await emulator.clients.ssm.send(new GetParameterCommand(query))).Parameter!.Value!;
    },
    booted: (instance) => waitForBoot(account, instance),
    async [Symbol.asyncDispose]() {
      for (const machine of machines.values()) await machine.kill();
      for (const each of [program, metadata, emulator, folder]) await each[Symbol.asyncDispose]();
    },
  };
  const program = await serveAwsProgram(AWS_CALLS, emulator, {
    now: () => Date.now(),
    onAttached: (id) => machines.get(id)!.attach(),
    onCall: (args) => {
      const call = args.join(" ");
      account.calls.push(call);
      account.onCall(call);
    },
  });
  return account;
}

async function createStack({ clients }: Emulator): Promise<void> {
  await clients.cloudFormation.send(
    new CreateStackCommand({
      StackName: "swarm-inet",
      TemplateBody: await readFile(installedFile("cloudformation/swarm.yaml"), "utf8"),
      Parameters: Object.entries(PARAMETERS).map(([ParameterKey, ParameterValue]) => ({
        ParameterKey,
        ParameterValue,
      })),
      Capabilities: ["CAPABILITY_IAM"],
    }),
  );
}

function userData(role: Role, volumeId: string): Promise<string> {
  return bootScript(role === "manager" ? "Manager" : "Worker", {
    SwarmName: "inet",
    DataVolume: volumeId,
    "AWS::Region": REGION,
    IdleMinutes: "60",
    MaxHours: "24",
    WorkerMarket: "spot",
  });
}

async function dataVolume({ clients }: Emulator): Promise<Volume> {
  const query = { Filters: [{ Name: "tag:Name", Values: ["inet-data"] }] };
  return (await clients.ec2.send(new DescribeVolumesCommand(query))).Volumes![0]!;
}

async function describeGroup({ clients }: Emulator, role: Role): Promise<Group> {
  const query = { AutoScalingGroupNames: [`swarm-inet-${role}`] };
  const { AutoScalingGroups } = await clients.autoScaling.send(new DescribeAutoScalingGroupsCommand(query));
  const { DesiredCapacity, Instances = [] } = AutoScalingGroups![0]!;
  return { size: DesiredCapacity!, ids: Instances.map(({ InstanceId }) => InstanceId!) };
}

async function replace(emulator: Emulator, managerId: string): Promise<void> {
  const { autoScaling, ec2 } = emulator.clients;
  const machine = { InstanceId: managerId, ShouldDecrementDesiredCapacity: false };
  await autoScaling.send(new TerminateInstanceInAutoScalingGroupCommand(machine));
  const { VolumeId, Attachments = [] } = await dataVolume(emulator);
  // AWS detaches the volumes of a machine that it has terminated; the emulator may not.
  if (Attachments.length > 0) await ec2.send(new DetachVolumeCommand({ VolumeId: VolumeId! }));
}

async function waitForBoot(account: Account, instance: Instance): Promise<void> {
  try {
    if (instance.role === "manager") instance.hostKey = await hostKey(account, instance);
    else await reachable(instance);
    const status = await instance.root("cloud-init status --wait --long || true");
    const log = await instance.root("cat /var/log/cloud-init-output.log");
    expect(status, log).toMatch(/^status: done$/m);
  } catch (error) {
    console.error((await instance.console()).split("\n").slice(-60).join("\n"));
    throw error;
  }
}

/** Waits until the manager has published its host key; returns type and key. */
async function hostKey(account: Account, instance: Instance): Promise<string> {
  const [, ...key] = await vi.waitUntil(async () => {
    if (instance.process === undefined) throw new Error("the virtual machine has ended");
    const words = (await account.parameter("host-key")).split(" ");
    return words[0] === instance.id && words;
  }, BOOT);
  return key.join(" ");
}
