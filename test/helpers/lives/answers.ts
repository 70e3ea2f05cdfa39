import type { Account, Instance, Role, Thing } from "./account.ts";
import { BUSY } from "./account.ts";
import { dateOf, named, START_MS } from "./fake-clients.ts";

/** The parameters of requests that the model uses. */
export interface Input {
  AutoScalingGroupName?: string;
  ScheduledActionName?: string;
  DesiredCapacity?: number;
  StartTime?: Date;
  AlarmNames?: string[];
  AlarmName?: string;
  StateValue?: string;
  KeyName?: string;
  Name?: string;
  Names?: string[];
  MetricData?: { Value: number }[];
  Parameters?: { ParameterKey: string; ParameterValue: string }[];
}

type Answer = (account: Account, input: Input, swarm: string) => object;

const ROLES = ["manager", "worker"] as const;
const tags = (swarm: string, role: string) => [
  { Key: "swarm-tool", Value: swarm },
  { Key: "Name", Value: `${swarm}-${role}` },
];
const things = (account: Account, kind: Thing["kind"]): string[] =>
  account.things.filter((each) => each.kind === kind).map(({ id }) => id);
const roleOf = (account: Account, name: string | undefined): Role => {
  const role = ROLES.find((each) => account.groups?.[each].name === name);
  if (role === undefined) throw named("ValidationError", "AutoScalingGroup name not found");
  return role;
};

