import path from "node:path";
import { UserError } from "../../errors.ts";
import { SIMULATORS, versionOf } from "../../omnetpp/simulator.ts";
import type { DockerEndpoint } from "../../providers/docker-endpoint.ts";
import { findRedisServer } from "../../providers/local/redis-server.ts";
import { OLDEST_REDIS } from "../../queue/oldest-redis.ts";
import { findProgram, runProgram } from "../../system/program.ts";
import { count } from "../terminal/format.ts";
import { troubleOf, type Finding } from "./finding.ts";

const OLDEST_NODE = [20, 19] as const;
/** Docker is queried this long: its address may be that of another machine. */
const DOCKER_TIMEOUT_MS = 10_000;

/** Checks the programs that runall-swarm and a swarm on this machine need. */
export async function checkMachine(): Promise<Finding[]> {
  const forBuilds = "needed to build C++ models on this machine; Debian: apt-get install build-essential";
  const forRebuilds = "optional: builds of a changed project compile only what has changed; install ccache";
  return await Promise.all([
    checkNode(),
    checkProgram(["git"], ["--version"], { fix: "needed by runall-swarm: install git" }),
    checkOmnetpp(),
    checkRedis(),
    checkProgram(["make"], ["--version"], { fix: forBuilds, neededFor: [] }),
    checkProgram(["g++", "clang++", "c++"], ["--version"], { fix: forBuilds, neededFor: [] }),
    checkProgram(["ccache"], ["--version"], { fix: forRebuilds, neededFor: [] }),
  ]);
}

function checkNode(): Promise<Finding> {
  const { node } = process.versions;
  return Promise.resolve({
    what: `Node.js ${node}`,
    trouble: isAtLeast(node, OLDEST_NODE) ? undefined : "too old",
    fix: `install ${OLDEST_NODE.join(".")} or later: https://nodejs.org/en/download`,
  });
}

async function checkOmnetpp(): Promise<Finding> {
  const missing = {
    trouble: "not found",
    fix: "needed by runall-swarm: in this terminal, run: source <OMNeT++ folder>/setenv",
  };
  const program = await findProgram(SIMULATORS);
  if (program === undefined) return { what: "OMNeT++ (opp_run)", ...missing };
  try {
    return { what: `OMNeT++ ${(await versionOf(program)) ?? "of an unknown version"}`, trouble: undefined };
  } catch (error) {
    return troubleOf("OMNeT++ (opp_run)", error);
  }
}

async function checkRedis(): Promise<Finding> {
  const fix =
    "needed for a swarm on this machine: install redis-server or valkey-server; swarm-tool init --local --yes installs one for this user only";
  const missing = { fix, neededFor: ["local"] as const };
  let server: string | undefined;
  try {
    server = await findRedisServer();
  } catch (error) {
    return troubleOf("REDIS_SERVER", error, ["local"]);
  }
  if (server === undefined) return { ...missing, what: "redis-server", trouble: "not found" };
  const name = path.basename(server);
  const isInPath = (await findProgram([name])) === server;
  const found = await checkProgram([isInPath ? name : server], ["--version"], missing);
  const version = /\d+\.\d+\S*$/.exec(found.what)?.[0];
  if (found.trouble !== undefined || version === undefined || isAtLeast(version, OLDEST_REDIS)) return found;
  return { ...found, trouble: `too old; at least ${OLDEST_REDIS.join(".")} is required` };
}

/**
 * Checks that one of several equivalent programs can be started, and finds its version in what it prints. Its exit
 * code is ignored.
 */
export async function checkProgram(
  names: readonly string[],
  args: readonly string[],
  missing: Pick<Finding, "fix" | "neededFor">,
): Promise<Finding> {
  for (const name of names) {
    try {
      const { stdout, stderr } = await runProgram(name, args);
      const version = /\d+\.\d+[\w.]*/.exec(`${stdout}\n${stderr}`)?.[0];
      return { ...missing, what: version === undefined ? name : `${name} ${version}`, trouble: undefined };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
  return { ...missing, what: names[0]!, trouble: "not found" };
}

function isAtLeast(version: string, [oldestMajor, oldestMinor]: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/** Checks the Docker program, and whether a Docker is the manager of a Docker Swarm. */
export async function checkDocker(endpoint: DockerEndpoint): Promise<Finding[]> {
  const program = await checkProgram(["docker"], ["--version"], {
    fix: "needed for swarms on AWS and on Docker: install Docker's command line, https://docs.docker.com/engine/install",
    neededFor: ["docker", "aws"],
  });
  if (program.trouble !== undefined) return [program];
  return [program, await checkEngine(endpoint)];
}

async function checkEngine(endpoint: DockerEndpoint): Promise<Finding> {
  const { openEngine } = await import("../../providers/docker/engine.ts");
  const limit = AbortSignal.timeout(DOCKER_TIMEOUT_MS);
  try {
    const { version, nodes } = await openEngine(endpoint, limit);
    return {
      what: `Docker Engine ${version}, manager of a Docker Swarm of ${count(nodes.length, "machine")}`,
      trouble: undefined,
    };
  } catch (error) {
    const failure = limit.aborted ? new UserError(`no response within ${DOCKER_TIMEOUT_MS / 1000} s`) : error;
    return troubleOf("Docker Engine", failure, ["docker"]);
  }
}
