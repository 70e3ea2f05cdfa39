import { mkdir, readdir, stat, symlink } from "node:fs/promises";
import path from "node:path";
import { removeFolder } from "../../system/cache.ts";
import { findProgram } from "../../system/program.ts";
import type { Cache } from "../tree/free-disk-space.ts";

/** Names of compilers as in `x86_64-linux-gnu-g++-12`. */
const COMPILER = /^(?:[\w.]+-)*(?:cc|c\+\+|gcc|g\+\+|clang|clang\+\+)(?:-\d+(?:\.\d+)*)?$/;

/**
 * Returns an environment in which ccache is in front of all compilers on PATH, so that a build of another commit compiles
 * only what has changed; the same environment if there is no ccache.
 * @param tree folder of the build; its path differs from build to build, so ccache ignores it.
 * @param cache folder of compiled files, unless the user's `CCACHE_DIR` names another one.
 * @see ccache(1), "Run modes" and "Configuration options"
 */
export async function withCompilerCache(
  env: NodeJS.ProcessEnv,
  tree: string,
  cache: string,
): Promise<NodeJS.ProcessEnv> {
  const ccache = await findProgram(["ccache"], env["PATH"]);
  if (ccache === undefined) return env;
  const links = `${tree}.ccache`; // by this word in a compiler's path, INET avoids what ccache cannot keep
  await mkdir(links, { recursive: true });
  for (const name of await compilersOn(env["PATH"])) await symlink(ccache, path.join(links, name));
  return {
    CCACHE_DIR: cache,
    ...env,
    PATH: [links, ...(env["PATH"] ? [env["PATH"]] : [])].join(path.delimiter),
    CCACHE_BASEDIR: tree,
    CCACHE_NOHASHDIR: "1",
    CCACHE_SLOPPINESS: "include_file_mtime,include_file_ctime", // all files of a checkout are new
  };
}

async function compilersOn(searchPath = ""): Promise<Set<string>> {
  const folders = searchPath.split(path.delimiter).filter((folder) => folder !== "");
  const names = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])));
  return new Set(names.flat().filter((name) => COMPILER.test(name)));
}

/** Returns a folder of compiled files as a cache that is removed as a whole when the disk is nearly full. */
export function compilerCache(folder: string): Cache {
  return {
    async cached() {
      const stats = await stat(folder).catch(() => undefined);
      if (stats === undefined) return [];
      return [{ folder, usedAtMs: stats.mtimeMs, remove: () => removeFolder(folder) }];
    },
  };
}
