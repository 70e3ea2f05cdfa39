import { Resolver } from "node:dns/promises";
import { availableParallelism } from "node:os";
import { errorCode } from "../../errors.ts";
import { machineMemory } from "../../system/machine-memory.ts";
import { openCompilerRelay } from "./compiler-relay.ts";

/** How a build compiles. Holds connections to other machines until it is disposed of. */
export interface Compilers extends Disposable {
  env: NodeJS.ProcessEnv;
  /** Number of files to compile concurrently. */
  jobs: number;
}

const DISTCC_PORT = 3632;
/** Time after which distcc compiles a file locally if the other machine answers but its compiler hangs. */
const IO_TIMEOUT_SECONDS = 90;
/** If no compiler runs, Docker forwards the query to the machine's name servers, which may be slow or unreachable. */
const RESOLVING = { timeout: 1000, tries: 2 };
/** Memory that a build needs on this machine although other machines compile most files. */
const BUILD_BYTES = 2 * 2 ** 30;
const MOST_BUILDS = 2;

/** Returns the compilers of this machine. */
export function ownCompilers(env: NodeJS.ProcessEnv): Compilers {
  return { env, jobs: availableParallelism(), [Symbol.dispose]: () => undefined };
}

/**
 * Returns the number of concurrent builds: two if other machines compile and there is enough memory, so that
 * a build need not wait for one of another user; otherwise one.
 * @param name name of the compiler service, if there is one.
 */
export function concurrentBuilds(name: string | undefined, memoryBytes = machineMemory().total()): number {
  if (name === undefined) return 1;
  return Math.max(1, Math.min(MOST_BUILDS, Math.floor(memoryBytes / BUILD_BYTES)));
}

/**
 * Returns the compilers of all nodes that are reachable now. This machine compiles the files that a vanished node has not
 * finished. It is last in the list of hosts, because it also serves the queue and the results.
 * @param env an environment with ccache, which starts distcc.
 * @param name name of the compiler service; its addresses are those of the nodes.
 * @see distcc(1)
 */
export async function sharedCompilers(env: NodeJS.ProcessEnv, name: string): Promise<Compilers> {
  const nodes = await addresses(name);
  const each = availableParallelism(); // that of the nodes is unknown; all machines of a swarm are assumed to be alike
  const relays = await Promise.all(nodes.map((address) => openCompilerRelay(address, DISTCC_PORT)));
  const hosts = relays.map(({ port }) => `127.0.0.1:${port}/${each},lzo`);
  return {
    [Symbol.dispose]() {
      for (const relay of relays) relay[Symbol.dispose]();
    },
    env: {
      ...env,
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
