import { policyFor } from "../../../src/providers/aws/account.ts";
import { referencesIn, readSwarmTemplate, Resolver, type Template } from "../resolved-template.ts";
import { VALUES } from "../template.ts";
import type { Principal } from "./evaluate.ts";
import type { PolicyDocument } from "./policy.ts";

export const ACCOUNT = "123456789012";
export const SWARM = VALUES.SwarmName;
const REGION = VALUES["AWS::Region"];

/** A resource as IAM sees it. */
export interface Resource {
  /** Its type in the Service Authorization Reference. */
  type: string;
  arn: string;
  tags: Readonly<Record<string, string>>;
}

/** A swarm's template with values, and what follows from it for IAM. */
export interface SwarmAccount {
  template: Template;
  resolver: Resolver;
  /** The resources of the stack that IAM knows, by their names in the template. */
  resources: Record<string, Resource>;
  user: Principal;
  roles: Record<"Manager" | "Worker", Principal>;
}

/** Returns an account with the user of the documentation and a swarm that has each conditional resource. */
export async function swarmAccount(): Promise<SwarmAccount> {
  const template = await readSwarmTemplate();
  const resolver = new Resolver(template, {
    ...VALUES,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    KeyName: `swarm-${SWARM}`,
    SshCidr: "203.0.113.7/32",
    EndsAt: "2026-01-31T18:00:00Z",
  });
  const policy = JSON.parse(await policyFor({ id: ACCOUNT, user: "arn:aws:iam" })) as PolicyDocument;
  const role = (name: "Manager" | "Worker"): Principal => {
    const { Policies } = resolver.resolve(template.Resources[`${name}Role`]!.Properties) as {
      Policies: { PolicyDocument: PolicyDocument }[];
    };
    return {
      name: `${name}Role`,
      policies: Policies.map(({ PolicyDocument }) => PolicyDocument),
      boundary: policy,
    };
  };
  const resources = Object.entries(template.Resources).flatMap(([name, { Type, Properties }]) => {
    const properties = resolver.resolve(Properties) as Properties;
    const [type, place] = KINDS[Type]?.(properties, name) ?? [];
    return type === undefined ? [] : [[name, { type, arn: arnOf(place!), tags: tagsOf(properties) }]];
  });
  return {
    template,
    resolver,
    resources: Object.fromEntries(resources) as Record<string, Resource>,
    user: { name: "the user", policies: [policy] },
    roles: { Manager: role("Manager"), Worker: role("Worker") },
  };
}

interface Tag {
  Key: string;
  Value: string;
}
type Properties = Record<string, string> & { Tags?: Tag[]; TagSpecifications?: { Tags: Tag[] }[] };

const ec2 =
  (type: string) =>
  (_: Properties, name: string): [string, string] => [type, `ec2:here:${type}/${name}`];
const iam =
  (type: string) =>
  ({ Path }: Properties, name: string): [string, string] => [
    type,
    `iam::${type}${Path!}swarm-${SWARM}-${name}-1A2B`,
  ];
/** The type and the ARN of the resources that CloudFormation creates; others are parts of one of these. */
const KINDS: Record<string, (properties: Properties, name: string) => [string, string]> = {
  "AWS::EC2::VPC": ec2("vpc"),
  "AWS::EC2::InternetGateway": ec2("internet-gateway"),
  "AWS::EC2::Subnet": ec2("subnet"),
  "AWS::EC2::RouteTable": ec2("route-table"),
  "AWS::EC2::SecurityGroup": ec2("security-group"),
  "AWS::EC2::Volume": ec2("volume"),
  "AWS::EC2::LaunchTemplate": ec2("launch-template"),
  "AWS::SSM::Parameter": ({ Name }) => ["parameter", `ssm:here:parameter${Name!}`],
  "AWS::IAM::Role": iam("role"),
  "AWS::IAM::InstanceProfile": iam("instance-profile"),
  "AWS::CloudWatch::Alarm": ({ AlarmName }) => ["alarm", `cloudwatch:here:alarm:${AlarmName!}`],
  "AWS::AutoScaling::AutoScalingGroup": ({ AutoScalingGroupName }) => [
    "autoScalingGroup",
    groupPlace(AutoScalingGroupName!),
  ],
};

export const groupPlace = (name: string): string =>
  `autoscaling:here:autoScalingGroup:1-2-3:autoScalingGroupName/${name}`;

/** Returns an ARN in the test's account. @param place such as `ec2:here:vpc/vpc-1`, or `iam::role/x`. */
export function arnOf(place: string): string {
  const [service = "", region = "", ...rest] = place.split(":");
  return `arn:aws:${service}:${region === "here" ? REGION : region}:${ACCOUNT}:${rest.join(":")}`;
}

/** CloudFormation adds the stack's tag to each resource. */
function tagsOf({ Tags, TagSpecifications }: Properties): Record<string, string> {
  const tags = [...(Tags ?? []), ...(TagSpecifications ?? []).flatMap((each) => each.Tags)];
  return { ...STACK_TAGS, ...Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value])) };
}
export const STACK_TAGS = { "swarm-tool": SWARM };

/** Returns the resources to which a resource refers, and those to which these refer. */
export function involvedIn({ template }: SwarmAccount, name: string): string[] {
  const all = new Set<string>([name]);
  for (const each of all)
    for (const other of referencesIn(template, template.Resources[each]!.Properties)) all.add(other);
  return [...all];
}
