import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { privilegeOf, sitePackage, type AuthorizationReference } from "./authorization-reference.ts";
import { requestTags, type Call } from "./calls.ts";
import { arnOf, involvedIn, STACK_TAGS, type Resource, type SwarmAccount } from "./swarm-account.ts";

/** When resources get their tags: in the request that creates them, or in one of its own afterwards. */
export type Tagging = "at creation" | "afterwards";

type Phase = "create" | "delete" | "read" | "update";
/** What cannot be updated has no handler for it. */
type Handlers = Record<Exclude<Phase, "update">, { permissions: string[] }> &
  Partial<Record<"update", { permissions: string[] }>>;

/** What the handlers need to change a swarm's machines: the rest is for tags and for properties that do not change. */
const UPDATES: Record<string, string[]> = {
  "AWS::EC2::LaunchTemplate": ["ec2:CreateLaunchTemplateVersion"],
  "AWS::EC2::Volume": ["ec2:ModifyVolume", "ec2:DescribeVolumesModifications"],
  "AWS::AutoScaling::AutoScalingGroup": [
    ...["autoscaling:UpdateAutoScalingGroup", "autoscaling:Describe*", "ec2:RunInstances", "iam:PassRole"],
  ],
  "AWS::CloudWatch::Alarm": ["cloudwatch:PutMetricAlarm"],
};

/**
 * Rights that CloudFormation's handlers of our resource types need only for properties that the template does not use,
 * with the reason; the key may begin with a type.
 */
export const NOT_NEEDED: Record<string, string> = {
  "ec2:CopyVolumes": "the volume is not a copy",
  "ec2:ModifyVolumeAttribute": "only for AutoEnableIO",
  "kms:CreateGrant": "the volume has AWS's own key, which all of the account may use",
  "kms:GenerateDataKeyWithoutPlaintext": "the same",
  "kms:ReEncryptFrom": "the same",
  "kms:ReEncryptTo": "the same",
  "ec2:CreateSnapshot": "the volume is deleted without a snapshot",
  "ec2:CreateVpcEncryptionControl": "the network has no VpcEncryptionControl",
  "ec2:AttachVpnGateway": "there is no VPN",
  "ec2:DetachVpnGateway": "there is no VPN",
  "ec2:ReplaceRouteTableAssociation": "the association is new",
  "iam:AttachRolePolicy": "the roles have only policies of their own",
  "iam:DetachRolePolicy": "the roles have only policies of their own",
  "cloudwatch:GetMetricData": "only for predictive scaling",
  "AWS::AutoScaling::AutoScalingGroup cloudwatch:PutMetricAlarm": "alarms are resources of their own",
  "AWS::AutoScaling::AutoScalingGroup autoscaling:PutNotificationConfiguration": "there are no notifications",
  "autoscaling:SuspendProcesses": "no process is suspended",
  "ec2:Get*": "only for groups that choose instance types by requirements",
  "ssm:Get*": "the launch templates have the id of an image",
  "elasticloadbalancing:Describe*": "there is no load balancer",
  "managed-fleets:Get*": "the groups are not fleets",
  "managed-fleets:CreateAutoScalingGroup": "the groups are not fleets",
  "managed-fleets:UpdateAutoScalingGroup": "the groups are not fleets",
  "managed-fleets:DeleteAutoScalingGroup": "the groups are not fleets",
  "vpc-lattice:DeregisterTargets": "there are no target groups",
  "vpc-lattice:GetTargetGroup": "there are no target groups",
  "vpc-lattice:ListTargets": "there are no target groups",
  "vpc-lattice:RegisterTargets": "there are no target groups",
};

const VIA = { "aws:CalledVia": ["cloudformation.amazonaws.com"] };

/** The schemas are many megabytes, so what was found in them is kept. */
const handlersFound: Record<string, Handlers> = {};

/** Returns the handlers of resource types, which cfn-lint contains. @see CloudFormation CLI User Guide, "handlers". */
export function resourceHandlers(types: readonly string[]): Record<string, Handlers> {
  const folder = sitePackage("cfnlint/data/schemas/resources");
  const found = handlersFound;
  if (types.every((type) => type in found)) return found;
  for (const file of readdirSync(folder)) {
    const text = readFileSync(path.join(folder, file), "utf8");
    if (!types.some((type) => text.includes(`"${type}"`))) continue;
    const { typeName, handlers } = JSON.parse(text) as { typeName: string; handlers: Handlers };
    if (types.includes(typeName)) found[typeName] ??= handlers;
  }
  return found;
}

