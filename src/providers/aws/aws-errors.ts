import { errorCode, errorText, UserError } from "../../errors.ts";

/** Returns AWS's name of an error: `ValidationError`, `AccessDenied`, `InvalidKeyPair.NotFound`, … */
export function awsErrorName(error: unknown): string | undefined {
  const name = (error as { name?: unknown } | null | undefined)?.name;
  return typeof name === "string" ? name : undefined;
}

const KEYS = "enter the access key again with: aws configure";
const POLICY = "attach the policy that `swarm-tool policy` prints to your user, under the name inet-swarm";

interface Explanation {
  names: readonly string[];
  text: (error: unknown, profile: string | undefined) => string;
  hint: string;
}

/** @see AWS API references, "Common Error Types"; EC2 has its own names. */
const EXPLANATIONS: readonly Explanation[] = [
  {
    names: ["CredentialsProviderError"],
    text: (error, profile) =>
      `no AWS credentials${profile === undefined ? "" : ` under the profile ${profile}`}: ${errorText(error)}`,
    hint: "set them up with: aws configure; or choose a profile with --profile or AWS_PROFILE",
  },
  {
    names: ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"],
    text: () => "the AWS credentials have expired",
    hint: "sign in again: aws sso login; or put new keys in ~/.aws/credentials",
  },
  {
    names: ["InvalidClientTokenId", "AuthFailure", "UnrecognizedClientException"],
    text: () => "AWS does not know the access key",
    hint: KEYS,
  },
  {
    names: ["SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"],
    text: () => "the secret access key does not match, or this machine's clock is wrong",
    hint: KEYS,
  },
  {
    names: ["OptInRequired", "SubscriptionRequiredException", "PendingVerification"],
    text: (error) => `the AWS account is not ready: ${errorText(error)}`,
    hint: "complete its registration in the AWS console",
  },
  {
    names: ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedException"],
    text: (error) => `AWS denied permission: ${deniedAction(errorText(error))}`,
    hint: POLICY,
  },
  {
    names: [
      "Throttling",
      "ThrottlingException",
      "RequestLimitExceeded",
      "TooManyRequestsException",
      "ServiceUnavailable",
      "InternalFailure",
    ],
    text: (error) => `AWS is temporarily unavailable: ${errorText(error)}`,
    hint: "wait a few minutes and run the command again: it continues where it stopped",
  },
  {
    names: [
      "ENOTFOUND",
      "EAI_AGAIN",
      "ECONNREFUSED",
      "ECONNRESET",
      "ENETUNREACH",
      "EHOSTUNREACH",
      "TimeoutError",
    ],
    text: (error) => `cannot reach AWS: ${errorText(error)}`,
    hint: "check the network and the region, and run the command again: it continues where it stopped",
  },
  {
    names: [
      "InstanceLimitExceeded",
      "VcpuLimitExceeded",
      "VpcLimitExceeded",
      "MaxSpotInstanceCountExceeded",
      "LimitExceededException",
      "AddressLimitExceeded",
    ],
    text: (error) => `a quota of the AWS account is reached: ${errorText(error)}`,
    hint: "use fewer or smaller machines, or request a higher quota in the AWS console under Service Quotas",
  },
];

/**
 * Returns a UserError for an error that the user can fix, and every other error unchanged.
 * @param profile whose credentials were used, if one is set.
 */
export function explainAwsError(error: unknown, profile?: string): unknown {
  if (error instanceof UserError) return error;
  if (/Region is missing|Region not accepted/.test(errorText(error))) {
    return new UserError("no AWS region is configured", {
      hint: "pass --region eu-central-1, set AWS_REGION, or run: aws configure",
      cause: error,
    });
  }
  if (errorText(error).includes("Deserialization error")) {
    return new UserError("the server that answered is not AWS", {
      hint: "check whether your network requires you to sign in first, and whether AWS_ENDPOINT_URL is set",
      cause: error,
    });
  }
  const found =
    EXPLANATIONS.find(({ names }) => names.includes(awsErrorName(error) ?? "")) ??
    EXPLANATIONS.find(({ names }) => names.includes(errorCode(error) ?? ""));
  if (found === undefined) return error;
  return new UserError(found.text(error, profile), { hint: found.hint, cause: error });
}

/** Returns AWS's name of an error, or of the error that a UserError explains. */
export function originalName(error: unknown): string | undefined {
  return awsErrorName(error instanceof UserError ? error.cause : error);
}

/** Returns the action in `User: arn:… is not authorized to perform: ec2:RunInstances on resource: …`. */
function deniedAction(message: string): string {
  return /not authorized to perform:? (\S+)/.exec(message)?.[1] ?? message;
}
