import { DescribeAutoScalingGroupsCommand } from "@aws-sdk/client-auto-scaling";
import {
  DescribeAddressesCommand,
  DescribeKeyPairsCommand,
  DescribeLaunchTemplatesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  DescribeVpcsCommand,
} from "@aws-sdk/client-ec2";
import { GetResourcesCommand } from "@aws-sdk/client-resource-groups-tagging-api";
import { listAlarms } from "./alarms.ts";
import { originalName } from "./aws-errors.ts";
import type { AwsClients } from "./clients.ts";
import { listMachines } from "./machines.ts";
import { publishedParameters } from "./parameters.ts";
import { TAG } from "./stack.ts";
import { stackName } from "./swarm.ts";

type Clients = Pick<AwsClients, "ec2" | "autoScaling" | "cloudWatch" | "ssm">;

/**
 * Returns what AWS still has of a swarm, by its tag or its name: all that costs money, and the network. Form:
 * `volume vol-0123`. Scheduled actions and scaling policies do not outlive their groups.
 */
export async function listLeftovers(clients: Clients, swarm: string): Promise<string[]> {
  const { ec2, autoScaling } = clients;
  const query = { Filters: [{ Name: `tag:${TAG}`, Values: [swarm] }] };
  const kinds: Record<string, Promise<readonly (string | undefined)[]>> = {
    machine: listMachines(clients, swarm).then((machines) =>
      machines.filter(({ state }) => state !== "shutting-down").map(({ id }) => id),
    ),
    volume: ec2
      .send(new DescribeVolumesCommand(query))
      .then(({ Volumes = [] }) =>
        Volumes.filter(({ State }) => State !== "deleting").map(({ VolumeId }) => VolumeId),
      ),
    snapshot: ec2
      .send(new DescribeSnapshotsCommand({ ...query, OwnerIds: ["self"] }))
      .then(({ Snapshots = [] }) => Snapshots.map(({ SnapshotId }) => SnapshotId)),
    network: ec2.send(new DescribeVpcsCommand(query)).then(({ Vpcs = [] }) => Vpcs.map(({ VpcId }) => VpcId)),
    "key pair": ec2
      .send(new DescribeKeyPairsCommand(query))
      .then(({ KeyPairs = [] }) => KeyPairs.map(({ KeyName }) => KeyName)),
    address: ec2
      .send(new DescribeAddressesCommand(query))
      .then(({ Addresses = [] }) => Addresses.map(({ PublicIp }) => PublicIp)),
    "launch template": ec2
      .send(new DescribeLaunchTemplatesCommand(query))
      .then(({ LaunchTemplates = [] }) => LaunchTemplates.map((template) => template.LaunchTemplateName)),
    "auto scaling group": autoScaling
      .send(new DescribeAutoScalingGroupsCommand(query))
      .then(({ AutoScalingGroups = [] }) => AutoScalingGroups.map((group) => group.AutoScalingGroupName)),
    alarm: listAlarms(clients, stackName(swarm)).then((alarms) => alarms.map(({ name }) => name)),
    parameter: publishedParameters(clients, swarm),
  };
  const found = await Promise.all(
    Object.entries(kinds).map(async ([kind, ids]) => (await ids).map((id) => `${kind} ${id ?? "?"}`)),
  );
  return found.flat();
}

/** Kinds of resources that `listLeftovers` finds, and those that cannot exist without their network. */
const KNOWN =
  /^arn:[^:]*:(?:ec2:.*:(?:instance|volume|snapshot|vpc|key-pair|elastic-ip|launch-template|subnet|security-group|security-group-rule|route-table|internet-gateway)\/|autoscaling:|cloudwatch:.*:alarm:|ssm:.*:parameter\/)/;

/**
 * Returns the ARNs of other resources that AWS lists with the tag of a swarm. The list follows deletions by minutes.
 * @returns undefined without permission to read it.
 * @see Resource Groups Tagging API Reference, GetResources.
 */
export async function otherTagged(
  { tagging }: Pick<AwsClients, "tagging">,
  swarm: string,
): Promise<string[] | undefined> {
  const arns: string[] = [];
  const TagFilters = [{ Key: TAG, Values: [swarm] }];
  try {
    for (let PaginationToken: string | undefined; ;) {
      const query = { TagFilters, ...(PaginationToken && { PaginationToken }) };
      const answer = await tagging.send(new GetResourcesCommand(query));
      arns.push(...(answer.ResourceTagMappingList ?? []).flatMap(({ ResourceARN }) => ResourceARN ?? []));
      PaginationToken = answer.PaginationToken || undefined;
      if (PaginationToken === undefined) return arns.filter((arn) => !KNOWN.test(arn));
    }
  } catch (error) {
    if (/AccessDenied|Unauthorized/.test(originalName(error) ?? "")) return undefined;
    throw error;
  }
}
