import { runProgram } from "../../system/program.ts";
import { UserError } from "../../errors.ts";
import { findRedisServer } from "../../providers/local/redis-server.ts";
import { EXIT } from "../terminal/command.ts";
import type { Io } from "./io.ts";

interface Finding {
  what: string;
  /** The problem; undefined if there is none. */
  trouble: string | undefined;
  fix?: string | undefined;
  /** Only some swarms need it, so a problem is a note, not a failure. */
  optional?: true;
}

type Check = () => Promise<Finding>;

/** Checks all requirements of swarms and prints the findings. Returns exit code 2 if any check fails. */
export async function doctor(options: { region?: string; profile?: string }, { say }: Io): Promise<number> {
  const checks: Check[] = [
    node,
    program("git", ["--version"], "needed by runall-swarm: install git"),
    program("ssh", ["-V"], "needed for swarms on AWS: install the OpenSSH client"),
    program("ssh-keygen", ["-?"], "needed for swarms on AWS: install the OpenSSH client"),
    program(
      "opp_run",
      ["-v"],
      "needed by runall-swarm: in this terminal, run: source <OMNeT++ folder>/setenv",
    ),
    redisServer,
    optional(
      program(
        "docker",
        ["--version"],
        "needed for swarms on AWS and on Docker: install Docker's command line, https://docs.docker.com/engine/install",
      ),
    ),
  ];
  const findings = [...(await Promise.all(checks.map((check) => check()))), ...(await awsFindings(options))];
  for (const { what, trouble, fix, optional: isOptional } of findings) {
    const label = isOptional ? "note  " : "FAIL  ";
    say(trouble === undefined ? `ok    ${what}` : `${label}${what}: ${trouble}`);
    if (trouble !== undefined && fix !== undefined) say(`      hint: ${fix}`);
  }
  return findings.some(({ trouble, optional: isOptional }) => trouble !== undefined && !isOptional)
    ? EXIT.usage
    : EXIT.done;
}

const OLDEST_NODE = [20, 19] as const;

function node(): Promise<Finding> {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  return Promise.resolve({
    what: `Node.js ${process.versions.node}`,
    trouble: isOld ? "too old" : undefined,
    fix: `install ${OLDEST_NODE.join(".")} or later: https://nodejs.org/en/download`,
  });
}

/** Returns a check that a program can be started. Its exit code is ignored. */
function program(name: string, args: readonly string[], fix: string): Check {
  return async () => {
    try {
      await runProgram(name, args);
      return { what: name, trouble: undefined };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { what: name, trouble: "not found", fix };
    }
  };
}

/** Checks which server a swarm on this machine would use. */
async function redisServer(): Promise<Finding> {
  try {
    const server = await findRedisServer();
    if (server !== undefined) return { what: server, trouble: undefined };
    return {
      what: "redis-server",
      trouble: "not found",
      fix: "needed for a swarm on this machine: install redis-server or valkey-server; swarm-tool init --local --yes installs one for this user only",
      optional: true,
    };
  } catch (error) {
    return { ...troubleOf("REDIS_SERVER", error), optional: true };
  }
}

function optional(check: Check): Check {
  return async () => ({ ...(await check()), optional: true });
}

/** Checks the AWS region, credentials, rights and quota. Stops at a failing check on which the others depend. */
async function awsFindings(options: { region?: string; profile?: string }): Promise<Finding[]> {
  const { connectToAws } = await import("../../providers/aws/clients.ts");
  const { whoAmI } = await import("../../providers/aws/account.ts");
  const { checkPermissions } = await import("../../providers/aws/rights.ts");
  const { quotaOf } = await import("../../providers/aws/machine-types.ts");
  try {
    using clients = await connectToAws(options);
    const region = { what: `AWS region ${clients.region}`, trouble: undefined };
    try {
      const { id, user } = await whoAmI(clients);
      const credentials = { what: `AWS credentials: ${user}, account ${id}`, trouble: undefined };
      const [rights, quota] = await Promise.all([checkPermissions(clients), quotaOf(clients)]);
      return [region, credentials, ...rights.map(asFinding), describeQuota(quota)];
    } catch (error) {
      return [region, troubleOf("AWS credentials", error)];
    }
  } catch (error) {
    return [troubleOf("AWS region", error)];
  }
}

/** vCPUs of a default swarm: two for the manager and for each of three workers. */
const DEFAULT_PROCESSORS = 8;

function describeQuota(quota: number | undefined): Finding {
  if (quota === undefined) return { what: "AWS quota of vCPUs: unknown", trouble: undefined };
  return {
    what: `AWS quota of vCPUs: ${quota}`,
    trouble:
      quota < DEFAULT_PROCESSORS ? `a swarm of the default size needs ${DEFAULT_PROCESSORS}` : undefined,
    fix: "use fewer workers, or request a higher quota in the AWS console: Service Quotas, Amazon EC2, Running On-Demand Standard instances",
    optional: true,
  };
}

function asFinding({ right, error }: { right: string; error: UserError | undefined }): Finding {
  return error === undefined ? { what: right, trouble: undefined } : troubleOf(right, error);
}

function troubleOf(what: string, error: unknown): Finding {
  if (!(error instanceof UserError)) throw error;
  return { what, trouble: error.message, fix: error.hint };
}
