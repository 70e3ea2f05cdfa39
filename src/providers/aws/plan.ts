import { isIPv4 } from "node:net";
import { errorText, UserError } from "../../errors.ts";
import { wholeNumberIn } from "../../model/whole-number.ts";
import { readUnlessDamaged } from "../state-file.ts";
import { whoAmI, type Account } from "./account.ts";
import type { AwsClients } from "./clients.ts";
import { checkBoundary } from "./boundary.ts";
import { fetchPrices } from "./price-list.ts";
import { machinePrice, monthlyVolumePrice, mostSurplus, type Prices } from "./prices.ts";
import { describeStack, isOurs, templateParameters, type Template } from "./stack.ts";
import { checkSwarmName, stackName } from "./swarm.ts";
import { readTemplate } from "./template.ts";
import { ownVolumeKey } from "./volume-key.ts";
import { checkQuota, processorsOf, zoneFor } from "./machine-types.ts";

export interface InitOptions {
  name: string;
  profile?: string | undefined;
  workers: number;
  instanceType: string;
  managerType: string;
  sshCidr?: string | undefined;
  spot: boolean;
  maxHours: number;
  idleMinutes: number;
  volumeGiB: number;
  template?: string | undefined;
  sshUser: string;
}

const HOUR_MS = 3600_000;

/** What would be created, for the user to approve. */
export interface Plan {
  options: InitOptions;
  account: Account;
  region: string;
  stack: string;
  template: Template;
  parameters: Record<string, string>;
  /** Price in US dollars per hour; undefined if a type is neither in AWS's current price list nor in our table. */
  hourly: number | undefined;
  /** What an hour may cost beyond that, if burstable machines compute all the time. */
  surplusHourly: number;
  /** Current prices; undefined if AWS does not provide them. */
  prices: Prices | undefined;
  /** Price of the data volume in US dollars per month. */
  volumeMonthly: number;
  /** The account's own key for volumes; undefined if there is none. */
  volumeKey: string | undefined;
  /** Status of the stack, if it exists already. */
  present: { id: string; status: string; created: Date } | undefined;
}

/**
 * Checks whether a swarm can be created and returns what it would cost. Nothing is created.
 * @throws {UserError} if the swarm cannot be created.
 */
export async function planSwarm(clients: AwsClients, options: InitOptions): Promise<Plan> {
  const { name, instanceType, managerType, workers } = options;
  checkSwarmName(name);
  await checkState(name, clients.region);
  const stack = stackName(name);
  const template = await readTemplate(options.template);
  const sshCidr = options.sshCidr === undefined ? await ownAddress() : checkCidr(options.sshCidr);
  const types = [managerType, instanceType];
  const [account, present, known, zone, prices, volumeKey] = await Promise.all([
    whoAmI(clients),
    describeStack(clients, stack),
    templateParameters(clients, template),
    zoneFor(clients, types),
    fetchPrices(types, clients.region, options.profile),
    ownVolumeKey(clients),
  ]);
  if (present !== undefined && !isOurs(present, name)) {
    throw new UserError(`the AWS account has a stack ${stack} that swarm-tool did not create`, {
      hint: "choose another name for the swarm",
    });
  }
  if (present === undefined) {
    if (options.template === undefined) await checkBoundary(clients, account);
    const machines = [
      { type: managerType, count: 1, spot: false },
      { type: instanceType, count: workers, spot: options.spot },
    ];
    await checkQuota(clients, machines, await processorsOf(clients, types));
  }
  const manager = machinePrice(managerType, "manager", clients.region, prices);
  const worker = machinePrice(instanceType, "worker", clients.region, prices);
  return {
    options,
    account,
    region: clients.region,
    stack,
    template,
    parameters: parametersFor({ ...options, sshCidr, zone }, clients.now(), known),
    hourly: manager === undefined || worker === undefined ? undefined : manager + workers * worker,
    surplusHourly: mostSurplus(managerType) + workers * mostSurplus(instanceType),
    prices,
    volumeMonthly: monthlyVolumePrice(options.volumeGiB, clients.region),
    volumeKey,
    present: present && {
      id: present.StackId!,
      status: present.StackStatus!,
      created: present.CreationTime ?? new Date(0),
    },
  };
}

