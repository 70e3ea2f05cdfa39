import { EXIT } from "../terminal/command.ts";
import { checkDocker, checkMachine } from "./doctor-machine.ts";
import type { Finding, Target } from "./finding.ts";
import type { Io } from "./io.ts";

export interface DoctorFlags {
  local?: true;
  docker?: true;
  aws?: true;
  host?: string;
  context?: string;
  region?: string;
  profile?: string;
}

interface Section {
  title: string;
  /** A sentence instead of findings. */
  note?: string;
  findings: readonly Finding[];
}

/**
 * Checks the requirements of swarms and prints the findings in sections. Returns exit code 2 if something is missing
 * without which the kinds of swarms that were asked for, or every kind, cannot be used.
 */
export async function doctor(flags: DoctorFlags, { say }: Io): Promise<number> {
  const asked = targetsOf(flags);
  const isNeeded = ({ neededFor }: Finding): boolean =>
    neededFor === undefined || neededFor.some((target) => asked.includes(target));
  const sections = await Promise.all([thisMachine(), dockerSection(flags), awsSection(flags, asked)]);
  for (const [index, { title, note, findings }] of sections.entries()) {
    say(`${index === 0 ? "" : "\n"}${title}`);
    if (note !== undefined) say(`  ${note}`);
    for (const finding of findings) linesOf(finding, isNeeded(finding)).forEach(say);
  }
  const found = sections.flatMap(({ findings }) => findings);
  const missing = found.filter((each) => each.trouble !== undefined && isNeeded(each));
  say(missing.length === 0 ? "\nready" : `\nnot ready: ${missing.map(({ what }) => what).join(", ")}`);
  return missing.length > 0 ? EXIT.usage : EXIT.done;
}

/** Returns the kinds of swarms that options ask for. */
function targetsOf({ local, docker, aws, host, context, region, profile }: DoctorFlags): Target[] {
  return [
    ...(local ? (["local"] as const) : []),
    ...((docker ?? host ?? context) === undefined ? [] : (["docker"] as const)),
    ...((aws ?? region ?? profile) === undefined ? [] : (["aws"] as const)),
  ];
}

function linesOf({ what, trouble, fix }: Finding, isNeeded: boolean): string[] {
  if (trouble === undefined) return [`  ok    ${what}`];
  const label = isNeeded ? "FAIL" : "note";
  return [`  ${label}  ${what}: ${trouble}`, ...(fix === undefined ? [] : [`        hint: ${fix}`])];
}

async function thisMachine(): Promise<Section> {
  return { title: "This machine", findings: await checkMachine() };
}

async function dockerSection({ host, context }: DoctorFlags): Promise<Section> {
  const endpoint = { ...(host !== undefined && { host }), ...(context !== undefined && { context }) };
  return { title: "Docker (for swarms on Docker and AWS)", findings: await checkDocker(endpoint) };
}

async function awsSection(flags: DoctorFlags, asked: readonly Target[]): Promise<Section> {
  const title = "AWS";
  const { isAwsConfigured } = await import("../../providers/aws/configured.ts");
  if (!asked.includes("aws") && !(await isAwsConfigured())) {
    const note = "not configured on this machine, so not checked; to check it, run: swarm-tool doctor --aws";
    return { title, note, findings: [] };
  }
  const { checkAws } = await import("./doctor-aws.ts");
  return { title, findings: await checkAws(flags) };
}
