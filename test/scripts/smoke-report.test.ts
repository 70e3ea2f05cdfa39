import { describe, expect, it } from "vitest";
import { readQuote } from "../../scripts/smoke-course.js";
import { formatReport, publishable } from "../../scripts/smoke-report.js";

const OWN = { home: "/home/ann", user: "ann", host: "workstation" };

describe("publishable", () => {
  it.each([
    ["account 123456789012", "account ACCOUNT"],
    ["account 1234-5678-9012", "account ACCOUNT"],
    ["arn:aws:iam::123456789012:user/ann.lee", "arn:aws:iam::ACCOUNT:user/USER"],
    ["arn:aws:sts::123456789012:assumed-role/dev/ann", "arn:aws:sts::ACCOUNT:assumed-role/USER"],
    ["the key AKIAIOSFODNN7EXAMPLE", "the key KEY"],
    ["secret wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1", "secret SECRET"],
    ["http://localhost:80/#token=abc", "http://localhost:80/#token=SECRET"],
    ["redis://:pw@host", "redis://USER@host"],
    ["mail ann.lee@example.org", "mail MAIL"],
    ["opening the tunnel to i-0123 at 54.214.228.29", "opening the tunnel to i-0123 at ADDRESS"],
    ["--ssh-cidr 203.0.113.7/32", "--ssh-cidr ADDRESS"],
    ["ip-10-0-1-7.eu-central-1.compute.internal", "ADDRESS"],
    ["from 2001:db8::1 and ::1", "from ADDRESS and ADDRESS"],
    ["SHA256:abcDEF123", "FINGERPRINT"],
    ["--profile work --yes", "--profile PROFILE --yes"],
    ["/home/ann/study of ann on workstation", "~/study of USER on HOST"],
  ])("%s", (text, expected) => {
    expect(publishable(text, OWN)).toBe(expected);
  });

  it.each([
    "at 11:42:07, Docker 28.2.2 with Node.js 20.20.2 on Debian 2+deb12u10",
    "AWS could not create ManagerGroup (AWS::AutoScaling::AutoScalingGroup): no c6i.large in eu-central-1a",
    "i-0123456789abcdef0 in /tmp/swarm-smoke-x1Y2z3/mm1/simulations/results/Quick-arrivalRate=0.3,1-#0.sca",
    "2026-11-27T11:42:07.123Z annotated by announcements",
  ])("does not change %s", (text) => {
    expect(publishable(text, OWN)).toBe(text);
  });
});

describe("formatReport", () => {
  it("has a row for each step, and the whole error of a failed one in a code block", () => {
    const startedAt = new Date("2026-11-27T11:42:07Z");
    const report = formatReport({
      facts: [["region", "eu-central-1"]],
      steps: [
        { what: "create the swarm", startedAt, seconds: 127.4, outcome: "ok", details: "" },
        {
          what: "remove the swarm",
          startedAt,
          seconds: 2,
          outcome: "failed",
          details: "a | b",
          error: "exit code 2\n```\nat 54.214.228.29\n",
        },
      ],
      billing: "**Something may still be billed.**",
    });
    expect(report).toBe(`## Smoke test on AWS

- region: eu-central-1

| step | started (UTC) | time | outcome | details |
| --- | --- | --- | --- | --- |
| create the swarm | 11:42:07 | 2 min 7 s | ok |  |
| remove the swarm | 11:42:07 | 2 s | failed | a \\| b |

**Something may still be billed.**

### remove the swarm

\`\`\`\`text
exit code 2
\`\`\`
at ADDRESS
\`\`\`\`
`);
  });
});

describe("readQuote", () => {
  const PLAN = `a swarm smoke in eu-central-1, account 123456789012, as stack swarm-smoke:
  manager   1 t3.large
  workers   1 machine c6i.large
  costs about $0.22 an hour while running, with disks and public addresses, by AWS's price list of today
  and up to $0.07 an hour more while its t3 machines compute all the time
`;
  const ended = (output: string, exitCode = 2) => ({
    command: "swarm-tool init",
    stdout: "",
    output,
    exitCode,
  });
  const QUESTION = "swarm-tool: the swarm smoke costs money from now until it is halted\n";

  it("reads region, machines and the highest price", () => {
    const { hourly, ...more } = readQuote(ended(PLAN + QUESTION));
    expect(more).toEqual({
      region: "eu-central-1",
      types: "manager: 1 t3.large; workers: 1 machine c6i.large",
    });
    expect(hourly).toBeCloseTo(0.29);
  });

  it("refuses an unknown price, and what is not a question about costs", () => {
    const unknown = PLAN.replace(/costs about .*/, "cost per hour: unknown for these types, see https://x");
    expect(() => readQuote(ended(unknown + QUESTION))).toThrow("price of these machines is not known");
    expect(() => readQuote(ended("swarm-tool: no credentials\nhint: run aws configure\n"))).toThrow(
      "exit code 2: swarm-tool: no credentials",
    );
    expect(() => readQuote(ended(PLAN + QUESTION, 0))).toThrow("exit code 0");
  });
});
