import { GetEbsDefaultKmsKeyIdCommand, GetEbsEncryptionByDefaultCommand } from "@aws-sdk/client-ec2";
import { originalName } from "./aws-errors.ts";
import type { AwsClients } from "./clients.ts";

/** AWS's own key, which all of its services may use. */
const OF_AWS = /(^|[:/])alias\/aws\/ebs$/;

/**
 * Returns the account's own key with which all new volumes of the region are encrypted; undefined if there is none, or
 * without permission to ask. Auto Scaling starts no machine with such a key unless the key's policy, or a grant, permits
 * it; this cannot be asked without rights on the key.
 * @see EC2 User Guide, "EBS encryption by default"; Amazon EC2 Auto Scaling User Guide, "Required AWS KMS key policy for
 *   use with encrypted volumes"
 */
export async function ownVolumeKey({ ec2 }: Pick<AwsClients, "ec2">): Promise<string | undefined> {
  try {
    const { EbsEncryptionByDefault } = await ec2.send(new GetEbsEncryptionByDefaultCommand());
    if (EbsEncryptionByDefault !== true) return undefined;
    const { KmsKeyId } = await ec2.send(new GetEbsDefaultKmsKeyIdCommand());
    return KmsKeyId === undefined || OF_AWS.test(KmsKeyId) ? undefined : KmsKeyId;
  } catch (error) {
    if (/AccessDenied|Unauthorized/.test(originalName(error) ?? "")) return undefined;
    throw error;
  }
}
