import { readdirSync } from "node:fs";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { stateDirectory } from "../../system/paths.ts";
import { findProgram, isExecutable } from "../../system/program.ts";

/** Servers with Redis's protocol and data format. The first one found in PATH is used. */
const REDIS_SERVERS = ["redis-server", "valkey-server"] as const;
export const INSTALL_HINT =
  "install Redis or Valkey: apt-get install redis-server, dnf install valkey, or brew install redis; or set REDIS_SERVER to the path of a server";
export const REDIS_HINT =
  "a swarm on this machine needs Redis or Valkey for its queue; install one: apt-get install redis-server, dnf install valkey, or brew install redis; without root: swarm-tool init --local --yes installs Valkey for you only; or set REDIS_SERVER to the path of a server";

/** Returns the folder for a server that swarm-tool installs for this user. Home directories may serve several platforms. */
export function ownServerFolder(version: string, env: NodeJS.ProcessEnv = process.env): string {
  return path.join(stateDirectory(env), "redis", `valkey-${version}-${process.platform}-${process.arch}`);
}

/**
 * Returns the path of the server for local swarms; undefined if there is none. It is the one that REDIS_SERVER names,
 * else the one that swarm-tool has installed, because older ones may not read its data, else the first in PATH.
 * @throws {UserError} if REDIS_SERVER names no program.
 */
export async function findRedisServer(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const named = env["REDIS_SERVER"];
  if (named) return await namedServer(named, env);
  for (const server of ownServers(env)) if (await isExecutable(server)) return server;
  return await findProgram(REDIS_SERVERS, env["PATH"]);
}

async function namedServer(named: string, env: NodeJS.ProcessEnv): Promise<string> {
  const found = named.includes(path.sep) ? path.resolve(named) : await findProgram([named], env["PATH"]);
  if (found !== undefined && (await isExecutable(found))) return found;
  throw new UserError(`REDIS_SERVER=${named}: not an executable program`, {
    hint: "set REDIS_SERVER to the path of redis-server or valkey-server, or unset it",
  });
}

/** Returns the servers that swarm-tool has installed for this platform, the latest version first. */
function ownServers(env: NodeJS.ProcessEnv): string[] {
  const parent = path.dirname(ownServerFolder("", env));
  const suffix = `-${process.platform}-${process.arch}`;
  const compare = (a: string, b: string): number => b.localeCompare(a, "en", { numeric: true });
  return folders(parent)
    .filter((name) => name.startsWith("valkey-") && name.endsWith(suffix))
    .sort(compare)
    .map((name) => path.join(parent, name, "valkey-server"));
}

function folders(parent: string): string[] {
  try {
    return readdirSync(parent);
  } catch {
    return []; // nothing was installed
  }
}
