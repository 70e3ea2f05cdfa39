import { spawn, type ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "../../scripts/setup.js";
import type { Script } from "./aws-proxy.ts";
import { INIT, type AwsUser } from "./aws-user.ts";
import { REGION } from "./emulator.ts";
import { awsError } from "./stack-script.ts";

export const SMOKE_SCRIPT = path.join(ROOT, "scripts", "aws-smoke.js");
/** Time limit for AWS's emulator to create something, on a busy machine. */
export const STARTED = 150_000;

/** The few regions of the account, so that asking all of them is fast. */
const REGIONS = `<DescribeRegionsResponse><regionInfo>${[REGION, "us-east-1"]
  .map((name) => `<item><regionName>${name}</regionName></item>`)
  .join("")}</regionInfo></DescribeRegionsResponse>`;

/** Returns AWS's answers to a smoke test: those of a script, and some that the emulator does not give. */
export function smokeAnswers(script: Script = () => undefined): Script {
  return (call) => {
    switch (call.action) {
      case "ec2:CreateVpc": // the emulator ignores DryRun, and would create a network
        return awsError(
          call,
          "DryRunOperation",
          "Request would have succeeded, but DryRun flag is set.",
          412,
        );
      case "ec2:DescribeRegions":
        return { status: 200, body: REGIONS };
      default:
        return script(call);
    }
  };
}

/** A running smoke test. */
export interface SmokeRun {
  child: ChildProcess;
  exitCode: Promise<number | null>;
  /** What it has printed so far. */
  output: () => string;
  report: () => Promise<string>;
  /** Waits for something that happens during the test. */
  during: <T>(wait: Promise<T>) => Promise<T>;
}

/** Starts `npm run aws:smoke -- --yes`. @param more further options of init. */
export function startSmoke(
  user: AwsUser,
  options: readonly string[],
  more: readonly string[] = [],
): SmokeRun {
  const init = INIT.slice(1, -1); // without "init" and "--yes"
  const args = ["--yes", "--poll-seconds", "0.2", ...options, "--", ...init, ...more];
  const child = user.adopt(
    spawn(process.execPath, [SMOKE_SCRIPT, ...args], {
      cwd: user.directory,
      env: user.env,
      stdio: ["ignore", "pipe", "pipe"],
    }),
  );
  let output = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding("utf8").on("data", (printed: string) => (output += printed));
  const exitCode = new Promise<number | null>((resolve) => child.once("close", resolve));
  return {
    child,
    exitCode,
    output: () => output,
    report: () => readFile(path.join(user.directory, "aws-smoke-report.md"), "utf8"),
    during: (wait) =>
      Promise.race([
        wait,
        exitCode.then((code): never => {
          throw new Error(`the test ended early, with exit code ${code}:\n${output}`);
        }),
      ]),
  };
}

/** Returns the steps of a report: `create the swarm: ok`. */
export function outcomes(report: string): string[] {
  return report
    .split("\n")
    .filter((line) => / \d+ s \| /.test(line))
    .map((line) => line.split(" | "))
    .map(([what = "", , , outcome = ""]) => `${what.replace("| ", "")}: ${outcome}`);
}
