import {
  CreateServiceLinkedRoleCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  type IAMClient,
} from "@aws-sdk/client-iam";
import { isDeepStrictEqual } from "node:util";
import { UserError } from "../../errors.ts";
import { policyFor, type Account } from "./account.ts";
import { originalName } from "./aws-errors.ts";
import type { AwsClients } from "./clients.ts";

type Iam = Pick<AwsClients, "iam">;

/** The policy of the user, which is also the permissions boundary of the roles of a swarm's machines. */
const POLICY = "inet-swarm";

/**
 * Checks that the account's policy is that of this version, because it bounds the roles of a swarm's machines: without
 * it, they cannot be created, and with an older one, the machines might lack a right.
 * @returns "unknown" without permission to read the policy.
 * @throws {UserError} if it is missing or grants less than this version needs.
 * @see IAM API Reference, GetPolicy and GetPolicyVersion.
 */
export async function checkBoundary({ iam }: Iam, account: Account): Promise<"current" | "unknown"> {
  try {
    const text = await readPolicy(iam, account);
    if (text === undefined) throw missing(account);
    const lacking = lackingStatements(text, await policyFor(account));
    if (lacking.length === 0) return "current";
    throw outdated(account, lacking);
  } catch (error) {
    if (/AccessDenied|Unauthorized/.test(originalName(error) ?? "")) return "unknown";
    throw error;
  }
}

/** Returns the JSON text of the default version of the account's policy; undefined if there is no such policy. */
async function readPolicy(iam: IAMClient, account: Account): Promise<string | undefined> {
  const PolicyArn = policyArn(account);
  try {
    const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
    const VersionId = Policy?.DefaultVersionId;
    if (VersionId === undefined) return undefined;
    const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId }));
    return decodeURIComponent(PolicyVersion?.Document ?? ""); // AWS encodes it as in a URL
  } catch (error) {
    if (/NoSuchEntity/.test(originalName(error) ?? "")) return undefined;
    throw error;
  }
}

function policyArn({ id, user }: Account): string {
  return `arn:${user.split(":")[1] ?? "aws"}:iam::${id}:policy/${POLICY}`;
}

interface Statement {
  Sid?: string;
  Effect?: string;
  Action?: string | string[];
  Resource?: string | string[];
  Condition?: unknown;
}

/**
 * Returns the names of the statements of the needed policy that the present one does not contain. A statement may
 * have more actions or resources than needed, and another name.
 */
export function lackingStatements(present: string, needed: string): string[] {
  const existing = statementsIn(present);
  return statementsIn(needed)
    .filter((one) => !existing.some((other) => contains(other, one)))
    .map(({ Sid }) => Sid ?? "?");
}

function statementsIn(text: string): Statement[] {
  try {
    const { Statement: found } = JSON.parse(text) as { Statement?: Statement | Statement[] };
    return [found ?? []].flat();
  } catch {
    return []; // a policy that is no JSON grants nothing
  }
}

function contains(present: Statement, needed: Statement): boolean {
  const has = (key: "Action" | "Resource"): boolean => {
    const values = new Set([present[key] ?? []].flat());
    return values.has("*") || [needed[key] ?? []].flat().every((value) => values.has(value));
  };
  return (
    present.Effect === needed.Effect &&
    has("Action") &&
    has("Resource") &&
    (present.Condition === undefined || isDeepStrictEqual(present.Condition, needed.Condition))
  );
}

function missing(account: Account): UserError {
  return new UserError(
    `the AWS account ${account.id} has no policy ${POLICY}, which bounds the rights of a swarm's machines`,
    {
      hint: `create it, as an administrator of the account: swarm-tool policy --account ${account.id} >policy.json; aws iam create-policy --policy-name ${POLICY} --policy-document file://policy.json`,
    },
  );
}

function outdated(account: Account, lacking: readonly string[]): UserError {
  return new UserError(
    `the policy ${POLICY} of the AWS account ${account.id} is not that of this version; missing or different: ${lacking.join(", ")}`,
    {
      hint: `update it, as an administrator of the account: swarm-tool policy --account ${account.id} >policy.json; aws iam create-policy-version --set-as-default --policy-arn ${policyArn(account)} --policy-document file://policy.json`,
    },
  );
}

/**
 * Creates the roles with which AWS starts machines, unless the account has them already. AWS would create that of Auto
 * Scaling itself with the first group, but then the first launches fail until the role is known everywhere.
 * @see Amazon EC2 Auto Scaling User Guide, "Service-linked roles"; Amazon EC2 User Guide, "Service-linked role for Spot
 *   Instance requests".
 */
export async function ensureServiceRoles({ iam }: Iam, { spot }: { spot: boolean }): Promise<void> {
  const services = ["autoscaling.amazonaws.com", ...(spot ? ["spot.amazonaws.com"] : [])];
  for (const AWSServiceName of services) {
    try {
      await iam.send(new CreateServiceLinkedRoleCommand({ AWSServiceName }));
    } catch (error) {
      // InvalidInput or EntityAlreadyExists: it exists. Without permission, AWS says so when it needs the role.
      if (!/InvalidInput|AlreadyExists|AccessDenied|Unauthorized/.test(originalName(error) ?? ""))
        throw error;
    }
  }
}
