import { createHash } from "node:crypto";
import { access, constants, mkdir, readdir, realpath, stat, symlink, utimes } from "node:fs/promises";
import path from "node:path";
import { removeFolder } from "../../system/cache.ts";
import { findProgram, isExecutable, isScript } from "../../system/program.ts";
import type { Cache } from "../tree/free-disk-space.ts";

/** Names of compilers as in `x86_64-linux-gnu-g++-12`. */
const COMPILER = /^(?:[\w.]+-)*(?:cc|c\+\+|gcc|g\+\+|clang|clang\+\+)(?:-\d+(?:\.\d+)*)?$/;
/** The user's settings of ccache that count: others may choose another compiler, or accept what has changed. */
const SETTINGS = ["CCACHE_DIR", "CCACHE_MAXSIZE", "CCACHE_DISABLE"];

/**
 * Returns an environment in which ccache is in front of the compilers on PATH, so that a build of another commit compiles
 * only what has changed; the same environment if there is no ccache. Scripts are left alone: ccache does not notice what
 * they change with their environment, and some would find themselves behind ccache.
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
  if (ccache === undefined || (await isScript(ccache))) return env;
  const compilers = await compilersOn(env["PATH"]);
  const links = `${tree}.ccache`; // by this word in a compiler's path, INET avoids what ccache cannot keep
  await mkdir(links, { recursive: true });
  for (const name of compilers.keys()) await symlink(ccache, path.join(links, name));
  const others = Object.entries(env).filter(
    ([name]) => !name.startsWith("CCACHE_") || SETTINGS.includes(name),
  );
  return {
    ...Object.fromEntries(others),
    PATH: [links, ...(env["PATH"] ? [env["PATH"]] : [])].join(path.delimiter),
    CCACHE_DIR: (await isWritable(env["CCACHE_DIR"])) ? env["CCACHE_DIR"] : await inUse(cache),
    CCACHE_BASEDIR: tree,
    CCACHE_NOHASHDIR: "1",
    CCACHE_NODIRECT: "1", // it would miss a new file that #include finds before the one that was used
    CCACHE_COMPILERCHECK: `string:${await identityOf(compilers)}`,
  };
}

/** Returns the compilers that a search path leads to, by their names, without scripts. */
async function compilersOn(searchPath = ""): Promise<Map<string, string>> {
  const folders = searchPath.split(path.delimiter).filter((folder) => folder !== "");
  const found = new Map<string, string>();
  for (const folder of folders) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter((each) => COMPILER.test(each) && !found.has(each))) {
      const file = path.resolve(folder, name);
      if (await isExecutable(file)) found.set(name, file);
    }
  }
  for (const [name, file] of found) if (await isScript(file)) found.delete(name);
  return found;
}

/** ccache itself compares only names, sizes and times, which are equal for all compilers of some package managers. */
async function identityOf(compilers: ReadonlyMap<string, string>): Promise<string> {
  const hash = createHash("sha256");
  for (const file of [...compilers.values()].sort()) {
    const { size, mtimeMs } = await stat(file);
    hash.update(`${await realpath(file)} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

async function isWritable(folder: string | undefined): Promise<boolean> {
  if (!folder) return false;
  return await mkdir(folder, { recursive: true })
    .then(() => access(folder, constants.W_OK | constants.X_OK))
    .then(
      () => true,
      () => false,
    );
}

async function inUse(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await utimes(folder, new Date(), new Date());
  return folder;
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
