import { DescribeInstanceTypeOfferingsCommand } from "@aws-sdk/client-ec2";
import { UserError } from "../../errors.ts";
import type { AwsClients } from "./clients.ts";

/**
 * A zone of the region that offers all these instance types.
 * @throws {UserError} naming a type that the region does not offer.
 */
export async function zoneFor(
  { ec2, region }: Pick<AwsClients, "ec2" | "region">,
  types: readonly string[],
): Promise<string> {
  const wanted = [...new Set(types)];
  const { InstanceTypeOfferings } = await ec2.send(
    new DescribeInstanceTypeOfferingsCommand({
      LocationType: "availability-zone",
      Filters: [{ Name: "instance-type", Values: wanted }],
    }),
  );
  const zonesOf = (type: string): string[] =>
    (InstanceTypeOfferings ?? [])
      .filter(({ InstanceType }) => InstanceType === type)
      .flatMap(({ Location }) => Location ?? []);
  const missing = wanted.find((type) => zonesOf(type).length === 0);
  if (missing !== undefined) {
    throw new UserError(`the region ${region} has no instance type ${missing}`, {
      hint: "see https://aws.amazon.com/ec2/instance-types, or choose another region with --region",
    });
  }
  const zone = wanted
    .map(zonesOf)
    .reduce((all, zones) => all.filter((each) => zones.includes(each)))
    .sort()[0];
  if (zone !== undefined) return zone;
  throw new UserError(`no zone of the region ${region} offers all of ${wanted.join(", ")}`, {
    hint: "choose another type with --instance-type or --manager-type",
  });
}
