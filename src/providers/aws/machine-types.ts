import {
  DescribeAvailabilityZonesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  type _InstanceType,
} from "@aws-sdk/client-ec2";
import { GetServiceQuotaCommand } from "@aws-sdk/client-service-quotas";
import { UserError } from "../../errors.ts";
import { originalName } from "./aws-errors.ts";
import type { AwsClients } from "./clients.ts";

type Ec2 = Pick<AwsClients, "ec2" | "region">;

/** Architecture of the images in our template. */
const ARCHITECTURE = "x86_64";

/** Quotas for "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances" and for spot instances, in vCPUs. */
const QUOTAS = { onDemand: "L-1216C47A", spot: "L-34B43A08" } as const;
const STANDARD = /^[acdhimrtz]\d/;

/** Returns a zone of the region that offers all these instance types. @throws {UserError} if there is none. */
export async function zoneFor(clients: Ec2, types: readonly string[]): Promise<string> {
  const [zone] = await zonesOffering(clients, types);
  return zone!;
}

/**
 * Returns the zones of the region that offer all these instance types, sorted.
 * @throws {UserError} if there is none; it names a type that the region does not offer.
 */
export async function zonesOffering({ ec2, region }: Ec2, types: readonly string[]): Promise<string[]> {
  const wanted = [...new Set(types)];
  const [{ InstanceTypeOfferings }, zones] = await Promise.all([
    ec2.send(
      new DescribeInstanceTypeOfferingsCommand({
        LocationType: "availability-zone",
        Filters: [{ Name: "instance-type", Values: wanted }],
      }),
    ),
    ordinaryZones(ec2),
  ]);
  const zonesOf = (type: string): string[] =>
    (InstanceTypeOfferings ?? [])
      .filter(({ InstanceType }) => InstanceType === type)
      .flatMap(({ Location }) => Location ?? [])
      .filter((zone) => zones.has(zone));
  const missing = wanted.find((type) => zonesOf(type).length === 0);
  if (missing !== undefined) {
    throw new UserError(`the region ${region} has no instance type ${missing}`, {
      hint: "see https://aws.amazon.com/ec2/instance-types, or choose another region with --region",
    });
  }
  const common = wanted
    .map(zonesOf)
    .reduce((all, zones) => all.filter((each) => zones.includes(each)))
    .sort();
  if (common.length > 0) return common;
  throw new UserError(`no zone of the region ${region} offers all of ${wanted.join(", ")}`, {
    hint: "choose another type with --instance-type or --manager-type",
  });
}

/** Returns the zones of the region that are available, without Local Zones and Wavelength Zones, which an account has opted in to. */
async function ordinaryZones(ec2: AwsClients["ec2"]): Promise<Set<string>> {
  const { AvailabilityZones } = await ec2.send(
    new DescribeAvailabilityZonesCommand({
      Filters: [
        { Name: "zone-type", Values: ["availability-zone"] },
        { Name: "state", Values: ["available"] },
      ],
    }),
  );
  return new Set((AvailabilityZones ?? []).flatMap(({ ZoneName }) => ZoneName ?? []));
}

/**
 * Returns the number of vCPUs of each instance type.
 * @throws {UserError} naming a type on which our images do not run.
 */
export async function processorsOf({ ec2 }: Ec2, types: readonly string[]): Promise<Map<string, number>> {
  const { InstanceTypes } = await ec2.send(
    new DescribeInstanceTypesCommand({ InstanceTypes: [...new Set(types)] as _InstanceType[] }),
  );
  const processors = new Map<string, number>();
  for (const { InstanceType, VCpuInfo, ProcessorInfo } of InstanceTypes ?? []) {
    if (ProcessorInfo?.SupportedArchitectures?.includes(ARCHITECTURE) === false) {
      throw new UserError(`machines of the type ${InstanceType ?? "?"} are not ${ARCHITECTURE}`, {
        hint: "use one such as c6i.large, c7a.xlarge or m7i.2xlarge",
      });
    }
    processors.set(InstanceType ?? "?", VCpuInfo?.DefaultVCpus ?? 0);
  }
  return processors;
}

/**
 * Compares the vCPUs that a swarm needs with the account's quota, which is small for new accounts.
 * @throws {UserError} if the quota is too small, because AWS would start only some of the machines.
 */
export async function checkQuota(
  clients: Pick<AwsClients, "serviceQuotas">,
  machines: readonly { type: string; count: number; spot: boolean }[],
  processors: ReadonlyMap<string, number>,
): Promise<void> {
  for (const spot of [false, true]) {
    const needed = machines
      .filter((machine) => machine.spot === spot && STANDARD.test(machine.type))
      .reduce((sum, { type, count }) => sum + count * (processors.get(type) ?? 0), 0);
    const quota = needed === 0 ? undefined : await quotaOf(clients, spot ? QUOTAS.spot : QUOTAS.onDemand);
    if (quota === undefined || needed <= quota) continue;
    throw new UserError(
      `the swarm needs ${needed} vCPUs${spot ? " of spot instances" : ""}, but the quota of your AWS account is ${quota}`,
      {
        hint: "use fewer or smaller machines (--workers, --instance-type), or request a higher quota in the AWS console: Service Quotas, Amazon EC2, Running … Standard instances",
      },
    );
  }
}

/** Returns a quota in vCPUs; undefined without permission to read it, which does not prevent creating a swarm. */
export async function quotaOf(
  { serviceQuotas }: Pick<AwsClients, "serviceQuotas">,
  code: string = QUOTAS.onDemand,
): Promise<number | undefined> {
  try {
    const { Quota } = await serviceQuotas.send(
      new GetServiceQuotaCommand({ ServiceCode: "ec2", QuotaCode: code }),
    );
    return Quota?.Value;
  } catch (error) {
    if (/AccessDenied|NoSuchResource/.test(originalName(error) ?? "")) return undefined;
    throw error;
  }
}
