import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { packageSource } from "./debian-source.js";
import { findProgram, ROOT, runStep } from "./setup.js";

const CACHE = path.join(ROOT, ".cache", "newer-docker");
/** The Debian with Docker 26. Its packages run on Debian 12, too, except runc, of which any version will do. */
const SUITE = "trixie";
const PACKAGES = ["docker.io", "docker-cli", "containerd"];
const KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Returns the folders of the programs of a newer Docker than Debian 12 has, for PATH. They need not exist. */
export function newerDocker() {
  return ["usr/sbin", "usr/bin"].map((folder) => path.join(CACHE, SUITE, folder));
}

/**
 * Unpacks the packages of a newer Docker, as Amazon Linux has one, from Debian's package source. Nothing is installed.
 * @param {(text: string) => void} say
 * @returns {Promise<string | undefined>} why that is impossible; undefined if they exist.
 */
export async function provideNewerDocker(say) {
  const place = path.join(CACHE, SUITE);
  if (existsSync(place)) return undefined;
  if (findProgram("apt-get") === undefined || !existsSync(KEYS))
    return "no tests with a newer Docker: its packages are for Debian";
  mkdirSync(CACHE, { recursive: true });
  for (const name of readdirSync(CACHE)) rmSync(path.join(CACHE, name), { recursive: true });
  const folder = mkdtempSync(path.join(CACHE, "unfinished-"));
  try {
    say("unpacking Docker 26 for the tests (once; takes half a minute)…");
    const root = path.join(folder, "root");
    for (const file of await download(path.join(folder, "apt")))
      await runStep("dpkg-deb", ["-x", file, root]);
    renameSync(root, place);
    return undefined;
  } catch (error) {
    return `no tests with a newer Docker: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Downloads the packages by an apt with folders of its own, which checks their signatures. Returns the files. @param {string} folder */
async function download(folder) {
  for (const name of ["lists/partial", "cache/archives/partial", "packages"])
    mkdirSync(path.join(folder, name), { recursive: true });
  const list = path.join(folder, "sources");
  writeFileSync(list, `deb [signed-by=${KEYS}] ${packageSource().mirror} ${SUITE} main\n`);
  const settings = {
    "Dir::State": folder,
    "Dir::State::Lists": path.join(folder, "lists"),
    "Dir::Cache": path.join(folder, "cache"),
    "Dir::Etc::SourceList": list,
    "Dir::Etc::SourceParts": "/dev/null",
    "APT::Sandbox::User": "root", // the folder belongs to the user of the tests
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const packages = path.join(folder, "packages");
  await runStep("apt-get", [...options, "--quiet=2", "update"]);
  await runStep("env", ["-C", packages, "apt-get", ...options, "--quiet=2", "download", ...PACKAGES]);
  return readdirSync(packages).map((name) => path.join(packages, name));
}
