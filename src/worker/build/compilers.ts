import { Resolver } from "node:dns/promises";
import { availableParallelism, totalmem } from "node:os";
import { errorCode } from "../../errors.ts";
import { openCompilerRelay } from "./compiler-relay.ts";

/** How a build compiles: with which environment, and how many files at once. In use until it is disposed of. */
export interface Compilers extends Disposable {
  env: NodeJS.ProcessEnv;
  jobs: number;
}

/** Debian's folder of compilers that are ccache. */
const CCACHE_COMPILERS = "/usr/lib/ccache";
const DISTCC_PORT = 3632;
/** Until distcc compiles a file itself whose compiler hangs, on a machine that answers. */
const IO_TIMEOUT_SECONDS = 90;
/** Without a compiler, Docker asks the name servers of the machine for one, which may be far or none. */
const RESOLVING = { timeout: 1000, tries: 2 };
/** What a build needs on this machine beside what others compile for it. */
const BUILD_BYTES = 2 * 2 ** 30;
const MOST_BUILDS = 2;

/** Of this machine alone. */
export function ownCompilers(env: NodeJS.ProcessEnv): Compilers {
  return { env, jobs: availableParallelism(), [Symbol.dispose]: () => undefined };
}

/**
 * How many builds go side by side, so that none waits for another user's: with compilers on other machines two, if this one
 * has the memory.
 * @param name of the service of the compilers, if there is one.
 */
export function concurrentBuilds(name: string | undefined, memoryBytes = ownMemory()): number {
  if (name === undefined) return 1;
  return Math.max(1, Math.min(MOST_BUILDS, Math.floor(memoryBytes / BUILD_BYTES)));
}

/** Of the container, if it has a limit. */
function ownMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/**
 * Those of all nodes that are there now, behind a cache of what has been compiled before; a node that goes away
 * meanwhile is made up for by this one, which is the last to be asked: it has the queue and the results to serve.
 * @param name whose addresses are the nodes'.
 * @param tree folder that is another one in each build; the cache does not mind.
 * @see distcc(1), ccache(1)
 */
export async function sharedCompilers(
  env: NodeJS.ProcessEnv,
  name: string,
  tree: string,
): Promise<Compilers> {
  const nodes = await addresses(name);
  const each = availableParallelism(); // theirs are not known: machines of a swarm are alike
  const relays = await Promise.all(nodes.map((address) => openCompilerRelay(address, DISTCC_PORT)));
  const hosts = relays.map(({ port }) => `127.0.0.1:${port}/${each},lzo`);
  return {
    [Symbol.dispose]() {
      for (const relay of relays) relay[Symbol.dispose]();
    },
    env: {
      ...env,
      PATH: `${CCACHE_COMPILERS}:${env["PATH"] ?? ""}`,
      CCACHE_BASEDIR: tree,
      CCACHE_NOHASHDIR: "1",
      // INET is compiled with a precompiled header, which ccache refuses otherwise.
      CCACHE_SLOPPINESS: "pch_defines,time_macros,include_file_mtime,include_file_ctime",
      ...(hosts.length > 0 && {
        CCACHE_PREFIX: "distcc",
        DISTCC_IO_TIMEOUT: String(IO_TIMEOUT_SECONDS),
        DISTCC_HOSTS: [...hosts, `localhost/${each}`].join(" "),
      }),
    },
    jobs: each * (1 + nodes.length),
  };
}

async function addresses(name: string): Promise<string[]> {
  try {
    return (await new Resolver(RESOLVING).resolve4(name)).sort();
  } catch (error) {
    if (["ENOTFOUND", "ENODATA", "ESERVFAIL", "ETIMEOUT"].includes(errorCode(error) ?? "")) return [];
    throw error;
  }
}
