import type { Plan } from "../../providers/aws/plan.ts";
import { PRICES_AS_OF } from "../../providers/aws/prices.ts";
import { dollars } from "./aws-status.ts";
import { count } from "../terminal/format.ts";

/** What would be made and what it would cost, for the user to agree to. */
export function explainPlan(plan: Plan): string[] {
  const { options, account, region, stack, parameters } = plan;
  const { workers, instanceType, managerType, spot, idleMinutes, maxHours, volumeGiB } = options;
  const market = spot ? " (spot: at most; AWS may reclaim them)" : "";
  const cost =
    plan.hourly === undefined
      ? "cost per hour: unknown for these types, see https://aws.amazon.com/ec2/pricing/on-demand"
      : `costs about ${dollars(plan.hourly)} an hour while running${market}`;
  return [
    `a swarm ${options.name} in ${region}, account ${account.id}, as stack ${stack}:`,
    `  manager   1 ${managerType}`,
    `  workers   ${count(workers, "machine")} ${instanceType}`,
    `  volume    ${volumeGiB} GiB, encrypted; ${dollars(plan.volumeMonthly)} a month, also while halted`,
    ...(parameters["SshCidr"] === undefined ? [] : [`  SSH from  ${parameters["SshCidr"]}`]),
    `  halts     after ${idleMinutes} minutes idle, and after ${maxHours} hours in any case`,
    `  ${cost}, by ${plan.prices === undefined ? `the list prices of ${PRICES_AS_OF}` : "AWS's price list of today"}`,
  ];
}
