/**
 * Date of the list prices below, in US dollars for Linux on demand. They are only an estimate.
 * @see https://aws.amazon.com/ec2/pricing/on-demand and https://aws.amazon.com/ebs/pricing
 */
const PRICES_AS_OF = "2025-06";

/** Price of an hour of the size `large`. Other sizes cost in proportion: `xlarge` twice, `medium` half as much, … */
const LARGE: Record<string, number> = {
  t2: 0.0928,
  t3: 0.0832,
  t3a: 0.0752,
  c5: 0.085,
  c5a: 0.077,
  c6a: 0.0765,
  c6i: 0.085,
  c7a: 0.10264,
  c7i: 0.08925,
  m5: 0.096,
  m5a: 0.086,
  m6a: 0.0864,
  m6i: 0.096,
  m7a: 0.11592,
  m7i: 0.1008,
  r5: 0.126,
  r6a: 0.1134,
  r6i: 0.126,
  r7i: 0.1323,
};

const SIZES = ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge"];

/** Instance types whose prices are known, for completion; AWS has more. */
export const KNOWN_TYPES: readonly string[] = Object.keys(LARGE).flatMap((family) =>
  SIZES.filter((size) => !family.startsWith("t") || !/^[48]x/.test(size)).map((size) => `${family}.${size}`),
);

/** Price level of a region relative to us-east-1. */
const REGION_FACTOR: Record<string, number> = {
  "us-east-1": 1,
  "us-east-2": 1,
  "us-west-2": 1,
  "ca-central-1": 1.12,
  "eu-north-1": 1.08,
  "eu-west-1": 1.12,
  "eu-west-2": 1.19,
  "eu-west-3": 1.19,
  "eu-central-1": 1.2,
  "ap-south-1": 1.1,
};
/** The regions whose prices are known. */
export const KNOWN_REGIONS = Object.keys(REGION_FACTOR);
/** Price level of the most expensive region, which is assumed for regions that are not in the table. */
const HIGHEST_FACTOR = 1.6;

const VOLUME_GIB_MONTH = 0.08;
/** Price of an hour of a public IPv4 address. */
export const ADDRESS_HOUR = 0.005;
const HOURS_A_MONTH = 730;

/** Price of an hour of a machine with its public address, in US dollars, by instance type. */
export type Prices = Readonly<Record<string, number>>;

/**
 * Returns the price of an hour of a machine in US dollars, from AWS's price list if available, otherwise from our table;
 * undefined if neither has the type.
 */
function priceOf(type: string, region: string, prices: Prices | undefined): number | undefined {
  return prices?.[type] ?? hourlyPrice(type, region);
}

function hourlyPrice(type: string, region: string): number | undefined {
  const [family, size = ""] = type.split(".");
  if (region.startsWith("cn-")) return undefined; // China has a price list of its own, in yuan
  const large = LARGE[family ?? ""];
  const factor = sizeFactor(size);
  if (large === undefined || factor === undefined) return undefined;
  return large * factor * regionFactor(region) + ADDRESS_HOUR;
}

/** Size in GiB of a machine's own disk, by its role, as in our template. */
const DISK_GIB = { manager: 20, worker: 30, other: 30 };

/** Returns the price of an hour of a machine with its address and disk in US dollars; undefined if it is unknown. */
export function machinePrice(
  type: string,
  role: keyof typeof DISK_GIB,
  region: string,
  prices: Prices | undefined,
): number | undefined {
  const price = priceOf(type, region, prices);
  return price === undefined ? undefined : price + volumePrice(DISK_GIB[role], region, 1);
}

/**
 * Share of its vCPUs that a machine of the types t3 and t3a may use for its price, by size; it has two vCPUs up to
 * `large`. Beyond it, AWS charges for each vCPU-hour.
 * @see Amazon EC2 User Guide, "Burstable performance instances: CPU credits" and "Unlimited mode".
 */
const BASELINE: Record<string, { share: number; processors: number }> = {
  nano: { share: 0.05, processors: 2 },
  micro: { share: 0.1, processors: 2 },
  small: { share: 0.2, processors: 2 },
  medium: { share: 0.2, processors: 2 },
  large: { share: 0.3, processors: 2 },
  xlarge: { share: 0.4, processors: 4 },
  "2xlarge": { share: 0.4, processors: 8 },
};
const SURPLUS_HOUR = 0.05;

/** Returns what an hour of a machine may cost beyond its price, in US dollars, if it computes all the time. */
export function mostSurplus(type: string): number {
  const [, size = ""] = /^t3a?\.(\w+)$/.exec(type) ?? [];
  const baseline = BASELINE[size];
  return baseline === undefined ? 0 : (1 - baseline.share) * baseline.processors * SURPLUS_HOUR;
}

/**
 * Price of a swarm's alarms and of its metric in US dollars per month, beyond those that are free: eight metrics of four
 * alarms, and one metric of its own.
 * @see https://aws.amazon.com/cloudwatch/pricing
 */
export const ALARMS_MONTH = 8 * 0.1 + 0.3;
/** Price in US dollars of each GB that leaves AWS, in most regions, beyond 100 GB a month. */
export const TRAFFIC_GB = 0.09;

const OLD_MS = 180 * 24 * 3600_000;

/** Returns where the prices of the table come from, and whether they may have changed since. */
export function tableName(now = Date.now()): string {
  const isOld = now - Date.parse(PRICES_AS_OF) > OLD_MS;
  return `the list prices of ${PRICES_AS_OF}${isOld ? ", which may have changed since" : ""}`;
}

/** Returns the price of a volume in US dollars per month. */
export function monthlyVolumePrice(sizeGiB: number, region: string): number {
  return sizeGiB * VOLUME_GIB_MONTH * regionFactor(region);
}

/** Returns the price of a volume for some hours, in US dollars. */
export function volumePrice(sizeGiB: number, region: string, hours: number): number {
  return (monthlyVolumePrice(sizeGiB, region) * hours) / HOURS_A_MONTH;
}

function regionFactor(region: string): number {
  return REGION_FACTOR[region] ?? HIGHEST_FACTOR;
}

function sizeFactor(size: string): number | undefined {
  const small = { nano: 1 / 16, micro: 1 / 8, small: 1 / 4, medium: 1 / 2, large: 1, xlarge: 2 }[size];
  if (small !== undefined) return small;
  const times = /^(\d+)xlarge$/.exec(size)?.[1];
  return times === undefined ? undefined : 2 * Number(times);
}
