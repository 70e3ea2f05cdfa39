import {
  DescribeInstancesCommand,
  DescribeRegionsCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  type Tag,
} from "@aws-sdk/client-ec2";
import { setMaxListeners } from "node:events";
import { UserError } from "../../errors.ts";
import { connectToAws, type AwsClients, type AwsSettings } from "./clients.ts";
import { CHARGED_STATES, isRunning, machineOf, type Machine } from "./machines.ts";
import { machinePrice, monthlyVolumePrice } from "./prices.ts";
import { options, TAG } from "./stack.ts";

/** What an account has of a swarm in a region, whether or not this machine knows the swarm. */
export interface FoundSwarm {
  name: string;
  target: "aws";
  region: string;
  machines: Machine[];
  volumesGiB: number;
  snapshots: number;
  /** Prices in US dollars; the hourly one is undefined if the price of a machine's type is unknown. */
  cost: { hourly: number | undefined; volumeMonthly: number };
}

export interface Everywhere {
  found: FoundSwarm[];
  /** Regions that could not be asked. */
  unknown: { region: string; error: UserError }[];
}

/** Where the list of regions is asked for if no region is configured. */
const ANY_REGION = "us-east-1";

/**
 * Looks for swarms in all regions that an account has enabled, by the tag of their machines, volumes and snapshots.
 * @throws {UserError} if the list of regions cannot be read.
 */
export async function findEverywhere(settings: AwsSettings, interrupt: AbortSignal): Promise<Everywhere> {
  const signal = AbortSignal.any([interrupt]);
  setMaxListeners(0, signal); // some for each region
  const regions = await regionsOf(settings, signal);
  const result: Everywhere = { found: [], unknown: [] };
  await Promise.all(
    regions.map(async (region) => {
      try {
        using clients = await connectToAws({ ...settings, region });
        result.found.push(...(await findIn(clients, signal)));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        result.unknown.push({ region, error });
      }
    }),
  );
  result.found.sort((one, other) =>
    `${one.region} ${one.name}`.localeCompare(`${other.region} ${other.name}`),
  );
  return result;
}

async function regionsOf(settings: AwsSettings, signal: AbortSignal): Promise<string[]> {
  using clients = await connectToAws({ ...settings, region: ANY_REGION });
  const { Regions } = await clients.ec2.send(new DescribeRegionsCommand({}), options(signal));
  return (Regions ?? []).flatMap(({ RegionName }) => RegionName ?? []);
}

async function findIn({ ec2, region }: AwsClients, signal: AbortSignal): Promise<FoundSwarm[]> {
  const tagged = { Name: "tag-key", Values: [TAG] };
  const charged = { Name: "instance-state-name", Values: CHARGED_STATES };
  const [{ Reservations = [] }, { Volumes = [] }, { Snapshots = [] }] = await Promise.all([
    ec2.send(new DescribeInstancesCommand({ Filters: [tagged, charged] }), options(signal)),
    ec2.send(new DescribeVolumesCommand({ Filters: [tagged] }), options(signal)),
    ec2.send(new DescribeSnapshotsCommand({ Filters: [tagged], OwnerIds: ["self"] }), options(signal)),
  ]);
  const instances = Reservations.flatMap(({ Instances }) => Instances ?? []);
  const names = new Set([...instances, ...Volumes, ...Snapshots].map(swarmOf));
  return [...names].map((name) => {
    const own = <T extends { Tags?: Tag[] | undefined }>(all: readonly T[]): T[] =>
      all.filter((each) => swarmOf(each) === name);
    const machines = own(instances).map(machineOf);
    const volumesGiB = own(Volumes).reduce((sum, { Size }) => sum + (Size ?? 0), 0);
    const cost = {
      hourly: hourly(machines, region),
      volumeMonthly: monthlyVolumePrice(volumesGiB, region),
    };
    return { name, target: "aws", region, machines, volumesGiB, snapshots: own(Snapshots).length, cost };
  });
}

function swarmOf({ Tags }: { Tags?: Tag[] | undefined }): string {
  return Tags?.find(({ Key }) => Key === TAG)?.Value ?? "?";
}

function hourly(machines: readonly Machine[], region: string): number | undefined {
  let sum = 0;
  for (const { type, role } of machines.filter(isRunning)) {
    const price = machinePrice(type, role, region, undefined);
    if (price === undefined) return undefined;
    sum += price;
  }
  return sum;
}
