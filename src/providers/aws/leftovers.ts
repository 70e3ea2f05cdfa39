import { DescribeAutoScalingGroupsCommand } from "@aws-sdk/client-auto-scaling";
import {
  DescribeKeyPairsCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  DescribeVpcsCommand,
} from "@aws-sdk/client-ec2";
import type { AwsClients } from "./clients.ts";
import { listMachines } from "./machines.ts";
import { TAG } from "./stack.ts";

type Clients = Pick<AwsClients, "ec2" | "autoScaling">;

/** Returns what AWS still has with the tag of a swarm: all that costs money, and the network. Form: `volume vol-0123`. */
export async function listLeftovers(clients: Clients, swarm: string): Promise<string[]> {
  const { ec2, autoScaling } = clients;
  const query = { Filters: [{ Name: `tag:${TAG}`, Values: [swarm] }] };
  const [machines, { Volumes }, { Snapshots }, { Vpcs }, { KeyPairs }, { AutoScalingGroups }] =
    await Promise.all([
      listMachines(clients, swarm),
      ec2.send(new DescribeVolumesCommand(query)),
      ec2.send(new DescribeSnapshotsCommand({ ...query, OwnerIds: ["self"] })),
      ec2.send(new DescribeVpcsCommand(query)),
      ec2.send(new DescribeKeyPairsCommand(query)),
      autoScaling.send(new DescribeAutoScalingGroupsCommand(query)),
    ]);
  const named = (kind: string, ids: readonly (string | undefined)[] | undefined): string[] =>
    (ids ?? []).map((id) => `${kind} ${id ?? "?"}`);
  return [
    ...named(
      "machine",
      machines.filter(({ state }) => state !== "shutting-down").map(({ id }) => id),
    ),
    ...named(
      "volume",
      Volumes?.filter(({ State }) => State !== "deleting").map(({ VolumeId }) => VolumeId),
    ),
    ...named(
      "snapshot",
      Snapshots?.map(({ SnapshotId }) => SnapshotId),
    ),
    ...named(
      "network",
      Vpcs?.map(({ VpcId }) => VpcId),
    ),
    ...named(
      "key pair",
      KeyPairs?.map(({ KeyName }) => KeyName),
    ),
    ...named(
      "auto scaling group",
      AutoScalingGroups?.map((group) => group.AutoScalingGroupName),
    ),
  ];
}
