import { AuthorizeSecurityGroupIngressCommand, DescribeSecurityGroupsCommand } from "@aws-sdk/client-ec2";
import { UserError } from "../../errors.ts";
import { awsErrorName } from "./aws-errors.ts";
import type { AwsClients } from "./clients.ts";
import { checkCidr } from "./plan.ts";
import { TAG } from "./stack.ts";

/** Allows a range of addresses, in addition to those already allowed, to reach the manager by SSH. */
export async function allowSsh(
  { ec2 }: Pick<AwsClients, "ec2">,
  swarm: string,
  range: string,
): Promise<void> {
  const cidr = checkCidr(range);
  const { SecurityGroups } = await ec2.send(
    new DescribeSecurityGroupsCommand({
      Filters: [
        { Name: `tag:${TAG}`, Values: [swarm] },
        { Name: "tag:Name", Values: [`${swarm}-manager`] },
      ],
    }),
  );
  const group = SecurityGroups?.[0]?.GroupId;
  if (group === undefined) throw new UserError(`the swarm ${swarm} has no security group for its manager`);
  try {
    await ec2.send(
      new AuthorizeSecurityGroupIngressCommand({
        GroupId: group,
        IpPermissions: [{ IpProtocol: "tcp", FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: cidr }] }],
      }),
    );
  } catch (error) {
    if (awsErrorName(error) !== "InvalidPermission.Duplicate") throw error;
  }
}
