import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { readFile } from "node:fs/promises";
import { installedFile } from "../../system/installation.ts";
import type { AwsClients } from "./clients.ts";

export interface Account {
  id: string;
  /** ARN of the user or role to which the credentials belong. */
  user: string;
}

/** Returns the account and user of the current credentials. */
export async function whoAmI({ sts }: Pick<AwsClients, "sts">): Promise<Account> {
  const { Account, Arn } = await sts.send(new GetCallerIdentityCommand({}));
  return { id: Account!, user: Arn! };
}

/**
 * Returns the IAM policy, as JSON text, that a user of swarm-tool needs in this account. In China, EC2 has another name
 * as a service; the partition of the United States government differs only in its ARNs.
 * @see IAM User Guide, "AWS service principals"; AWS General Reference, "Amazon Resource Names".
 */
export async function policyFor(account: Account): Promise<string> {
  const text = await readFile(installedFile("cloudformation/iam-policy.json"), "utf8");
  const partition = account.user.split(":")[1] ?? "aws";
  const here = text.replaceAll("ACCOUNT", account.id).replaceAll("arn:aws:", `arn:${partition}:`);
  return partition === "aws-cn" ? here.replaceAll('"ec2.amazonaws.com"', '"ec2.amazonaws.com.cn"') : here;
}
