import { errorCode, errorText, UserError } from "../../errors.ts";

/** The name that AWS gives an error: `ValidationError`, `AccessDenied`, `InvalidKeyPair.NotFound`, … */
export function awsErrorName(error: unknown): string | undefined {
  const name = (error as { name?: unknown } | null | undefined)?.name;
  return typeof name === "string" ? name : undefined;
}

const KEYS = "give the access key again with: aws configure";
const POLICY =
  "have the policy that `swarm-tool policy` prints attached to your user, under the name inet-swarm";

interface Explanation {
  names: readonly string[];
  text: (error: unknown, profile: string | undefined) => string;
  hint: string;
}

/** @see AWS API references, "Common Error Types"; EC2 has names of its own. */
const EXPLANATIONS: readonly Explanation[] = [
  {
    names: ["CredentialsProviderError"],
    text: (error, profile) =>
      `there are no AWS credentials${profile === undefined ? "" : ` under the profile ${profile}`}: ${errorText(error)}`,
    hint: "set them up with: aws configure; or name a profile with --profile or AWS_PROFILE",
  },
  {
    names: ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"],
    text: () => "the AWS credentials have expired",
    hint: "sign in again (aws sso login, or new keys in ~/.aws/credentials)",
  },
  {
    names: ["InvalidClientTokenId", "AuthFailure", "UnrecognizedClientException"],
    text: () => "AWS does not know the access key",
    hint: KEYS,
  },
  {
    names: ["SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"],
    text: () => "the secret access key does not match, or the clock of this machine is wrong",
    hint: KEYS,
  },
  {
    names: ["OptInRequired", "SubscriptionRequiredException", "PendingVerification"],
    text: (error) => `the AWS account is not ready: ${errorText(error)}`,
    hint: "finish its registration in the AWS console",
  },
  {
    names: ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedException"],
    text: (error) => `AWS denies a right: ${deniedAction(errorText(error))}`,
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
    text: (error) => `AWS does not answer now: ${errorText(error)}`,
    hint: "wait some minutes and give the command again: it goes on where it was",
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
    text: (error) => `AWS cannot be reached: ${errorText(error)}`,
    hint: "check the network and the region, and give the command again: it goes on where it was",
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
    hint: "take fewer or smaller machines, or ask for more in the AWS console under Service Quotas",
  },
];

/**
 * A UserError for what the user can mend; every other error as it is.
 * @param profile whose credentials were used, where one is named.
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
    return new UserError("what answers in the place of AWS is not AWS", {
      hint: "does your network want you to sign in first, or is AWS_ENDPOINT_URL set?",
      cause: error,
    });
  }
  const found =
    EXPLANATIONS.find(({ names }) => names.includes(awsErrorName(error) ?? "")) ??
    EXPLANATIONS.find(({ names }) => names.includes(errorCode(error) ?? ""));
  if (found === undefined) return error;
  return new UserError(found.text(error, profile), { hint: found.hint, cause: error });
}

/** The name of the AWS error that a UserError of ours explains, or of the error itself. */
export function originalName(error: unknown): string | undefined {
  return awsErrorName(error instanceof UserError ? error.cause : error);
}

/** Of `User: arn:… is not authorized to perform: ec2:RunInstances on resource: …` the action. */
function deniedAction(message: string): string {
  return /not authorized to perform:? (\S+)/.exec(message)?.[1] ?? message;
}