/** Returns the calls with the user's rights by which CloudFormation creates, updates and deletes the stack. */
export function stackCalls(
  account: SwarmAccount,
  reference: AuthorizationReference,
  tagging: Tagging,
): Call[] {
  const { Resources } = account.template;
  const handlers = resourceHandlers([...new Set(Object.values(Resources).map(({ Type }) => Type))]);
  const ofHandlers = Object.keys(Resources).flatMap((name) => {
    const { Type } = Resources[name]!;
    const handler = handlers[Type];
    if (handler === undefined) throw new Error(`cfn-lint does not know how CloudFormation creates ${Type}`);
    const isNew = !Type.includes("Scaling") || Type.endsWith("Group");
    const calls = (phase: Phase): Call[] =>
      (handler[phase]?.permissions ?? [])
        .filter((action) => phase !== "update" || UPDATES[Type]?.includes(action))
        .filter((action) => !(action in NOT_NEEDED) && !(`${Type} ${action}` in NOT_NEEDED))
        .map((action) =>
          callOf({ account, reference, name, action, phase, tagging: isNew ? tagging : undefined }),
        );
    return [...calls("create"), ...calls("read"), ...calls("update"), ...calls("delete")];
  });
  const image = {
    type: "parameter",
    arn: arnOf("ssm:here:parameter/x").replace(/:\d+:.*/, "::parameter/aws/service/x"),
    tags: {},
  };
  const readImage = {
    origin: "the parameter ImageId",
    action: "ssm:GetParameters",
    resources: [image],
    context: VIA,
  };
  return [...ofHandlers, readImage];
}

interface Step {
  account: SwarmAccount;
  reference: AuthorizationReference;
  name: string;
  action: string;
  phase: Phase;
  tagging: Tagging | undefined;
}

function callOf(step: Step): Call {
  const { account, reference, name, action, phase, tagging } = step;
  const { Type } = account.template.Resources[name]!;
  const call = { origin: `${phase} ${name} (${Type})`, action, context: { ...VIA, ...specialKeys(step) } };
  if (action.includes("*")) return { ...call, resources: [] };
  const types = privilegeOf(reference, action).resource_types;
  const own = account.resources[name];
  const isCreating = phase === "create" && own !== undefined && CREATING.test(action);
  const isTagging = phase === "create" && TAGGING.test(action);
  const isRole =
    action === "iam:PassRole" || action === "ec2:RunInstances" || Type === "AWS::IAM::InstanceProfile";
  const isOfOther = action === "iam:CreateServiceLinkedRole";
  const isOwn = own !== undefined && !isRole && own.type in types && !isCreating;
  const names = isOfOther ? [] : isTagging || isOwn ? [name] : involvedIn(account, name);
  const resources: Resource[] = names
    .flatMap((each) => account.resources[each] ?? [])
    .filter(({ type }) => type in types)
    .map((each) => (each === own && (isCreating || isTagging) ? { ...each, tags: {} } : each));
  resources.push(...furtherResources(step));
  const missing = Object.keys(types).filter(
    (type) => type !== "" && types[type]!.required && !resources.some((each) => each.type === type),
  );
  if (missing.length > 0) throw new Error(`${call.origin}: ${action} needs a ${missing.join(", ")}`);
  const tags = own?.tags ?? STACK_TAGS;
  const isTagged = isTagging || (isCreating && tagging === "at creation");
  return {
    ...call,
    resources,
    context: { ...call.context, ...(isTagged && requestTags(tags)), ...(isTagging && createAction(step)) },
  };
}

const CREATING = /:(Create(?!Tags|Route$|OrUpdate|ServiceLinkedRole)|PutParameter|PutMetricAlarm)/;
const TAGGING = /:(CreateTags|CreateOrUpdateTags|AddTagsToResource|TagResource|TagRole)$/;

/** EC2 checks the tags of a request that creates something as a request of their own, which names it. */
function createAction({ account, name, tagging, reference }: Step): Record<string, string> {
  if (tagging !== "at creation") return {};
  const type =
    account.template.Resources[name]!.Type.split("::")[2] === "VPC"
      ? "Vpc"
      : account.template.Resources[name]!.Type.split("::")[2]!;
  return `Create${type}` in reference["ec2"]!.privileges ? { "ec2:CreateAction": `Create${type}` } : {};
}

const SCALING_ROLE = "autoscaling.amazonaws.com";

/** Keys that only some actions have. */
function specialKeys({ account, name, action }: Step): Record<string, string> {
  const { Type, Properties } = account.template.Resources[name]!;
  if (Type === "AWS::IAM::Role")
    return { "iam:PermissionsBoundary": String(account.resolver.resolve(Properties["PermissionsBoundary"])) };
  switch (action) {
    case "iam:PassRole":
      return { "iam:PassedToService": "ec2.amazonaws.com" };
    case "iam:CreateServiceLinkedRole":
      return { "iam:AWSServiceName": SCALING_ROLE };
    case "ec2:RunInstances":
      return {
        "ec2:LaunchTemplate":
          account.resources[involvedIn(account, name).find((each) => each.endsWith("Template"))!]!.arn,
      };
    default:
      return {};
  }
}

/** Resources that are not part of the stack. */
function furtherResources({ account, action }: Step): Resource[] {
  switch (action) {
    case "iam:CreateServiceLinkedRole":
      return [
        {
          type: "role",
          arn: arnOf(`iam::role/aws-service-role/${SCALING_ROLE}/AWSServiceRoleForAutoScaling`),
          tags: {},
        },
      ];
    case "ec2:RunInstances": {
      const launched = ["instance", "network-interface", "volume"].map((type) => ({
        type,
        arn: arnOf(`ec2:here:${type}/*`),
        tags: {},
      }));
      const key = {
        type: "key-pair",
        arn: arnOf(`ec2:here:key-pair/swarm`),
        tags: account.resources["Vpc"]!.tags,
      };
      const image = { type: "image", arn: "arn:aws:ec2:eu-central-1::image/ami-1", tags: {} };
      return [...launched, key, image];
    }
    default:
      return [];
  }
}
