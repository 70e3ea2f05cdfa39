import { UserError } from "../../errors.ts";
import type { FoundSwarm } from "../../providers/aws/everywhere.ts";
import { findAllSwarms } from "../../providers/list-swarms.ts";
import { EXIT } from "../terminal/command.ts";
import { count, dollars } from "../terminal/format.ts";
import { printableJson, printableLine } from "../terminal/printable.ts";
import type { Io } from "./io.ts";

export interface StatusFlags {
  json?: true;
  allRegions?: true;
  profile?: string;
}

/** Prints the swarms of an AWS account in all of its regions, and returns the exit code. */
export async function statusEverywhere(
  name: string | undefined,
  { json, profile }: StatusFlags,
  { say, sayData, note, interrupt }: Io,
): Promise<number> {
  const { findEverywhere } = await import("../../providers/aws/everywhere.ts");
  const { swarms } = await findAllSwarms();
  const { found, unknown } = await findEverywhere({ profile }, interrupt);
  const shown = name === undefined ? found : found.filter((each) => each.name === name);
  const isKnown = ({ name: swarm, region }: FoundSwarm): boolean =>
    swarms.some((known) => "region" in known && known.name === swarm && known.region === region);
  if (json) sayData(printableJson(shown, 2));
  else if (shown.length === 0) say("AWS has no machine, volume or snapshot of a swarm");
  else shown.map((swarm) => describeFound(swarm, isKnown(swarm))).forEach(say);
  for (const { region, error } of unknown) note(`${region}: unknown: ${error.message}`);
  return unknown.length > 0 ? EXIT.usage : EXIT.done;
}

function describeFound(swarm: FoundSwarm, isKnown: boolean): string {
  const { name, region, machines, volumesGiB, snapshots, cost } = swarm;
  const hourly = cost.hourly === undefined ? "price unknown" : `${dollars(cost.hourly)} an hour`;
  const parts = [
    `${count(machines.length, "machine")}, ${hourly}`,
    `${volumesGiB} GiB of volumes, ${dollars(cost.volumeMonthly)} a month`,
    ...(snapshots > 0 ? [count(snapshots, "snapshot")] : []),
  ];
  const known = isKnown
    ? `see: swarm-tool status ${name}`
    : `not known to this machine; to remove it here, delete its stack swarm-${name} in the AWS console, under CloudFormation`;
  return printableLine(`${name} (aws, ${region}): ${parts.join("; ")}; ${known}`);
}

/**
 * Prints the IAM policy that a user of swarm-tool needs.
 * @throws {UserError} if the account number is invalid, or AWS cannot be reached.
 */
export async function printPolicy(
  options: { account?: string; profile?: string },
  { sayData }: Io,
): Promise<void> {
  const { policyFor, whoAmI } = await import("../../providers/aws/account.ts");
  if (options.account !== undefined) {
    if (!/^\d{12}$/.test(options.account)) {
      throw new UserError(`${options.account} is not an AWS account number`, {
        hint: "an account number has twelve digits",
      });
    }
    return sayData(await policyFor({ id: options.account, user: "arn:aws:iam" }));
  }
  const { connectToAws } = await import("../../providers/aws/clients.ts");
  using clients = await connectToAws({ region: "us-east-1", ...options }); // the account is the same in all regions
  sayData(await policyFor(await whoAmI(clients)));
}
