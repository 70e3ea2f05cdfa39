import {
  DescribeAutoScalingGroupsCommand,
  DescribeScalingActivitiesCommand,
  SetDesiredCapacityCommand,
  type AutoScalingGroup,
} from "@aws-sdk/client-auto-scaling";
import type { AwsClients } from "./clients.ts";
import { LaunchFailure } from "./launch-failures.ts";
import { options, TAG } from "./stack.ts";

type Scaling = Pick<AwsClients, "autoScaling">;

/** The two Auto Scaling groups of a swarm. */
export interface Groups {
  manager: Group;
  worker: Group;
}

interface Group {
  name: string;
  desired: number;
  /** IDs of its machines, including those that are starting or terminating. */
  instances: string[];
  inService: number;
  /** Whether CloudWatch records the number of its machines. */
  isMeasured: boolean;
}

/**
 * Returns the groups of a swarm. They are found by our tag, which CloudFormation copies from the stack to its resources,
 * and by their Name tags, `<swarm>-manager` and `<swarm>-worker`, ignoring case. User templates may use the stack's name
 * instead of the swarm's.
 * @returns undefined if there are none, because the stack is not complete or was removed.
 */
export async function findGroups(
  { autoScaling }: Scaling,
  stack: string,
  swarm: string,
  signal?: AbortSignal,
): Promise<Groups | undefined> {
  const { AutoScalingGroups } = await autoScaling.send(
    new DescribeAutoScalingGroupsCommand({
      Filters: [{ Name: `tag:${TAG}`, Values: [swarm] }],
    }),
    options(signal),
  );
  const find = (role: string): Group | undefined => {
    const wanted = [`${swarm}-${role}`, `${stack}-${role}`].map((name) => name.toLowerCase());
    const group = AutoScalingGroups?.find(({ Tags }) =>
      Tags?.some(({ Key, Value }) => Key === "Name" && wanted.includes(Value?.toLowerCase() ?? "")),
    );
    return group && describeGroup(group);
  };
  const [manager, worker] = [find("manager"), find("worker")];
  return manager && worker && { manager, worker };
}

function describeGroup(group: AutoScalingGroup): Group {
  const instances = group.Instances ?? [];
  return {
    name: group.AutoScalingGroupName!,
    desired: group.DesiredCapacity ?? 0,
    instances: instances.flatMap(({ InstanceId }) => InstanceId ?? []),
    inService: instances.filter(({ LifecycleState }) => LifecycleState === "InService").length,
    isMeasured: group.EnabledMetrics?.some(({ Metric }) => Metric === "GroupInServiceInstances") ?? false,
  };
}

/** Sets the desired number of machines in a group. */
export async function setDesired({ autoScaling }: Scaling, group: string, desired: number): Promise<void> {
  await autoScaling.send(
    new SetDesiredCapacityCommand({
      AutoScalingGroupName: group,
      DesiredCapacity: desired,
      HonorCooldown: false,
    }),
  );
}

/**
 * Returns why a group has failed to start machines since a time: quotas, capacity of the zone, limits of the account.
 * Returns undefined if nothing failed.
 * @param since returns the time by the clock of AWS; called when AWS has answered, so that its clock is known.
 */
export async function launchFailure(
  { autoScaling }: Scaling,
  group: string,
  since: () => Date,
  signal?: AbortSignal,
): Promise<LaunchFailure | undefined> {
  const { Activities } = await autoScaling.send(
    new DescribeScalingActivitiesCommand({ AutoScalingGroupName: group, MaxRecords: 10 }),
    options(signal),
  );
  const from = since();
  const failed = Activities?.find(
    ({ StatusCode, StartTime }) => StatusCode === "Failed" && StartTime !== undefined && StartTime >= from,
  );
  if (failed === undefined) return undefined;
  return new LaunchFailure(group, failed.StatusMessage ?? "no reason given");
}