async function checkState(name: string, region: string): Promise<void> {
  const state = await readUnlessDamaged(name);
  if (state === undefined) return;
  if (state.target !== "aws") {
    throw new UserError(`a swarm named ${name} already exists on this machine`, {
      hint: "choose another name",
    });
  }
  if (state.region !== region) {
    throw new UserError(`the swarm ${name} is in the region ${state.region}, not in ${region}`, {
      hint: "remove it first, or choose another name",
    });
  }
}

/** Returns the parameters that the template has: a user's template need not have all of them. */
function parametersFor(
  options: InitOptions & { sshCidr: string; zone: string },
  now: Date,
  known: readonly string[],
): Record<string, string> {
  const required = ["KeyName", "ClusterSize"].find((parameter) => !known.includes(parameter));
  if (required !== undefined) throw new UserError(`the template has no parameter ${required}`);
  const all = {
    SwarmName: options.name,
    KeyName: stackName(options.name),
    InstanceType: options.instanceType,
    ManagerInstanceType: options.managerType,
    ManagerSize: "1",
    ClusterSize: String(options.workers),
    WorkerMarket: options.spot ? "spot" : "on-demand",
    SshCidr: options.sshCidr,
    Zone: options.zone,
    IdleMinutes: String(options.idleMinutes),
    MaxHours: String(options.maxHours),
    EndsAt: endTime(now, options.maxHours),
    LifePeriods: String(lifePeriods(options.maxHours)),
    VolumeSize: String(options.volumeGiB),
  };
  return Object.fromEntries(Object.entries(all).filter(([parameter]) => known.includes(parameter)));
}

/**
 * Returns the number of hours that the lifetime alarms count: one more, because a swarm runs for a part of the first
 * hour, and would be halted before its time. 168 is the limit of CloudWatch.
 */
export function lifePeriods(maxHours: number): number {
  return Math.min(maxHours + 1, 168);
}

/** Returns the time at which a swarm's lifetime is over, to the second, as AWS's schedules need it. */
function endTime(now: Date, hours: number): string {
  return new Date(now.getTime() + hours * HOUR_MS).toISOString().replace(/\.\d+Z$/, "Z");
}

/** Returns an address or address range in CIDR form. @throws {UserError} if it is not valid or too large. */
export function checkCidr(text: string): string {
  const [address = "", bits] = (text.includes("/") ? text : `${text}/32`).split("/");
  const width = wholeNumberIn(bits ?? "", 0, 32);
  if (!isIPv4(address) || width === undefined) {
    throw new UserError(`${JSON.stringify(text)} is not an IPv4 address range`, {
      hint: "write it as 203.0.113.7/32",
    });
  }
  if (width < 8) {
    throw new UserError(`${text} would open the manager to a large part of the internet`, {
      hint: "give the range of your own network, such as 203.0.113.0/24",
    });
  }
  return `${address}/${bits!}`;
}

const OWN_ADDRESS_URL = "https://checkip.amazonaws.com";
const OWN_ADDRESS_TIMEOUT_MS = 10_000;

/** Returns this machine's public address, as seen by AWS, in CIDR form. */
async function ownAddress(): Promise<string> {
  try {
    const response = await fetch(OWN_ADDRESS_URL, { signal: AbortSignal.timeout(OWN_ADDRESS_TIMEOUT_MS) });
    const address = (await response.text()).trim();
    if (response.ok && isIPv4(address)) return `${address}/32`;
    throw new Error(
      `${OWN_ADDRESS_URL} responded with ${response.status} ${JSON.stringify(address.slice(0, 60))}`,
    );
  } catch (error) {
    throw new UserError(`cannot find the address of your network: ${errorText(error)}`, {
      hint: "give the addresses that may reach the swarm: --ssh-cidr 203.0.113.7/32",
      cause: error,
    });
  }
}
