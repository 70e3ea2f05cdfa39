import type { PricedPlan } from "../../providers/provider.ts";
import { count, dollars } from "../terminal/format.ts";

/** Returns lines about what would be created on AWS and its costs, which the user has to accept. */
export function explainPlan(plan: PricedPlan): string[] {
  const { workers, instanceType, managerType, spot, idleMinutes, maxHours, volumeGiB } = plan;
  const market = spot ? " (spot: at most; AWS may reclaim them)" : "";
  const cost =
    plan.hourly === undefined
      ? "cost per hour: unknown for these types, see https://aws.amazon.com/ec2/pricing/on-demand"
      : `costs about ${dollars(plan.hourly)} an hour while running${market}`;
  return [
    `a swarm ${plan.name} in ${plan.region}, account ${plan.account}, as stack ${plan.stack}:`,
    `  manager   1 ${managerType}`,
    `  workers   ${count(workers, "machine")} ${instanceType}`,
    `  volume    ${volumeGiB} GiB, encrypted; ${dollars(plan.volumeMonthly)} a month, also while halted`,
    ...(plan.sshCidr === undefined ? [] : [`  SSH from  ${plan.sshCidr}`]),
    `  halts     after ${idleMinutes} minutes idle, and after ${maxHours} hours in any case`,
    `  ${cost}, by ${plan.prices}`,
  ];
}