/** What AWS answers to the requests of the tools, by the names of the actions. */
export const ANSWERS: Record<string, Answer> = {
  DescribeStacks: ({ stack }, _, swarm) => {
    if (stack === undefined) throw named("ValidationError", `Stack with id swarm-${swarm} does not exist`);
    const id = `arn:aws:cloudformation:eu-central-1:1:stack/swarm-${swarm}/x`;
    return {
      Stacks: [{ StackId: id, StackStatus: stack.status, Tags: tags(swarm, ""), CreationTime: dateOf(0) }],
    };
  },
  DescribeStackEvents: ({ stack, minute }) => ({
    StackEvents: stack?.status.endsWith("_FAILED")
      ? [
          {
            EventId: "1",
            LogicalResourceId: "Vpc",
            ResourceType: "AWS::EC2::VPC",
            ResourceStatus: stack.status,
            Timestamp: dateOf(minute),
          },
        ]
      : [],
  }),
  DescribeKeyPairs: (account) => ({
    KeyPairs: things(account, "key pair").map((KeyName) => ({ KeyName, Tags: [{ Key: "swarm-tool" }] })),
  }),
  ImportKeyPair: (account, { KeyName }) => {
    account.things.push({ kind: "key pair", id: KeyName! });
    return {};
  },
  DeleteKeyPair: (account, { KeyName }) => remove(account, "key pair", KeyName!),
  DescribeAutoScalingGroups: ({ groups }, _, swarm) => ({
    AutoScalingGroups: ROLES.flatMap((role) => {
      const group = groups?.[role];
      const Instances = group?.instances.map(({ id }) => ({ InstanceId: id, LifecycleState: "InService" }));
      const EnabledMetrics = [{ Metric: "GroupInServiceInstances" }];
      return group === undefined
        ? []
        : [
            {
              AutoScalingGroupName: group.name,
              DesiredCapacity: group.desired,
              Instances,
              EnabledMetrics,
              Tags: tags(swarm, role),
            },
          ];
    }),
  }),
  SetDesiredCapacity: (account, { AutoScalingGroupName, DesiredCapacity }) => {
    account.setDesired(roleOf(account, AutoScalingGroupName), DesiredCapacity!);
    if (DesiredCapacity! > 0) account.lastWord = account.minute;
    return {};
  },
  DescribeScheduledActions: ({ scheduled }, { AutoScalingGroupName: wanted }) => ({
    ScheduledUpdateGroupActions: Object.entries(scheduled)
      .filter(([name]) => wanted === undefined || name === wanted)
      .flatMap(([AutoScalingGroupName, actions]) =>
        Object.entries(actions).map(([ScheduledActionName, minute]) => ({
          AutoScalingGroupName,
          ScheduledActionName,
          StartTime: dateOf(minute),
          DesiredCapacity: 0,
        })),
      ),
  }),
  PutScheduledUpdateGroupAction: (account, { AutoScalingGroupName, ScheduledActionName, StartTime }) => {
    const minute = Math.ceil((StartTime!.getTime() - START_MS) / 60_000);
    if (minute <= account.minute) throw named("ValidationError", "Given start time is in the past");
    roleOf(account, AutoScalingGroupName);
    account.lastWord = account.minute;
    (account.scheduled[AutoScalingGroupName!] ??= {})[ScheduledActionName!] = minute;
    return {};
  },
  DeleteScheduledAction: ({ scheduled }, { AutoScalingGroupName, ScheduledActionName }) => {
    const actions = scheduled[AutoScalingGroupName!] ?? {};
    if (!(ScheduledActionName! in actions)) throw named("ValidationError", "Scheduled action not found");
    Reflect.deleteProperty(actions, ScheduledActionName!);
    return {};
  },
  DescribeScalingActivities: () => ({ Activities: [] }),
  DescribeAlarms: ({ alarms }, _, swarm) => ({
    MetricAlarms: Object.entries(alarms).map(([AlarmName, { state, enabled }]) => ({
      AlarmName,
      StateValue: state,
      ActionsEnabled: enabled,
      AlarmActions: [
        `arn:aws:autoscaling:eu-central-1:1:scalingPolicy:1:autoScalingGroupName/swarm-${swarm}-manager:policyName/p`,
      ],
    })),
  }),
  EnableAlarmActions: ({ alarms }, { AlarmNames }) => {
    for (const name of AlarmNames!) alarms[name]!.enabled = true;
    return {};
  },
  SetAlarmState: ({ alarms }, { AlarmName, StateValue }) => {
    alarms[AlarmName!]!.state = StateValue!;
    return {};
  },
  PutMetricData: (account, { MetricData }) => {
    account.publish(BUSY, MetricData![0]!.Value);
    account.lastActivity = account.minute;
    return {};
  },
  GetMetricStatistics: (account) => {
    const last = account.lastReport();
    const isRecent = last !== undefined && last.minute > account.minute - 15;
    return { Datapoints: isRecent ? [{ Timestamp: dateOf(last.minute), Maximum: last.value }] : [] };
  },
  DescribeInstances: (account, _, swarm) => ({
    Reservations: [{ Instances: account.running.map((each) => instance(each, swarm)) }],
  }),
  GetConsoleOutput: () => ({}),
  DescribeVolumes: (account) => ({
    Volumes: things(account, "volume").map((VolumeId) => ({
      VolumeId,
      State: "available",
      Size: 50,
      CreateTime: dateOf(0),
    })),
  }),
  DescribeSnapshots: (account) => ({
    Snapshots: things(account, "snapshot").map((SnapshotId) => ({ SnapshotId })),
  }),
  DescribeVpcs: (account) => ({ Vpcs: things(account, "network").map((VpcId) => ({ VpcId })) }),
  DescribeAddresses: (account) => ({
    Addresses: things(account, "address").map((PublicIp) => ({ PublicIp })),
  }),
  DescribeLaunchTemplates: (account) => ({
    LaunchTemplates: things(account, "launch template").map((id) => ({ LaunchTemplateName: id })),
  }),
  GetParameter: (account, { Name }) => {
    if (!things(account, "parameter").includes(Name!)) throw named("ParameterNotFound", "no such parameter");
    return { Parameter: { Value: "none" } };
  },
  GetParameters: (account, { Names }) => ({
    Parameters: things(account, "parameter")
      .filter((id) => Names!.includes(id))
      .map((Name) => ({ Name })),
  }),
  DeleteParameter: (account, { Name }) => remove(account, "parameter", Name!),
  GetResources: () => ({ ResourceTagMappingList: [] }),
  CreateStack: (account, { Parameters }, swarm) => {
    const given = Object.fromEntries(
      Parameters!.map(({ ParameterKey, ParameterValue }) => [ParameterKey, ParameterValue]),
    );
    account.createStack(
      swarm,
      Number(given["ClusterSize"]),
      (Date.parse(given["EndsAt"]!) - START_MS) / 60_000,
    );
    return { StackId: `arn:aws:cloudformation:eu-central-1:1:stack/swarm-${swarm}/x` };
  },
  DeleteStack: (account) => {
    account.deleteStack();
    return {};
  },
};

function remove(account: Account, kind: Thing["kind"], id: string): object {
  account.things = account.things.filter((each) => each.kind !== kind || each.id !== id);
  return {};
}

function instance({ id, role, launched }: Instance, swarm: string): object {
  const type = role === "manager" ? "t3.large" : "c6i.large";
  return {
    InstanceId: id,
    InstanceType: type,
    State: { Name: "running" },
    Tags: tags(swarm, role),
    LaunchTime: dateOf(launched),
  };
}
