import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { dockerBase } from "../../scripts/docker-base.js";
import { builtMongoServer } from "../../scripts/mongo-server.js";
import { startMachine, type DockerMachine } from "./docker-machine.ts";
import { STAND_IN, type User } from "./tool.ts";

/** A separate Docker Swarm for the test, of one machine. */
export interface DockerHost extends DockerMachine {
  /** Options of init for this Docker: no image registry is needed. */
  options: string[];
}

/** Docker 20.10 itself fails now and then, such as an agent that does not connect again. The report marks a retry. */
const RETRIES = process.env["REQUIRE_SERVICES"] === "1" ? 1 : 0;

export const BASE = "swarm-test-base:1";
const run = promisify(execFile);

/** If a dockerd cannot be started, prints a warning; under REQUIRE_SERVICES=1 the test fails. */
export function describeWithDocker(name: string, body: () => void): void {
  if (existsSync(dockerBase()) && existsSync(builtMongoServer())) {
    describe(name, { retry: RETRIES }, body);
    return;
  }
  const reason =
    "there is no base image for tests with Docker, or no MongoDB server: npm test makes them, as root";
  if (process.env["REQUIRE_SERVICES"] === "1") {
    describe(name, () => {
      it("finds Docker", () => expect.fail(reason));
    });
    return;
  }
  console.warn(`SKIPPED tests: ${reason}`);
  describe.skip(`${name} (no Docker)`, body);
}

/** Starts a Docker Swarm of one machine. */
export async function startDocker(): Promise<DockerHost> {
  const machine = await startMachine("manager");
  try {
    await machine.docker("swarm", "init", "--advertise-addr", machine.address);
    return { ...machine, options: optionsFor(await provideBase(machine)) };
  } catch (error) {
    await machine[Symbol.asyncDispose]();
    throw error;
  }
}

/** Creates the base of the workers' images, and stand-ins for the images of others. @returns an archive of "OMNeT++". */
export async function provideBase(machine: Pick<DockerMachine, "docker" | "folder">): Promise<string> {
  const searchPath = "ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  await machine.docker("import", "--change", searchPath, dockerBase(), BASE);
  await buildOthers(machine);
  return await packStandIn(machine.folder);
}

/** Stand-in for the images of Redis, MongoDB and the visualizer. */
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

async function buildOthers(machine: Pick<DockerMachine, "docker" | "folder">): Promise<void> {
  const context = path.join(machine.folder, "others");
  await mkdir(context);
  await writeFile(path.join(context, "Dockerfile"), OTHERS);
  await copyFile(builtMongoServer(), path.join(context, "mongo-server"));
  for (const name of ["redis", "mongo", "visualizer"])
    await machine.docker("build", "--quiet", "--target", name, "--tag", `stand-in-${name}`, context);
}

/** A "built tree" of OMNeT++, like a user's own archive. */
async function packStandIn(folder: string): Promise<string> {
  const archive = path.join(folder, "omnetpp.tgz");
  const place = path.dirname(STAND_IN);
  const rename = `--transform=s,^${path.basename(place)},omnetpp,`;
  await run("tar", ["-C", path.dirname(place), rename, "-czf", archive, path.basename(place)]);
  return archive;
}

export function optionsFor(archive: string): string[] {
  const images = ["redis", "mongo", "visualizer"].flatMap((name) => [`--${name}-image`, `stand-in-${name}`]);
  return ["--base-image", BASE, "--omnetpp-archive", archive, ...images];
}

/** The content of a user's state file. */
export async function dockerState(user: User, name: string) {
  const file = path.join(user.env["XDG_STATE_HOME"]!, "inet-swarm/swarms", name, "swarm.json");
  return JSON.parse(await readFile(file, "utf8")) as {
    state: string;
    relay: { pid: number; log: string; ports: Record<string, number> };
    services: { passwords: { redis: string; mongo: string } };
  };
}
