import { bootScript, VALUES } from "../template.ts";
import type { Call } from "./calls.ts";
import { arnOf, groupPlace, STACK_TAGS, SWARM, type Resource } from "./swarm-account.ts";

/** Returns the calls that the boot script of a machine, and the programs that it installs, may make. */
export async function machineCalls(role: "Manager" | "Worker"): Promise<Call[]> {
  const script = await bootScript(role, VALUES);
  const commands = [...script.matchAll(/\baws ([a-z0-9]+) ([a-z][a-z-]+)([^\n]*)/g)];
  if (commands.length === 0) throw new Error("the boot script does not call AWS");
  return commands.flatMap(([, service, command, options]) => {
    const calls = COMMANDS[`${service!} ${command!}`];
    if (calls === undefined)
      throw new Error(`the boot scripts are not known to call: aws ${service!} ${command!}`);
    const origin = `${role.toLowerCase()}: aws ${service!} ${command!}`;
    return calls(options!, script).map((call) => ({ origin, resources: [], context: {}, ...call }));
  });
}

type MachineCall = Pick<Call, "action"> & Partial<Call>;

const parameter = (name: string): Resource => ({
  type: "parameter",
  arn: arnOf(`ssm:here:parameter/swarm/${SWARM}/${name}`),
  tags: {},
});
const group = (role: string): Resource => ({
  type: "autoScalingGroup",
  arn: arnOf(groupPlace(`swarm-${SWARM}-${role}`)),
  tags: STACK_TAGS,
});
const key = {
  resources: [{ type: "key", arn: arnOf("kms:here:key/1-2-3"), tags: {} }],
  context: { "kms:ViaService": "ssm.eu-central-1.amazonaws.com" },
};

/** What AWS checks for each command, with its options, of a script. */
const COMMANDS: Record<string, (options: string, script: string) => MachineCall[]> = {
  "ssm put-parameter": (_, script) =>
    [...script.matchAll(/publish (String|SecureString) ([\w-]+)/g)].flatMap(([, type, name]) => [
      { action: "ssm:PutParameter", resources: [parameter(name!)] },
      ...(type === "SecureString" ? [{ action: "kms:Encrypt", ...key }] : []),
    ]),
  "ssm get-parameter": (options) => [
    { action: "ssm:GetParameter", resources: [parameter(option(options, "name").split("/").at(-1)!)] },
    ...(options.includes("--with-decryption") ? [{ action: "kms:Decrypt", ...key }] : []),
  ],
  "ec2 attach-volume": () => [
    {
      action: "ec2:AttachVolume",
      resources: ["instance", "volume"].map((type) => ({
        type,
        arn: arnOf(`ec2:here:${type}/${type}-1`),
        tags: STACK_TAGS,
      })),
    },
  ],
  "cloudwatch put-metric-data": (options) => [
    { action: "cloudwatch:PutMetricData", context: { "cloudwatch:namespace": option(options, "namespace") } },
  ],
  "autoscaling set-desired-capacity": (_, script) =>
    /for ROLE in ([\w ]+);/
      .exec(script)![1]!
      .split(" ")
      .map((role) => ({ action: "autoscaling:SetDesiredCapacity", resources: [group(role)] })),
  "autoscaling terminate-instance-in-auto-scaling-group": () => [
    { action: "autoscaling:TerminateInstanceInAutoScalingGroup", resources: [group("worker")] },
  ],
};

function option(options: string, name: string): string {
  return new RegExp(`--${name} "?([^ "]+)`).exec(options)![1]!;
}
