import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { readFile } from "node:fs/promises";
import { installedFile } from "../../system/installation.ts";
import type { AwsClients } from "./clients.ts";

export interface Account {
  id: string;
  /** ARN of the user or role that the credentials belong to. */
  user: string;
}

export async function whoAmI({ sts }: Pick<AwsClients, "sts">): Promise<Account> {
  const { Account, Arn } = await sts.send(new GetCallerIdentityCommand({}));
  return { id: Account!, user: Arn! };
}

/** The IAM policy that a user of swarm-tool needs, for his account. */
export async function policyFor(account: Account): Promise<string> {
  const text = await readFile(installedFile("cloudformation/iam-policy.json"), "utf8");
  const partition = account.user.split(":")[1] ?? "aws";
  return text.replaceAll("ACCOUNT", account.id).replaceAll("arn:aws:", `arn:${partition}:`);
}
