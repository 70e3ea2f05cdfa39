import {
  closeSync,
  copyFileSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
  type BigIntStats,
} from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import type { BuildManifest, Mode, TargetFile } from "../../model/build.ts";
import { isCode } from "../../project/files/code-files.ts";
import { isInObjectFolder } from "../../omnetpp/generated-code.ts";
import { isGenerated } from "../../project/files/generated.ts";
import { isMakefile } from "../../project/files/makefiles.ts";
import { makefileTarget, fileOf } from "../../omnetpp/targets.ts";
import { checkName } from "../../stores/output-path.ts";
import { isInside } from "../../system/paths.ts";
import { runProgram } from "../../system/program.ts";

export type Products = Required<Pick<BuildManifest, "products" | "targets" | "data">>;

/** Intermediate files of compilers, linkers and build tools. */
const INTERMEDIATE =
  /\.(?:o|obj|d|a|lo|la|gch|pch|P|Tpo|pyc|tmp)$|(?:^|\/)(?:CMakeFiles|__pycache__)\/|(?:^|\/)CMakeCache\.txt$/;
const LIBRARY = /\.(?:so|dylib)(?:\.\d+)*$/;
const MAGIC_BYTES = 4;
/** First bytes of ELF files and of all Mach-O variants. */
const MAGIC = new Set(["7f454c46", "cffaedfe", "cefaedfe", "feedfacf", "feedface", "cafebabe"]);

/** The files of a tree, each with a stamp that changes whenever the file is written. */
export type TreeStamps = ReadonlyMap<string, string>;

/** Returns the stamps of all files of a tree. They detect changes that are closer together than a clock tick. */
export async function stampTree(tree: string): Promise<TreeStamps> {
  const files = await filesIn(tree);
  return new Map(files.map((file) => [file, stampOf(path.join(tree, file))]));
}

/**
 * Returns the stamp of a file. That of a symbolic link includes its target, which can change while the link
 * does not.
 */
function stampOf(place: string): string {
  const stats = lstatSync(place, { bigint: true, throwIfNoEntry: false });
  const target = stats?.isSymbolicLink() ? targetOf(place) : undefined;
  return [stats, target]
    .map((each) => each && [each.ino, each.size, each.mode, each.mtimeNs, each.ctimeNs].join(" "))
    .join(" ");
}

/** Returns the status of a file or of the target of a link; undefined for a dangling link. */
function targetOf(place: string): BigIntStats | undefined {
  try {
    return statSync(place, { bigint: true });
  } catch {
    return undefined; // missing, part of a circle, or not accessible
  }
}

/**
 * Returns what a build has created: the files that are new or were written since the build started. The
 * targets are those that generated Makefiles name, if the build has created them; without such Makefiles, all
 * libraries and programs. Replaces links among the products by copies of their targets.
 * @param before the tree at the start of the build.
 * @param options.inherited files of other builds in the tree, whose times may change while this build runs.
 */
export async function findProducts(
  tree: string,
  mode: Mode,
  before: TreeStamps,
  { inherited, env }: { inherited: ReadonlySet<string>; env: NodeJS.ProcessEnv },
): Promise<Products> {
  const files = await filesIn(tree);
  const created = files.flatMap((file) => {
    const isOld = inherited.has(file) || before.get(file) === stampOf(path.join(tree, file));
    const kind = isOld ? undefined : kindOf(tree, file);
    return kind === undefined ? [] : [{ file, kind }];
  });
  const binaries = withoutObjects(created.filter(({ kind }) => kind === "library" || kind === "binary"));
  const scripts = created.filter(({ kind }) => kind === "script");
  // a script beside a program or library is a wrapper or was created by configure
  const programs = binaries.length > 0 ? binaries : scripts;
  const products = programs.map(({ file }) => file).sort();
  const data = created.filter(
    ({ file, kind }) => (kind === "data" || kind === "script") && !products.includes(file),
  );
  for (const { file } of [...programs, ...data]) replaceLink(path.join(tree, file));
  const all = programs.map(({ file, kind }): TargetFile => ({
    kind: kind === "library" ? "library" : "executable",
    file,
  }));
  const named = targetsOfMakefiles(tree, files, mode).filter(({ file }) => products.includes(file));
  return {
    products,
    targets: (await withoutTools(tree, named.length > 0 ? named : all, env)).sort(byFile),
    data: data.map(({ file }) => file).sort(),
  };
}

