import { DescribeAutoScalingGroupsCommand } from "@aws-sdk/client-auto-scaling";
import { DescribeTagsCommand } from "@aws-sdk/client-ec2";
import type { AwsClients } from "./clients.ts";
import { listMachines } from "./machines.ts";
import { TAG } from "./stack.ts";

type Clients = Pick<AwsClients, "ec2" | "autoScaling">;

/** What AWS still has under the tag of a swarm, as `volume vol-0123`. Machines that have ended keep their tags for an hour. */
export async function listLeftovers(clients: Clients, swarm: string): Promise<string[]> {
  const filter = { Name: `tag:${TAG}`, Values: [swarm] };
  const [{ Tags }, living, { AutoScalingGroups }] = await Promise.all([
    clients.ec2.send(
      new DescribeTagsCommand({
        Filters: [
          { Name: "key", Values: [TAG] },
          { Name: "value", Values: [swarm] },
        ],
      }),
    ),
    listMachines(clients, swarm),
    clients.autoScaling.send(new DescribeAutoScalingGroupsCommand({ Filters: [filter] })),
  ]);
  const resources = (Tags ?? [])
    .filter(
      ({ ResourceType, ResourceId }) =>
        ResourceType !== "instance" || living.some(({ id }) => id === ResourceId),
    )
    .map(({ ResourceType, ResourceId }) => `${ResourceType ?? "?"} ${ResourceId ?? "?"}`);
  const groups = (AutoScalingGroups ?? []).map(
    ({ AutoScalingGroupName }) => `auto-scaling-group ${AutoScalingGroupName ?? "?"}`,
  );
  return [...resources, ...groups].sort();
}
