import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, existsSync } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { describe, it, vi } from "vitest";
import { dockerBase } from "../../scripts/docker-base.js";
import { builtMongoServer } from "../../scripts/mongo-server.js";
import { freePort } from "./git-daemon.ts";
import { temporaryDirectory } from "./temporary.ts";
import { STAND_IN, type User } from "./tool.ts";

/** A Docker of the test's own, which is a swarm of one machine. */
export interface DockerHost extends AsyncDisposable {
  /** As `docker --host` takes it. */
  host: string;
  /** Runs a docker command. @returns what it prints, and what it says. */
  docker(...args: string[]): Promise<string>;
  /** What a swarm is made with here: no image registry is needed. */
  options: string[];
}

const BASE = "swarm-test-base:1";
const run = promisify(execFile);

/** Where a dockerd cannot be started it is said loudly; under REQUIRE_SERVICES=1 that is a failure. */
export function describeWithDocker(name: string, body: () => void): void {
  if (existsSync(dockerBase()) && existsSync(builtMongoServer())) return describe(name, body);
  const reason =
    "there is no base image for tests with Docker, or no MongoDB server: npm test makes them, as root";
  if (process.env["REQUIRE_SERVICES"] === "1") {
    return describe(name, () => {
      it("finds Docker", () => {
        throw new Error(reason);
      });
    });
  }
  console.warn(`SKIPPED tests: ${reason}`);
  describe.skip(`${name} (no Docker)`, body);
}

export async function startDocker(): Promise<DockerHost> {
  const folder = await temporaryDirectory("swarm-docker-");
  const host = `unix://${path.join(folder.path, "docker.sock")}`;
  const daemon = startDaemon(folder.path, host);
  const docker: DockerHost["docker"] = async (...args) => {
    const { stdout, stderr } = await run("docker", ["--host", host, ...args], { maxBuffer: 1 << 26 });
    return stdout + stderr;
  };
  const end = async (): Promise<void> => {
    if (daemon.exitCode === null) {
      const exit = once(daemon, "exit");
      daemon.kill("SIGTERM");
      await exit;
    }
    await run("umount", [path.join(folder.path, "exec/netns/default")]).catch(() => undefined); // as dockerd leaves it
    await folder[Symbol.asyncDispose]();
  };
  try {
    await vi.waitFor(() => docker("version"), { timeout: 60_000, interval: 200 });
    const listen = `127.0.0.1:${await freePort()}`;
    await docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", listen);
    await docker(
      "import",
      "--change",
      "ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      dockerBase(),
      BASE,
    );
    await buildOthers(folder.path, docker);
    const archive = await packStandIn(folder.path);
    return { host, docker, options: optionsFor(archive), [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** It ends with this process, however that ends. The storage driver is the best that this machine has. */
function startDaemon(folder: string, host: string): ChildProcess {
  const places = ["--data-root", path.join(folder, "data"), "--exec-root", path.join(folder, "exec")];
  const options = [...places, "--pidfile", path.join(folder, "pid"), "--host", host];
  const daemon = spawn("setpriv", ["--pdeathsig", "TERM", "dockerd", ...options], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  daemon.stderr.pipe(createWriteStream(path.join(folder, "dockerd.log")));
  return daemon;
}

/** What stands for the images of Redis, MongoDB and the visualizer. */
const OTHERS = `
FROM ${BASE} AS redis
RUN mkdir -p /data
FROM ${BASE} AS mongo
RUN mkdir -p /data/db
COPY mongo-server /usr/local/bin/
ENTRYPOINT ["sh", "-c", "rm -f /tmp/socket; exec mongo-server --socket /tmp/socket --data file:/data/db/ --tcp 0.0.0.0:27017"]
FROM ${BASE} AS visualizer
CMD ["node", "-e", "process.on('SIGTERM', process.exit); require('http').createServer((_, answer) => answer.end('machines')).listen(8080)"]
`;

async function buildOthers(folder: string, docker: DockerHost["docker"]): Promise<void> {
  const context = path.join(folder, "others");
  await mkdir(context);
  await writeFile(path.join(context, "Dockerfile"), OTHERS);
  await copyFile(builtMongoServer(), path.join(context, "mongo-server"));
  for (const name of ["redis", "mongo", "visualizer"])
    await docker("build", "--quiet", "--target", name, "--tag", `stand-in-${name}`, context);
}

/** A "built tree" of OMNeT++, as a user's own archive. */
async function packStandIn(folder: string): Promise<string> {
  const archive = path.join(folder, "omnetpp.tgz");
  const place = path.dirname(STAND_IN);
  const rename = `--transform=s,^${path.basename(place)},omnetpp,`;
  await run("tar", ["-C", path.dirname(place), rename, "-czf", archive, path.basename(place)]);
  return archive;
}

function optionsFor(archive: string): string[] {
  const images = ["redis", "mongo", "visualizer"].flatMap((name) => [`--${name}-image`, `stand-in-${name}`]);
  return ["--base-image", BASE, "--omnetpp-archive", archive, ...images];
}

/** What a user's state file knows. */
export async function dockerState(user: User, name: string) {
  const file = path.join(user.env["XDG_STATE_HOME"]!, "inet-swarm/swarms", name, "swarm.json");
  return JSON.parse(await readFile(file, "utf8")) as {
    state: string;
    relay: { pid: number; log: string; ports: Record<string, number> };
    services: { passwords: { redis: string; mongo: string } };
  };
}
