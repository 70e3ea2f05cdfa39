import {
  closeSync,
  copyFileSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  type BigIntStats,
} from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { BuildManifest, Mode, TargetFile } from "../model/build.ts";
import { isCode } from "../project/code-files.ts";
import { isInObjectFolder } from "../project/derived.ts";
import { isGenerated } from "../project/generated.ts";
import { isMakefile } from "../project/makefiles.ts";
import { makefileTarget, fileOf } from "../project/targets.ts";
import { isInside } from "../system/paths.ts";
import { runProgram } from "../system/program.ts";

export type Products = Required<Pick<BuildManifest, "products" | "targets" | "data">>;

/** What compilers, linkers and their tools write for themselves. */
const INTERMEDIATE =
  /\.(?:o|obj|d|a|lo|la|gch|pch|P|Tpo|pyc|tmp)$|(?:^|\/)(?:CMakeFiles|__pycache__)\/|(?:^|\/)CMakeCache\.txt$/;
const LIBRARY = /\.(?:so|dylib)(?:\.\d+)*$/;
const MAGIC_BYTES = 4;
/** ELF, and the forms of Mach-O. */
const MAGIC = new Set(["7f454c46", "cffaedfe", "cefaedfe", "feedfacf", "feedface", "cafebabe"]);

/** Notes the time at which a build begins. @param place of a file for that, on the disk of the tree. */
export async function startOfBuild(place: string): Promise<bigint> {
  await writeFile(place, "");
  return lstatSync(place, { bigint: true }).ctimeNs;
}

/**
 * Finds what a build has made: the files that are new or were written since it began. The targets are those that
 * generated Makefiles name, if the build has made them; without such Makefiles all libraries and programs.
 * @param since as `startOfBuild` gave it.
 * @param options.inherited files of other builds in the tree, which may change their time while this build runs.
 */
export async function findProducts(
  tree: string,
  mode: Mode,
  since: bigint,
  { inherited, env }: { inherited: ReadonlySet<string>; env: NodeJS.ProcessEnv },
): Promise<Products> {
  const files = await filesIn(tree);
  const made = files.flatMap((file) => {
    const stats = inherited.has(file) ? undefined : madeSince(tree, file, since);
    return stats === undefined ? [] : [{ file, kind: kindOf(tree, file, stats) }];
  });
  const binaries = withoutObjects(made.filter(({ kind }) => kind === "library" || kind === "binary"));
  const scripts = made.filter(({ kind }) => kind === "script");
  // a wrapper script beside a program is no second program
  const programs = binaries.some(({ kind }) => kind === "binary") ? binaries : [...binaries, ...scripts];
  const products = programs.map(({ file }) => file).sort();
  const data = made.filter(
    ({ file, kind }) => (kind === "data" || kind === "script") && !products.includes(file),
  );
  const all = programs.map(({ file, kind }): TargetFile => ({
    kind: kind === "library" ? "library" : "executable",
    file,
  }));
  for (const { file } of made) replaceLink(path.join(tree, file));
  const named = targetsOfMakefiles(tree, files, mode).filter(({ file }) => products.includes(file));
  return {
    products,
    targets: (await withoutTools(tree, named.length > 0 ? named : all, env)).sort(byFile),
    data: data.map(({ file }) => file).sort(),
  };
}

/** What is linked in `out`, and then put where it is used, is one product. */
function withoutObjects<T extends { file: string }>(binaries: readonly T[]): T[] {
  const inOut = (file: string): boolean => file.split(path.sep).includes("out");
  const used = new Set(binaries.filter(({ file }) => !inOut(file)).map(({ file }) => path.basename(file)));
  return binaries.filter(({ file }) => !inOut(file) || !used.has(path.basename(file)));
}

function byFile(one: TargetFile, other: TargetFile): number {
  return one.file < other.file ? -1 : 1;
}

/** Several programs may be one simulation and its tools: only a simulation is linked with OMNeT++'s libraries. */
async function withoutTools(
  tree: string,
  targets: readonly TargetFile[],
  env: NodeJS.ProcessEnv,
): Promise<TargetFile[]> {
  const programs = targets.filter(({ kind }) => kind === "executable");
  if (programs.length < 2) return [...targets];
  const simulations: TargetFile[] = [];
  for (const program of programs) {
    const answer = await runProgram("readelf", ["-d", program.file], { cwd: tree, env }).catch(
      () => undefined,
    );
    if (/\(NEEDED\).*\[libopp/.test(answer?.stdout ?? "")) simulations.push(program);
  }
  if (simulations.length === 0) return [...targets];
  return targets.filter((target) => target.kind === "library" || simulations.includes(target));
}

/** @returns all files and symbolic links below a folder, relative to it. */
export async function filesIn(tree: string): Promise<string[]> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) =>
    entry.isFile() || entry.isSymbolicLink()
      ? [path.relative(tree, path.join(entry.parentPath, entry.name))]
      : [],
  );
}

/** @returns what a file, or the one that a link leads to within the tree, is like, if it changed after a time. */
function madeSince(tree: string, file: string, since: bigint): BigIntStats | undefined {
  if (INTERMEDIATE.test(file) || isInObjectFolder(file)) return undefined;
  const place = path.join(tree, file);
  const stats = lstatSync(place, { bigint: true });
  if (stats.ctimeNs <= since) return undefined;
  if (!stats.isSymbolicLink()) return stats;
  try {
    const target = realpathSync(place);
    return isInside(realpathSync(tree), target) ? lstatSync(target, { bigint: true }) : undefined;
  } catch {
    return undefined; // it leads nowhere
  }
}

/** Makefiles of OMNeT++ 5 link to what is in `out`, which is not kept. */
function replaceLink(place: string): void {
  if (!lstatSync(place).isSymbolicLink()) return;
  const target = realpathSync(place);
  rmSync(place);
  copyFileSync(target, place);
}

/** @returns undefined for what no run needs. */
function kindOf(
  tree: string,
  file: string,
  stats: BigIntStats,
): "library" | "binary" | "script" | "data" | undefined {
  if (!stats.isFile()) return undefined;
  if (LIBRARY.test(file)) return "library";
  if (isCode(file) || isMakefile(file) || isGenerated(file)) return undefined;
  if ((stats.mode & 0o111n) === 0n) return "data";
  return isBinary(path.join(tree, file)) ? "binary" : "script";
}

export function isBinary(file: string): boolean {
  const handle = openSync(file, "r");
  try {
    const magic = Buffer.alloc(MAGIC_BYTES);
    return readSync(handle, magic, 0, MAGIC_BYTES, 0) === MAGIC_BYTES && MAGIC.has(magic.toString("hex"));
  } finally {
    closeSync(handle);
  }
}

function targetsOfMakefiles(tree: string, files: readonly string[], mode: Mode): TargetFile[] {
  return files.filter(isMakefile).flatMap((file) => {
    const folder = path.dirname(file);
    const target = makefileTarget(readFileSync(path.join(tree, file), "utf8"), folder === "." ? "" : folder);
    return target === undefined ? [] : [fileOf(target, mode)];
  });
}
