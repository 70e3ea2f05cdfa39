import { whoAmI, type Account } from "../../providers/aws/account.ts";
import { checkBoundary } from "../../providers/aws/boundary.ts";
import { connectToAws, type AwsClients, type AwsSettings } from "../../providers/aws/clients.ts";
import { quotaOf } from "../../providers/aws/machine-types.ts";
import { checkPermissions } from "../../providers/aws/rights.ts";
import { checkProgram } from "./doctor-machine.ts";
import { troubleOf, type Finding } from "./finding.ts";

const AWS = ["aws"] as const;

/** vCPUs of a default swarm: two for the manager and for each of three workers. */
const DEFAULT_PROCESSORS = 8;

/** Checks the programs, region, credentials, permissions and quota for swarms on AWS. */
export async function checkAws(settings: AwsSettings): Promise<Finding[]> {
  const missing = { fix: "needed for swarms on AWS: install the OpenSSH client", neededFor: AWS };
  const [ssh, keygen, account] = await Promise.all([
    checkProgram(["ssh"], ["-V"], missing),
    checkProgram(["ssh-keygen"], ["-?"], missing),
    checkAccount(settings),
  ]);
  return [ssh, { ...keygen, what: "ssh-keygen" }, ...account];
}

/** Stops at a failing check on which the others depend. */
async function checkAccount(settings: AwsSettings): Promise<Finding[]> {
  try {
    using clients = await connectToAws(settings);
    const region = { what: `region ${clients.region}`, trouble: undefined };
    try {
      const account = await whoAmI(clients);
      const { id, user } = account;
      const credentials = { what: `credentials of ${user}, account ${id}`, trouble: undefined };
      const [rights, quota, policy] = await Promise.all([
        checkPermissions(clients),
        quotaOf(clients),
        checkPolicy(clients, account),
      ]);
      return [
        region,
        credentials,
        policy,
        ...rights.map(({ right, error }) =>
          error === undefined ? { what: right, trouble: undefined } : troubleOf(right, error, AWS),
        ),
        describeQuota(quota),
      ];
    } catch (error) {
      return [region, troubleOf("credentials", error, AWS)];
    }
  } catch (error) {
    return [troubleOf("region", error, AWS)];
  }
}

/** Checks the policy that bounds the rights of a swarm's machines. */
async function checkPolicy(clients: AwsClients, account: Account): Promise<Finding> {
  const what = "policy inet-swarm of the account";
  try {
    const state = await checkBoundary(clients, account);
    return {
      what: state === "current" ? what : `${what}: unknown, as AWS denied permission to read it`,
      trouble: undefined,
    };
  } catch (error) {
    return troubleOf(what, error, AWS);
  }
}

function describeQuota(quota: number | undefined): Finding {
  if (quota === undefined) return { what: "quota of vCPUs: unknown", trouble: undefined };
  return {
    what: `quota of vCPUs: ${quota}`,
    trouble:
      quota < DEFAULT_PROCESSORS ? `a swarm of the default size needs ${DEFAULT_PROCESSORS}` : undefined,
    fix: "use fewer workers, or request a higher quota in the AWS console: Service Quotas, Amazon EC2, Running On-Demand Standard instances",
    neededFor: [],
  };
}