/** Omits a binary in `out` if it also exists outside, where opp_makemake's Makefiles copy or link it. */
function withoutObjects<T extends { file: string }>(binaries: readonly T[]): T[] {
  const inOut = (file: string): boolean => file.split(path.sep).includes("out");
  const used = new Set(binaries.filter(({ file }) => !inOut(file)).map(({ file }) => path.basename(file)));
  return binaries.filter(({ file }) => !inOut(file) || !used.has(path.basename(file)));
}

function byFile(one: TargetFile, other: TargetFile): number {
  return one.file < other.file ? -1 : 1;
}

/** Omits programs that are not linked with OMNeT++'s libraries, unless no other target would be left. */
async function withoutTools(
  tree: string,
  targets: readonly TargetFile[],
  env: NodeJS.ProcessEnv,
): Promise<TargetFile[]> {
  if (targets.length < 2) return [...targets];
  const kinds = new Map<TargetFile, "simulation" | "tool" | "unknown">();
  for (const target of targets) {
    if (target.kind === "library") continue;
    const answer = await runProgram("readelf", ["-d", "--", target.file], { cwd: tree, env }).catch(
      () => undefined, // binutils are not installed
    );
    const isKnown = answer?.exitCode === 0 && answer.stdout.includes("(NEEDED)");
    const isSimulation = /\(NEEDED\).*\[libopp/.test(answer?.stdout ?? "");
    kinds.set(target, isSimulation ? "simulation" : isKnown ? "tool" : "unknown");
  }
  const others = targets.filter((target) => kinds.get(target) !== "tool");
  return others.length > 0 ? others : [...targets];
}

/** Returns all files and symbolic links below a folder, relative to it. */
export async function filesIn(tree: string): Promise<string[]> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) =>
    entry.isFile() || entry.isSymbolicLink()
      ? [path.relative(tree, path.join(entry.parentPath, entry.name))]
      : [],
  );
}

/** Replaces a link by a copy of its target: Makefiles of OMNeT++ 5 link to files in `out`, which is not stored. */
function replaceLink(place: string): void {
  if (!lstatSync(place).isSymbolicLink()) return;
  const target = realpathSync(place); // inside the tree: kindOf has checked that
  rmSync(place);
  copyFileSync(target, place);
}

/** Returns the kind of a product; undefined for files that no run needs and for anything but files inside the tree. */
function kindOf(tree: string, file: string): "library" | "binary" | "script" | "data" | undefined {
  if (INTERMEDIATE.test(file) || isInObjectFolder(file) || !checkName(file).ok) return undefined;
  const place = path.join(tree, file);
  const stats = targetOf(place);
  if (!stats?.isFile() || !isInside(realpathSync(tree), realpathSync(place))) return undefined;
  if (LIBRARY.test(file)) return "library";
  if (isCode(file) || isMakefile(file) || isGenerated(file)) return undefined;
  if ((stats.mode & 0o111n) === 0n) return "data";
  return isBinary(place) ? "binary" : "script";
}

/** Returns whether a file is an ELF or Mach-O file. */
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
    if (!targetOf(path.join(tree, file))?.isFile()) return [];
    const folder = path.dirname(file);
    const target = makefileTarget(readFileSync(path.join(tree, file), "utf8"), folder === "." ? "" : folder);
    return target === undefined ? [] : [fileOf(target, mode)];
  });
}
