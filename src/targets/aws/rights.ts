import { DescribeInstanceTypeOfferingsCommand, DescribeKeyPairsCommand } from "@aws-sdk/client-ec2";
import { UserError } from "../../errors.ts";
import { listAlarms } from "./alarms.ts";
import type { AwsClients } from "./clients.ts";
import { findGroups } from "./groups.ts";
import { publishedHostKey } from "./parameters.ts";
import { describeStack, templateParameters } from "./stack.ts";
import { readTemplate } from "./template.ts";

export interface Right {
  right: string;
  /** Undefined where it is given. */
  error: UserError | undefined;
}

const NOBODY = "doctor";

/** Asks each service something that changes nothing. */
export async function checkRights(clients: AwsClients): Promise<Right[]> {
  const { ec2 } = clients;
  const stack = `swarm-${NOBODY}`;
  const questions: Record<string, () => Promise<unknown>> = {
    "AWS lets you look at stacks (CloudFormation)": () => describeStack(clients, stack),
    "AWS takes the template (CloudFormation)": async () => templateParameters(clients, await readTemplate()),
    "AWS lets you look at machine types (EC2)": () =>
      ec2.send(new DescribeInstanceTypeOfferingsCommand({ MaxResults: 5 })),
    "AWS lets you look at key pairs (EC2)": () => ec2.send(new DescribeKeyPairsCommand({})),
    "AWS lets you look at groups (Auto Scaling)": () => findGroups(clients, stack, NOBODY),
    "AWS lets you look at alarms (CloudWatch)": () => listAlarms(clients, stack),
    "AWS lets you read parameters (Systems Manager)": () => publishedHostKey(clients, NOBODY, "i-0"),
  };
  return await Promise.all(
    Object.entries(questions).map(async ([right, ask]) => ({ right, error: await troubleOf(ask) })),
  );
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
