import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { packageSource } from "./debian-source.js";
import { buildMongoServer } from "./mongo-server.js";
import { findProgram, ROOT, runStep } from "./setup.js";

const CACHE = path.join(ROOT, ".cache", "docker-base");
/** The packages that docker/Dockerfile installs, and those that replace the images of other projects. */
const PACKAGES = [
  "bison,ca-certificates,ccache,curl,distcc,flex,g++,git,libxml2-dev,make,perl,pkg-config,python3,socat,xz-utils,zlib1g-dev",
  "redis-server",
].join(",");
const NODE = "node@24";
const NOT_NEEDED = [
  "usr/share/doc",
  "usr/share/man",
  "usr/share/locale",
  "var/cache/apt",
  "var/lib/apt/lists",
];
/** Names of large files that no test needs: link-time optimization, sanitizers, static ICU. */
const NOT_NEEDED_NAMES = ["lto1", "*-lto-dump-*", "lib?san.*", "libicu*.a"];

/** Returns the path of the base image for tests with Docker, a tar file for `docker import`. It need not exist. */
export function dockerBase() {
  const version = createHash("sha256")
    .update(`${PACKAGES} ${NODE} ${NOT_NEEDED_NAMES.join()}`)
    .digest("hex")
    .slice(0, 12);
  return path.join(CACHE, `${version}.tar`);
}

/**
 * Builds the base image: Debian by debootstrap from this machine's package source, and Node.js from npm.
 * @param {(text: string) => void} say
 * @returns {Promise<string | undefined>} why it could not be built; undefined if it exists.
 */
export async function provideDockerBase(say) {
  const file = dockerBase();
  if (process.getuid?.() !== 0 || findProgram("dockerd") === undefined)
    return "no tests with Docker: they start a dockerd of their own, as root";
  const reason = await buildMongoServer(say);
  if (reason !== undefined) return reason;
  if (existsSync(file)) return undefined;
  mkdirSync(CACHE, { recursive: true });
  for (const name of readdirSync(CACHE)) rmSync(path.join(CACHE, name), { recursive: true });
  const folder = mkdtempSync(path.join(CACHE, "root-"));
  try {
    say("building a base image for the tests with Docker (once; takes two minutes)…");
    const { mirror, suite } = packageSource();
    await runStep("debootstrap", ["--variant=minbase", `--include=${PACKAGES}`, suite, folder, mirror]);
    for (const place of NOT_NEEDED) rmSync(path.join(folder, place), { recursive: true, force: true });
    const names = NOT_NEEDED_NAMES.flatMap((name) => ["-o", "-name", name]).slice(1);
    await runStep("find", [path.join(folder, "usr"), "(", ...names, ")", "-delete"]);
    cpSync("/etc/apt", path.join(folder, "etc/apt"), { recursive: true });
    await installNode(folder);
    const unfinished = `${file}.${process.pid}`;
    await runStep("tar", ["-C", folder, "-cf", unfinished, "."]);
    renameSync(unfinished, file);
    return undefined;
  } catch (error) {
    return `no tests with Docker: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} root */
async function installNode(root) {
  const folder = path.join(root, "tmp", "node");
  mkdirSync(folder, { recursive: true });
  await runStep("npm", ["install", "--prefix", folder, "--no-save", "--no-audit", "--no-fund", NODE]);
  cpSync(path.join(folder, "node_modules/node/bin/node"), path.join(root, "usr/local/bin/node"));
  rmSync(folder, { recursive: true });
}
