import { resolve4 } from "node:dns/promises";
import { availableParallelism } from "node:os";
import { errorCode } from "../errors.ts";

/** How a build compiles: with which environment, and how many files at once. */
export interface Compilers {
  env: NodeJS.ProcessEnv;
  jobs: number;
}

/** Debian's folder of compilers that are ccache. */
const CCACHE_COMPILERS = "/usr/lib/ccache";
const DISTCC_PORT = 3632;

/** Of this machine alone. */
export function ownCompilers(env: NodeJS.ProcessEnv): Compilers {
  return { env, jobs: availableParallelism() };
}

/**
 * Those of all nodes that are there now, behind a cache of what has been compiled before; a node that goes away
 * meanwhile is made up for by this one, which is the last to be asked: it has the queue and the results to serve.
 * @param name of the service whose addresses are the nodes': Docker has `tasks.SERVICE` for it.
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
  const hosts = nodes.map((address) => `${address}:${DISTCC_PORT}/${each},lzo`);
  return {
    env: {
      ...env,
      PATH: `${CCACHE_COMPILERS}:${env["PATH"] ?? ""}`,
      CCACHE_BASEDIR: tree,
      CCACHE_NOHASHDIR: "1",
      // INET is compiled with a precompiled header, which ccache refuses otherwise.
      CCACHE_SLOPPINESS: "pch_defines,time_macros,include_file_mtime,include_file_ctime",
      ...(hosts.length > 0 && {
        CCACHE_PREFIX: "distcc",
        DISTCC_HOSTS: [...hosts, `localhost/${each}`].join(" "),
      }),
    },
    jobs: each * (1 + nodes.length),
  };
}

async function addresses(name: string): Promise<string[]> {
  try {
    return (await resolve4(name)).sort();
  } catch (error) {
    if (["ENOTFOUND", "ENODATA", "ESERVFAIL", "ETIMEOUT"].includes(errorCode(error) ?? "")) return [];
    throw error;
  }
}
