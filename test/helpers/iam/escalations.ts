import { arnOf, groupPlace, SWARM, type Resource } from "./swarm-account.ts";
import type { Context } from "./condition.ts";

/** A known way to more rights, or to what belongs to others: all of its steps must be allowed. */
export interface Escalation {
  name: string;
  /** What may be added to a request (default: `DISGUISES`). */
  disguises?: readonly Context[];
  steps: readonly Step[];
}

interface Step {
  action: string;
  resources: readonly Resource[];
  context: Context;
}

const at = (type: string, place: string, tags = {}): Resource => ({ type, arn: arnOf(place), tags });
const step = (action: string, resource?: Resource, context: Context = {}): Step => ({
  action,
  resources: resource === undefined ? [] : [resource],
  context,
});

/** Resources of others, and one that the user may create. */
const [ADMIN_ROLE, ADMIN, GROUP] = [
  at("role", "iam::role/admin"),
  at("user", "iam::user/admin"),
  at("group", "iam::group/admins"),
];
const [OWN_ROLE, OWN_USER] = [at("role", "iam::role/swarm/new"), at("user", "iam::user/swarm-user")];
const [BOUNDARY_POLICY, INSTANCE] = [
  at("policy", "iam::policy/inet-swarm"),
  at("instance", "ec2:here:instance/i-foreign"),
];
const OWN_PROFILE = at("instance-profile", "iam::instance-profile/swarm/new");
const BOUNDARY = { "iam:PermissionsBoundary": BOUNDARY_POLICY.arn };
const STACK = at("stack", "cloudformation:here:stack/foreign/1");
const OWN_STACK = at("stack", "cloudformation:here:stack/swarm-x/1");
const FUNCTION = at("function", "lambda:here:function:foreign");
const FOREIGN_GROUP = at("autoScalingGroup", groupPlace("foreign"));

const pass = (service: string, role = ADMIN_ROLE): Step =>
  step("iam:PassRole", role, { "iam:PassedToService": service });
const one = (name: string, ...steps: Step[]): Escalation => ({ name, steps });

/**
 * Ways that need IAM only.
 * @see Rhino Security Labs, "AWS IAM Privilege Escalation - Methods and Mitigation"; IAM User Guide, "Permissions
 *   boundaries for IAM entities", "Delegating responsibility to others using permissions boundaries".
 */
const BY_IAM: Escalation[] = [
  one("a new version of the boundary policy", step("iam:CreatePolicyVersion", BOUNDARY_POLICY)),
  one("an earlier version of the boundary policy", step("iam:SetDefaultPolicyVersion", BOUNDARY_POLICY)),
  one("the boundary policy deleted and created anew", step("iam:DeletePolicy", BOUNDARY_POLICY)),
  one("a new policy", step("iam:CreatePolicy", at("policy", "iam::policy/new"))),
  one("a role without a boundary", step("iam:CreateRole", OWN_ROLE)),
  one(
    "a role with another boundary",
    step("iam:CreateRole", OWN_ROLE, {
      "iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess",
    }),
  ),
  one("a bounded role outside of /swarm/", step("iam:CreateRole", at("role", "iam::role/new"), BOUNDARY)),
  one("a role that loses its boundary", step("iam:DeleteRolePermissionsBoundary", OWN_ROLE, BOUNDARY)),
  one("a role that gets another boundary", step("iam:PutRolePermissionsBoundary", OWN_ROLE, BOUNDARY)),
  one("a user that loses its boundary", step("iam:DeleteUserPermissionsBoundary", OWN_USER, BOUNDARY)),
  one("an inline policy of a foreign role", step("iam:PutRolePolicy", ADMIN_ROLE)),
  one(
    "an inline policy of a foreign role with the boundary",
    step("iam:PutRolePolicy", ADMIN_ROLE, BOUNDARY),
  ),
  one("an inline policy of a role under /swarm/ without the boundary", step("iam:PutRolePolicy", OWN_ROLE)),
  one("an inline policy of the user", step("iam:PutUserPolicy", OWN_USER)),
  one("an inline policy of a group", step("iam:PutGroupPolicy", GROUP)),
  one("a policy attached to a role", step("iam:AttachRolePolicy", OWN_ROLE, BOUNDARY)),
  one("a policy attached to the user", step("iam:AttachUserPolicy", OWN_USER)),
  one("a policy attached to a group", step("iam:AttachGroupPolicy", GROUP)),
  one("membership in a group", step("iam:AddUserToGroup", GROUP)),
  one("an access key of another user", step("iam:CreateAccessKey", ADMIN)),
  one("a password of another user", step("iam:CreateLoginProfile", ADMIN)),
  one("a changed password of another user", step("iam:UpdateLoginProfile", ADMIN)),
  one("a new user", step("iam:CreateUser", at("user", "iam::user/new"), BOUNDARY)),
  one("another trust policy of a foreign role", step("iam:UpdateAssumeRolePolicy", ADMIN_ROLE)),
  one("a foreign role, assumed", step("sts:AssumeRole", ADMIN_ROLE)),
  one("an identity provider", step("iam:CreateSAMLProvider", at("saml-provider", "iam::saml-provider/x"))),
  one(
    "a service-linked role of another service",
    step("iam:CreateServiceLinkedRole", at("role", "iam::role/aws-service-role/lambda.amazonaws.com/x"), {
      "iam:AWSServiceName": "lambda.amazonaws.com",
    }),
  ),
];

