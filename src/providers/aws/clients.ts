import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { EC2Client } from "@aws-sdk/client-ec2";
import { IAMClient } from "@aws-sdk/client-iam";
import { ResourceGroupsTaggingAPIClient } from "@aws-sdk/client-resource-groups-tagging-api";
import { ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { UserError } from "../../errors.ts";
import { explainAwsError } from "./aws-errors.ts";
import { silenceSdk } from "./configured.ts";

/** Region and credentials. Defaults are found as the SDK does: environment, `~/.aws`, … */
export interface AwsSettings {
  region?: string | undefined;
  profile?: string | undefined;
}

/** One client for each service. They connect with their first request. */
export interface AwsClients extends Disposable {
  region: string;
  cloudFormation: CloudFormationClient;
  ec2: EC2Client;
  autoScaling: AutoScalingClient;
  cloudWatch: CloudWatchClient;
  iam: IAMClient;
  ssm: SSMClient;
  sts: STSClient;
  serviceQuotas: ServiceQuotasClient;
  tagging: ResourceGroupsTaggingAPIClient;
  /** Returns the time by the clock of AWS, as its last answer gave it; until the first one, by ours. */
  now(): Date;
}

const MAX_ATTEMPTS = 6;
const KEYS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/**
 * Returns clients for AWS's services.
 * @throws {UserError} if no valid region is configured.
 * @see AWS SDK for JavaScript v3, "Credential providers" and "Shared config": `AWS_PROFILE`, `AWS_REGION`,
 *   `AWS_ENDPOINT_URL`.
 */
export async function connectToAws(
  settings: AwsSettings,
  env: NodeJS.ProcessEnv = process.env,
): Promise<AwsClients> {
  silenceSdk(env);
  // An explicit profile takes precedence over keys in the environment; the SDK would warn about them.
  if (settings.profile !== undefined) for (const name of KEYS) Reflect.deleteProperty(env, name);
  // AWS_DEFAULT_REGION is read by AWS's command line, but not by the SDK.
  const region = settings.region ?? (env["AWS_REGION"] || env["AWS_DEFAULT_REGION"] || undefined);
  const options = {
    maxAttempts: MAX_ATTEMPTS,
    ...(region !== undefined && { region }),
    ...(settings.profile !== undefined && { profile: settings.profile }),
  };
  const clients = {
    cloudFormation: new CloudFormationClient(options),
    ec2: new EC2Client(options),
    autoScaling: new AutoScalingClient(options),
    cloudWatch: new CloudWatchClient(options),
    iam: new IAMClient(options),
    ssm: new SSMClient(options),
    sts: new STSClient(options),
    serviceQuotas: new ServiceQuotasClient(options),
    tagging: new ResourceGroupsTaggingAPIClient(options),
  };
  const all = Object.values(clients);
  let aheadMs = 0;
  for (const client of all) {
    explainErrors(client, settings.profile);
    onAnswer(client, (date) => (aheadMs = date - Date.now()));
  }
  return {
    ...clients,
    now: () => new Date(Date.now() + aheadMs),
    region: await regionOf(clients.ec2),
    [Symbol.dispose]() {
      for (const client of all) client.destroy();
    },
  };
}

async function regionOf(client: EC2Client): Promise<string> {
  try {
    const region = await client.config.region();
    if (/^[a-z]{2}(-[a-z]+)+-\d+$/.test(region)) return region;
    throw new UserError(`${JSON.stringify(region)} is not an AWS region`, {
      hint: "regions are named like eu-central-1 or us-east-1",
    });
  } catch (error) {
    throw explainAwsError(error);
  }
}

interface AnyClient {
  middlewareStack: EC2Client["middlewareStack"];
}

/** Calls a function with the time at which AWS has answered, in ms since 1970. */
function onAnswer(client: object, take: (date: number) => void): void {
  (client as AnyClient).middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = result.response as { headers?: Record<string, string> };
      const date = Date.parse(headers?.["date"] ?? "");
      if (!Number.isNaN(date)) take(date);
      return result;
    },
    { step: "deserialize", priority: "low", name: "readDate" },
  );
}

/** Makes a client throw errors with hints for the user. Added outside of the retries, which need the original errors. */
function explainErrors(client: object, profile: string | undefined): void {
  (client as AnyClient).middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        throw explainAwsError(error, profile);
      }
    },
    { step: "initialize", priority: "high", name: "explainErrors" },
  );
}
