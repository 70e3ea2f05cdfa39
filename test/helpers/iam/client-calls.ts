import type { AwsCall } from "../aws-proxy.ts";
import { requestTags, type Call } from "./calls.ts";
import { arnOf, groupPlace, STACK_TAGS, type Resource } from "./swarm-account.ts";

type Parameters = AwsCall["parameters"];
type ClientCall = Partial<Pick<Call, "action" | "resources" | "context">>;

/** Returns what AWS checks for a recorded call of the tools. */
export function clientCalls({ action, parameters }: AwsCall): Call[] {
  const known = CALLS[action] ?? (READING.test(action) ? () => [{}] : undefined);
  if (known === undefined) throw new Error(`the tools are not known to call ${action}`);
  return known(parameters).map((call) => ({
    origin: `client: ${action}`,
    action,
    resources: [],
    context: {},
    ...call,
  }));
}

/** Calls that the policy allows without conditions and resources. */
const READING =
  /^(ec2|autoscaling):Describe|^ec2:GetEbs|^cloudwatch:(DescribeAlarms|GetMetricStatistics)$|^(sts|tag|pricing|servicequotas):Get|^cloudformation:ValidateTemplate$/;

const resource = (type: string, place: string, tags = {}): Resource => ({ type, arn: arnOf(place), tags });
const ours = (type: string, id: string | undefined): ClientCall[] => [
  { resources: [resource(type, `ec2:here:${type}/${id!}`, STACK_TAGS)] },
];
const stack = ({ StackName }: Parameters): ClientCall => {
  const given = StackName ?? "";
  // A stack that does not exist is asked for by its name.
  const arn = given.startsWith("arn:") ? given : arnOf(`cloudformation:here:stack/${given}/*`);
  return given === "" ? {} : { resources: [{ type: "stack", arn, tags: {} }] };
};
const group = ({ AutoScalingGroupName }: Parameters): ClientCall[] => [
  { resources: [resource("autoScalingGroup", groupPlace(AutoScalingGroupName!), STACK_TAGS)] },
];
const items = (parameters: Parameters, name: string): string[] =>
  Object.entries(parameters).flatMap(([key, value]) =>
    key === name || key.startsWith(`${name}.`) ? [value] : [],
  );
const alarms = (parameters: Parameters): ClientCall[] => [
  {
    resources: [...items(parameters, "AlarmNames"), ...items(parameters, "AlarmName")].map((name) =>
      resource("alarm", `cloudwatch:here:alarm:${name}`),
    ),
  },
];
const parameters = (given: Parameters): ClientCall[] => [
  {
    resources: [...items(given, "Names"), ...items(given, "Name")].map((name) =>
      resource("parameter", `ssm:here:parameter${name}`),
    ),
  },
];
const policy = ({ PolicyArn }: Parameters): ClientCall[] => [
  { resources: [{ type: "policy", arn: PolicyArn!, tags: {} }] },
];

const CALLS: Record<string, (parameters: Parameters) => ClientCall[]> = {
  "cloudformation:UpdateStack": (parameters) => [stack(parameters)],
  "cloudformation:CreateStack": (given) => [{ ...stack(given), context: requestTags(tagsIn(given, "Tags")) }],
  "cloudformation:DeleteStack": (given) => [stack(given)],
  "cloudformation:DescribeStacks": (given) => [stack(given)],
  "cloudformation:DescribeStackEvents": (given) => [stack(given)],
  "ec2:ImportKeyPair": (given) => {
    const resources = [resource("key-pair", `ec2:here:key-pair/${given["KeyName"]!}`)];
    const context = requestTags(tagsIn(given, "TagSpecification.1.Tag"));
    return [
      { resources, context },
      { action: "ec2:CreateTags", resources, context: { ...context, "ec2:CreateAction": "ImportKeyPair" } },
    ];
  },
  "ec2:DeleteKeyPair": ({ KeyName }) => ours("key-pair", KeyName),
  "ec2:AuthorizeSecurityGroupIngress": ({ GroupId }) => ours("security-group", GroupId),
  "ec2:GetConsoleOutput": ({ InstanceId }) => ours("instance", InstanceId),
  "ec2:CreateVpc": () => [{ resources: [resource("vpc", "ec2:here:vpc/*")] }],
  "autoscaling:SetDesiredCapacity": group,
  "autoscaling:PutScheduledUpdateGroupAction": group,
  "autoscaling:DeleteScheduledAction": group,
  "cloudwatch:EnableAlarmActions": alarms,
  "cloudwatch:SetAlarmState": alarms,
  "cloudwatch:PutMetricData": ({ Namespace }) => [{ context: { "cloudwatch:namespace": Namespace! } }],
  "ssm:GetParameter": parameters,
  "ssm:GetParameters": parameters,
  "ssm:DeleteParameter": parameters,
  "iam:GetPolicy": policy,
  "iam:GetPolicyVersion": policy,
  "iam:CreateServiceLinkedRole": ({ AWSServiceName }) => [
    {
      resources: [resource("role", `iam::role/aws-service-role/${AWSServiceName!}/AWSServiceRoleFor`)],
      context: { "iam:AWSServiceName": AWSServiceName! },
    },
  ],
};

/** Returns the tags of a request: `Tags.1.Key`, `Tags.1.Value`, … */
function tagsIn(given: Parameters, name: string): Record<string, string> {
  const tags = Object.entries(given).flatMap(([key, value]) => {
    const index = new RegExp(`^${name}\\.(\\d+)\\.Key$`).exec(key)?.[1];
    return index === undefined ? [] : [[value, given[`${name}.${index}.Value`]!]];
  });
  return Object.fromEntries(tags) as Record<string, string>;
}
