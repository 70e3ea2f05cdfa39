import { DescribeInstancesCommand, DescribeVolumesCommand, type Instance } from "@aws-sdk/client-ec2";
import type { AwsClients } from "./clients.ts";
import { options, TAG } from "./stack.ts";

type Ec2 = Pick<AwsClients, "ec2">;

export interface Machine {
  id: string;
  role: "manager" | "worker" | "other";
  type: string;
  state: string;
  /** Public IP address; undefined if it has none yet. */
  address: string | undefined;
  launched: Date;
  spot: boolean;
}

export interface DataVolume {
  id: string;
  state: string;
  sizeGiB: number;
  created: Date;
}

/** The states in which AWS charges for a machine, or may charge again. */
export const CHARGED_STATES = ["pending", "running", "stopping", "stopped", "shutting-down"];

/** Returns the machines of a swarm that are not terminated, the manager first. */
export async function listMachines({ ec2 }: Ec2, swarm: string, signal?: AbortSignal): Promise<Machine[]> {
  const { Reservations } = await ec2.send(
    new DescribeInstancesCommand({
      Filters: [
        { Name: `tag:${TAG}`, Values: [swarm] },
        { Name: "instance-state-name", Values: CHARGED_STATES },
      ],
    }),
    options(signal),
  );
  const machines = (Reservations ?? []).flatMap(({ Instances }) => Instances ?? []).map(machineOf);
  return machines.sort((a, b) => a.role.localeCompare(b.role) || a.id.localeCompare(b.id));
}

export function machineOf(instance: Instance): Machine {
  const name = instance.Tags?.find(({ Key }) => Key === "Name")?.Value?.toLowerCase() ?? "";
  return {
    id: instance.InstanceId ?? "?",
    role: name.endsWith("-manager") ? "manager" : name.endsWith("-worker") ? "worker" : "other",
    type: instance.InstanceType ?? "?",
    state: instance.State?.Name ?? "?",
    address: instance.PublicIpAddress,
    launched: instance.LaunchTime ?? new Date(),
    spot: instance.InstanceLifecycle === "spot",
  };
}

/** Returns the data volumes of a swarm, which persist without its machines. */
export async function listVolumes({ ec2 }: Ec2, swarm: string, signal?: AbortSignal): Promise<DataVolume[]> {
  const { Volumes } = await ec2.send(
    new DescribeVolumesCommand({
      Filters: [
        { Name: `tag:${TAG}`, Values: [swarm] },
        { Name: "tag:Name", Values: [`${swarm}-data`] },
      ],
    }),
    options(signal),
  );
  return (Volumes ?? []).map((volume) => ({
    id: volume.VolumeId ?? "?",
    state: volume.State ?? "?",
    sizeGiB: volume.Size ?? 0,
    created: volume.CreateTime ?? new Date(),
  }));
}

/** Returns whether a machine is running or starting. */
export function isRunning({ state }: Machine): boolean {
  return state === "running" || state === "pending";
}
