import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { installPrograms, howToInstall } from "./system-programs.js";

/** The checkout of this project. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OLDEST_NODE = [20, 19];
/** What the build writes last. */
export const LAST_BUILT = path.join("dist", "THIRD-PARTY-LICENSES");
const BUILDERS = ["build.js", "man-pages.js", "third-party.js"].map((name) => path.join("scripts", name));
const BUILT_BY = [...BUILDERS, "rolldown.config.js", "package.json", "package-lock.json"];
const SERVER_FOLDERS = ["/usr/sbin", "/usr/local/sbin"];

/** A problem that the user can fix. runScript prints its message and sets exit code 2. */
export class SetupError extends Error {
  /** @override */
  name = "SetupError";
}

/**
 * @typedef {object} SetupOptions
 * @property {readonly string[]} [system] names of programs that must be on PATH.
 * @property {boolean} [optional] only print a message if a program cannot be installed.
 * @property {boolean} [quiet] print only errors.
 */

/**
 * Sets up this checkout: installs programs and npm packages and builds the tools, as far as that is
 * necessary. Prints a line for each step.
 * @param {SetupOptions} [options]
 * @throws {SetupError} with instructions for the user.
 */
export async function setUp({ system = [], optional = false, quiet = false } = {}) {
  /** @param {string} text */
  const say = (text) => {
    if (!quiet) console.log(text);
  };
  checkNode(process.versions.node);
  await providePrograms(system, optional, say);
  if (!hasPackages()) {
    say("installing npm packages…");
    await runStep("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--no-progress"]);
  }
  if (!isBuilt()) {
    say("building…");
    await runStep(process.execPath, [path.join("scripts", "build.js")]);
  }
}

/**
 * Runs a script's main function and sets the process's exit code to its result, or to 2 after a SetupError.
 * @param {() => Promise<number>} main
 */
export async function runScript(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = 2;
  }
}

/** Throws if Node.js is too old. @param {string} version @throws {SetupError} */
export function checkNode(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new SetupError(
    `Node.js ${OLDEST_NODE.join(".")} or later is needed, this is ${version}: see https://nodejs.org/en/download`,
  );
}

/**
 * Returns the path of a program; undefined if it is not found.
 * @param {string} name
 * @param {string} [searchPath]
 */
export function findProgram(name, searchPath = process.env["PATH"] ?? "") {
  // Servers are in folders that only root has on PATH.
  return [...searchPath.split(path.delimiter), ...(searchPath === process.env["PATH"] ? SERVER_FOLDERS : [])]
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return statSync(file).isFile();
      } catch {
        return false;
      }
    });
}

/**
 * @param {readonly string[]} names
 * @param {boolean} optional
 * @param {(text: string) => void} say
 */
async function providePrograms(names, optional, say) {
  const missing = names.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) return;
  const reason = await installPrograms(missing, {
    run: runStep,
    say,
    isRoot: process.getuid?.() === 0,
    hasApt: findProgram("apt-get") !== undefined,
  });
  const still = missing.filter((name) => findProgram(name) === undefined);
  if (still.length === 0) return;
  const text = [reason, howToInstall(still)].filter((part) => part !== undefined).join("\n");
  if (!optional) throw new SetupError(text);
  console.error(text);
}

/** Returns whether all packages of package-lock.json are installed in their versions, according to npm's own record. */
function hasPackages() {
  const installed = readLock(path.join(ROOT, "node_modules", ".package-lock.json"));
  const wanted = readLock(path.join(ROOT, "package-lock.json"));
  return Object.entries(wanted).every(
    ([name, { version, optional = false }]) =>
      name === "" || (installed[name] ? installed[name].version === version : optional),
  );
}

/** @typedef {Record<string, { version?: string, optional?: boolean }>} Packages */

/** @param {string} file */
function readLock(file) {
  if (!existsSync(file)) return {};
  /** @type {unknown} */
  const lock = JSON.parse(readFileSync(file, "utf8"));
  return /** @type {{ packages: Packages }} */ (lock).packages;
}

/** Returns whether the build is complete, and newer than all sources, what builds it, and the packages. */
function isBuilt() {
  const built = statSync(path.join(ROOT, LAST_BUILT), { throwIfNoEntry: false });
  if (built === undefined) return false;
  const sources = readdirSync(path.join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  const files = [...sources.map((file) => path.join("src", file)), ...BUILT_BY];
  return files.every((file) => statSync(path.join(ROOT, file)).mtimeMs <= built.mtimeMs);
}

/**
 * Runs a program in the checkout's top level and returns its output.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env] variables in addition to this process's own.
 * @returns {Promise<string>} stdout and stderr.
 * @throws {SetupError} with the output, if the program fails.
 */
export function runStep(program, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (/** @type {string} */ text) => (output += text));
    }
    const failure = (/** @type {string} */ reason) =>
      new SetupError(`${output.trimEnd()}\n${program} ${args.join(" ")}: ${reason}`.trimStart());
    child.once("error", (error) => reject(failure(error.message)));
    child.once("close", (code, signal) => {
      if (code === 0) resolve(output);
      else reject(failure(code === null ? `ended by ${signal}` : `exit code ${code}`));
    });
  });
}