/** Ways by services that act with a role that is passed to them, or that have one. @see the same, and the services' documentation. */
const BY_SERVICES: Escalation[] = [
  one("a machine with a foreign role", pass("ec2.amazonaws.com")),
  one(
    "a foreign role in an own instance profile",
    step("iam:AddRoleToInstanceProfile", OWN_PROFILE),
    pass("ec2.amazonaws.com"),
  ),
  one(
    "an own role in a foreign instance profile",
    step("iam:AddRoleToInstanceProfile", at("instance-profile", "iam::instance-profile/admin")),
  ),
  one("an instance profile for a running machine", step("ec2:AssociateIamInstanceProfile", INSTANCE)),
  one(
    "another instance profile for a running machine",
    step("ec2:ReplaceIamInstanceProfileAssociation", INSTANCE),
  ),
  one("a machine without a launch template", step("ec2:RunInstances", INSTANCE)),
  one("user data of a foreign machine", step("ec2:ModifyInstanceAttribute", INSTANCE)),
  one(
    "a new version of a foreign launch template",
    step("ec2:CreateLaunchTemplateVersion", at("launch-template", "ec2:here:launch-template/lt-1")),
  ),
  one(
    "a launch configuration with a foreign role",
    step(
      "autoscaling:CreateLaunchConfiguration",
      at("launchConfiguration", "autoscaling:here:launchConfiguration:1:launchConfigurationName/swarm-x"),
    ),
  ),
  // Auto Scaling does not check the rights to what a launch configuration contains, because its creation did.
  one(
    "machines by a foreign launch configuration",
    step("autoscaling:CreateAutoScalingGroup", at("autoScalingGroup", groupPlace("swarm-x")), {
      "autoscaling:LaunchConfigurationName": "admin",
    }),
  ),
  one(
    "an own group that changes to a foreign launch configuration",
    step("autoscaling:UpdateAutoScalingGroup", at("autoScalingGroup", groupPlace("swarm-x")), {
      "autoscaling:LaunchConfigurationName": "admin",
    }),
  ),
  one("a foreign group", step("autoscaling:UpdateAutoScalingGroup", FOREIGN_GROUP)),
  one(
    "a stack with a role of its own",
    step("cloudformation:CreateStack", OWN_STACK),
    pass("cloudformation.amazonaws.com"),
  ),
  one(
    "a stack with an own role",
    step("cloudformation:CreateStack", OWN_STACK),
    pass("cloudformation.amazonaws.com", OWN_ROLE),
  ),
  one("another template of a foreign stack", step("cloudformation:UpdateStack", STACK)),
  one("a change set of a foreign stack", step("cloudformation:CreateChangeSet", STACK)),
  one(
    "a stack set",
    step("cloudformation:CreateStackSet", at("stackset", "cloudformation:here:stackset/swarm-x:1")),
  ),
  one("a command on a foreign machine", step("ssm:SendCommand", INSTANCE)),
  one("a session on a foreign machine", step("ssm:StartSession", INSTANCE)),
  one("an association of Systems Manager", step("ssm:CreateAssociation", INSTANCE)),
  one(
    "an automation of Systems Manager",
    step("ssm:StartAutomationExecution", at("automation-definition", "ssm:here:automation-definition/x:1")),
  ),
  one("a document of Systems Manager", step("ssm:CreateDocument", at("document", "ssm:here:document/x"))),
  one("a key for a foreign machine", step("ec2-instance-connect:SendSSHPublicKey", INSTANCE)),
  one(
    "a function with a foreign role",
    step("lambda:CreateFunction", FUNCTION),
    pass("lambda.amazonaws.com"),
  ),
  one(
    "a function with an own role",
    step("lambda:CreateFunction", FUNCTION),
    pass("lambda.amazonaws.com", OWN_ROLE),
  ),
  one("the code of a foreign function", step("lambda:UpdateFunctionCode", FUNCTION)),
  one("a trigger of a foreign function", step("lambda:CreateEventSourceMapping")),
  one("the configuration of a foreign function", step("lambda:UpdateFunctionConfiguration", FUNCTION)),
  one("a rule of EventBridge with a role", pass("events.amazonaws.com")),
  one("a task of ECS with a role", pass("ecs-tasks.amazonaws.com")),
  one("a build with a role", pass("codebuild.amazonaws.com")),
  one("a notebook with a role", pass("sagemaker.amazonaws.com")),
  one("a job of Glue with a role", pass("glue.amazonaws.com")),
  one("a data pipeline with a role", pass("datapipeline.amazonaws.com")),
  one("a schedule with a role", pass("scheduler.amazonaws.com")),
];

