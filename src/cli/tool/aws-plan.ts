import type { PricedPlan } from "../../providers/provider.ts";
import { count, dollars } from "../terminal/format.ts";

/** Returns lines about what would be created on AWS and its costs, which the user has to accept. */
export function explainPlan(plan: PricedPlan): string[] {
  const { workers, instanceType, managerType, spot, idleMinutes, maxHours, volumeGiB } = plan;
  const market = spot ? " (spot: at most; AWS may reclaim them)" : "";
  const cost =
    plan.hourly === undefined
      ? "cost per hour: unknown for these types, see https://aws.amazon.com/ec2/pricing/on-demand"
      : `costs about ${dollars(plan.hourly)} an hour while running${market}, with disks and public addresses, by ${plan.prices}`;
  return [
    `a swarm ${plan.name} in ${plan.region}, account ${plan.account}, as stack ${plan.stack}:`,
    `  manager   1 ${managerType}`,
    `  workers   ${count(workers, "machine")} ${instanceType}`,
    `  volume    ${volumeGiB} GiB, encrypted; ${dollars(plan.volumeMonthly)} a month, also while halted`,
    ...(plan.volumeKey === undefined
      ? []
      : [
          `  key       all disks are encrypted with ${plan.volumeKey}, a key of the account; no machine starts`,
          "            unless the role AWSServiceRoleForAutoScaling may use it (docs/aws.md: Keys of the account)",
        ]),
    ...(plan.sshCidr === undefined ? [] : [`  SSH from  ${plan.sshCidr}`]),
    `  halts     after ${idleMinutes} minutes idle, and after ${maxHours} hours in any case`,
    `  ${cost}`,
    ...(plan.surplusHourly > 0
      ? [`  and up to ${dollars(plan.surplusHourly)} an hour more while its t3 machines compute all the time`]
      : []),
    `  alarms    ${dollars(plan.alarmsMonthly)} a month, unless AWS's free ones suffice`,
    `  results   ${dollars(plan.trafficGB)} for each GB downloaded, beyond AWS's free 100 GB a month`,
  ];
}
