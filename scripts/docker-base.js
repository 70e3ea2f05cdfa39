import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import path from "node:path";
import process from "node:process";
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

/** Returns the path of the base image for tests with Docker, a tar file for `docker import`. It need not exist. */
export function dockerBase() {
  const version = createHash("sha256").update(`${PACKAGES} ${NODE}`).digest("hex").slice(0, 12);
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

/** Returns apt's source of Debian packages, in either of its two formats. @see sources.list(5) */
function packageSource() {
  const folder = "/etc/apt/sources.list.d";
  const files = existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
  const texts = ["/etc/apt/sources.list", ...files]
    .filter((file) => existsSync(file) && /\.(list|sources)$/.test(file))
    .map((file) => readFileSync(file, "utf8"));
  const [, suite = "bookworm"] =
    /^VERSION_CODENAME=(\w+)/m.exec(readFileSync("/etc/os-release", "utf8")) ?? [];
  const found = texts.flatMap((text) => [
    ...text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(?<mirror>\S+)\s+(?<suites>\S+)/gm),
    ...text.matchAll(/^URIs:\s*(?<mirror>\S+)[^]*?^Suites:\s*(?<suites>.*)$/gm),
  ]);
  const own = found.find(({ groups }) => groups?.["suites"]?.split(/\s+/).includes(suite));
  return { mirror: own?.groups?.["mirror"] ?? "http://deb.debian.org/debian", suite };
}