/** What belongs to others, or to another swarm whose name begins with that of this one. */
const FOREIGN_TAGS = { team: "other" };
const NEIGHBOUR = `${SWARM}-2`;
const BY_OTHERS: Escalation[] = [
  // Directly only: CloudFormation tags what it creates, and no type of resource tags an existing one.
  {
    name: "the tag of a swarm on a foreign machine",
    disguises: [{}],
    steps: [
      step("ec2:CreateTags", INSTANCE, { "aws:RequestTag/swarm-tool": "x", "aws:TagKeys": ["swarm-tool"] }),
    ],
  },
  one(
    "a foreign volume, attached",
    step("ec2:AttachVolume", at("volume", "ec2:here:volume/v", FOREIGN_TAGS)),
  ),
  one("a foreign volume, deleted", step("ec2:DeleteVolume", at("volume", "ec2:here:volume/v", FOREIGN_TAGS))),
  one(
    "a foreign network, opened",
    step(
      "ec2:AuthorizeSecurityGroupIngress",
      at("security-group", "ec2:here:security-group/g", FOREIGN_TAGS),
    ),
  ),
  one("a foreign key pair, replaced", step("ec2:DeleteKeyPair", at("key-pair", "ec2:here:key-pair/foreign"))),
  one("a copy of a foreign volume", step("ec2:CreateSnapshot", at("volume", "ec2:here:volume/v"))),
  one("the console of a foreign machine", step("ec2:GetConsoleOutput", INSTANCE)),
  one("a foreign parameter, read", step("ssm:GetParameter", at("parameter", "ssm:here:parameter/foreign"))),
  one(
    "a foreign parameter, changed",
    step("ssm:PutParameter", at("parameter", "ssm:here:parameter/foreign")),
  ),
  one("a ciphertext, decrypted directly", step("kms:Decrypt", at("key", "kms:here:key/1"))),
  one(
    "a ciphertext of another service",
    step("kms:Decrypt", at("key", "kms:here:key/1"), {
      "kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com",
    }),
  ),
  one("a foreign stack, deleted", step("cloudformation:DeleteStack", STACK)),
  one(
    "a foreign alarm, deleted",
    step("cloudwatch:DeleteAlarms", at("alarm", "cloudwatch:here:alarm:foreign")),
  ),
  one("foreign metrics", step("cloudwatch:PutMetricData", undefined, { "cloudwatch:namespace": "AWS/EC2" })),
  one("a foreign group, halted", step("autoscaling:SetDesiredCapacity", FOREIGN_GROUP)),
];

export const ESCALATIONS = [...BY_IAM, ...BY_SERVICES, ...BY_OTHERS];

/** What the machines of a swarm must not do, although their user may. */
export const MACHINE_ESCALATIONS = [
  one(
    "another swarm's group, halted",
    step("autoscaling:SetDesiredCapacity", at("autoScalingGroup", groupPlace(`swarm-${NEIGHBOUR}-manager`))),
  ),
  one(
    "another swarm's machine, ended",
    step(
      "autoscaling:TerminateInstanceInAutoScalingGroup",
      at("autoScalingGroup", groupPlace(`swarm-${NEIGHBOUR}-worker`)),
    ),
  ),
  one(
    "another swarm's volume, attached",
    step("ec2:AttachVolume", at("volume", "ec2:here:volume/v", { "swarm-tool": NEIGHBOUR })),
  ),
  one(
    "another swarm's host key, replaced",
    step("ssm:PutParameter", at("parameter", `ssm:here:parameter/swarm/${NEIGHBOUR}/host-key`)),
  ),
  one(
    "another swarm's join token, read",
    step("ssm:GetParameter", at("parameter", `ssm:here:parameter/swarm/${NEIGHBOUR}/worker-join`)),
  ),
  one("a role", step("iam:CreateRole", OWN_ROLE, BOUNDARY)),
  one("an own role, passed", pass("ec2.amazonaws.com", OWN_ROLE)),
  one("a stack", step("cloudformation:CreateStack", OWN_STACK)),
  one(
    "a machine",
    step("ec2:RunInstances", INSTANCE, { "ec2:LaunchTemplate": arnOf("ec2:here:launch-template/lt-1") }),
  ),
];

/** What may be added to a request: that CloudFormation makes it, and the tag of swarms. */
export const DISGUISES: Context[] = [
  {},
  { "aws:CalledVia": ["cloudformation.amazonaws.com"] },
  { "aws:RequestTag/swarm-tool": SWARM, "aws:TagKeys": ["swarm-tool"] },
];
