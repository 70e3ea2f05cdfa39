import {
  CreateVpcCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeKeyPairsCommand,
} from "@aws-sdk/client-ec2";
import { UserError } from "../../errors.ts";
import { listAlarms } from "./alarms.ts";
import { awsErrorName } from "./aws-errors.ts";
import type { AwsClients } from "./clients.ts";
import { findGroups } from "./groups.ts";
import { publishedHostKey } from "./parameters.ts";
import { describeStack, templateParameters } from "./stack.ts";
import { readTemplate } from "./template.ts";

/** A permission that swarm-tool needs. */
export interface Right {
  right: string;
  /** Why it is missing; undefined if it is granted. */
  error: UserError | undefined;
}

const NOBODY = "doctor";

/** Checks the user's permissions by requests that change nothing. The permission to create roles cannot be checked. */
export async function checkPermissions(clients: AwsClients): Promise<Right[]> {
  const { ec2 } = clients;
  const stack = `swarm-${NOBODY}`;
  const questions: Record<string, () => Promise<unknown>> = {
    "permission to read stacks (CloudFormation)": () => describeStack(clients, stack),
    "permission to validate the template (CloudFormation)": async () =>
      templateParameters(clients, await readTemplate()),
    "permission to read machine types (EC2)": () =>
      ec2.send(new DescribeInstanceTypeOfferingsCommand({ MaxResults: 5 })),
    "permission to read key pairs (EC2)": () => ec2.send(new DescribeKeyPairsCommand({})),
    "permission to create networks (EC2)": () => tryNetwork(clients),
    "permission to read groups (Auto Scaling)": () => findGroups(clients, stack, NOBODY),
    "permission to read alarms (CloudWatch)": () => listAlarms(clients, stack),
    "permission to read parameters (Systems Manager)": () => publishedHostKey(clients, NOBODY, "i-0"),
  };
  return await Promise.all(
    Object.entries(questions).map(async ([right, ask]) => ({ right, error: await troubleOf(ask) })),
  );
}

/** Checks the permission to create a network, without creating one. @see Amazon EC2 API Reference, DryRun */
async function tryNetwork({ ec2 }: AwsClients): Promise<void> {
  try {
    await ec2.send(new CreateVpcCommand({ CidrBlock: "10.77.0.0/16", DryRun: true }));
  } catch (error) {
    if (awsErrorName(error) !== "DryRunOperation") throw error; // DryRunOperation: the request would have succeeded
  }
}

async function troubleOf(ask: () => Promise<unknown>): Promise<UserError | undefined> {
  try {
    await ask();
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}
