import { UserError } from "../../errors.ts";

/** Why EC2 has not started a machine of a group. */
export class LaunchFailure extends UserError {
  override name = "LaunchFailure";
  /** It will not succeed later by itself: a group repeats the attempt for ever. */
  readonly isPermanent: boolean;

  constructor(group: string, reason: string) {
    const known = REASONS.find(({ pattern }) => pattern.test(reason));
    super(`AWS cannot start a machine of ${group}: ${reason}`, { hint: known?.hint ?? GENERAL_HINT });
    this.isPermanent = known?.isPermanent ?? false;
  }
}

const GENERAL_HINT =
  "use other or fewer machines, or request a higher quota in the AWS console under Service Quotas";
const OTHER_TYPE = "choose another type with --instance-type or --manager-type";

/**
 * What EC2 answers to a group that starts a machine. Everything else may be over in a minute, such as a role that is not
 * yet known everywhere.
 * @see Amazon EC2 Auto Scaling User Guide, "Troubleshoot issues"; Amazon EC2 API Reference, "Error codes".
 */
const REASONS: readonly { pattern: RegExp; isPermanent: boolean; hint: string }[] = [
  {
    pattern: /not eligible for Free Tier|free[- ]plan/i,
    isPermanent: true,
    hint: "accounts on AWS's free plan can start only some small types: use --manager-type t3.small --instance-type c7i-flex.large, or upgrade the account to the paid plan",
  },
  {
    pattern: /current vCPU limit|VcpuLimitExceeded|InstanceLimitExceeded|MaxSpotInstanceCountExceeded/,
    isPermanent: true,
    hint: GENERAL_HINT,
  },
  {
    pattern: /currently being verified|PendingVerification/,
    isPermanent: true,
    hint: "AWS verifies new accounts within minutes to hours; then continue with the same command",
  },
  {
    pattern: /account is (?:currently )?(?:blocked|suspended)|\bBlocked\b/,
    isPermanent: true,
    hint: "contact AWS Support",
  },
  {
    pattern: /service-linked role for EC2 Spot/,
    isPermanent: true,
    hint: "run once: aws iam create-service-linked-role --aws-service-name spot.amazonaws.com; or use no --spot",
  },
  {
    pattern: /not supported in your requested Availability Zone|configuration is currently not supported/,
    isPermanent: true,
    hint: OTHER_TYPE,
  },
  {
    pattern: /image id .* does not exist|InvalidAMIID/,
    isPermanent: true,
    hint: "name an existing image in your template, or use the built-in template",
  },
  {
    pattern: /Client\.InternalError|InvalidKMSKey|KMS key/,
    isPermanent: true,
    hint: "the account encrypts all volumes with a key of its own: allow the role AWSServiceRoleForAutoScaling to use this key (AWS KMS, Key policy)",
  },
  {
    pattern: /[Ii]nsufficient.*capacity|no Spot capacity|UnfulfillableCapacity|not have sufficient/,
    isPermanent: false,
    hint: `the zone has no such machine at the moment: try again later, or ${OTHER_TYPE}`,
  },
];
