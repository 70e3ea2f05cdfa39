import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { cp, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import { expect, vi } from "vitest";
import { makeRepository } from "../helpers/git.ts";
import { startMongo, type MongoServer } from "../helpers/mongo.ts";
import { cacheFolder, filesBelow, mustRun, stateFolder } from "../helpers/swarm.ts";
import { newUser, type Finished, type Running, type User } from "../helpers/tool.ts";
import { startProxy, type Proxy } from "./proxy.ts";

const TINY = fileURLToPath(new URL("../bench/tiny", import.meta.url));
const BIN = fileURLToPath(new URL("../../bin", import.meta.url));
const CLOCK = fileURLToPath(new URL("clock.js", import.meta.url));
/** After this time without a sign of life, other runners take the runs of a runner. */
export const LOCK_SECONDS = 2;
/** Time limit for the end of the campaign after the last fault was undone. */
const END_TIMEOUT_MS = 120_000;
/** So many retries that no run is lost for good, however often its runner is killed. */
const RETRIES = "1000";

export type Store = "directory" | "gridfs";

/** A runner of the swarm in a separate process, which the test may disturb. */
interface Runner {
  child: ChildProcess;
  /** Its cache. */
  directory: string;
}

/** A swarm with two runners that are disturbed and one that is not, and a study. */
export interface World extends AsyncDisposable {
  user: User;
  store: Store;
  mongo: MongoServer | undefined;
  /** Between the disturbed runners and Redis. */
  redis: Proxy;
  /** Between the disturbed runners and MongoDB. */
  mongoProxy: Proxy | undefined;
  runners: Runner[];
  /** The command that currently waits for the campaign. */
  client: Running;
  study: string;
  results: string;
  /** The folder of an undisturbed study, with results. */
  model: string;
  /** Offset in milliseconds of the clocks of the disturbed runners and the clients. */
  setClocks(offset: { runners?: number; client?: number }): Promise<void>;
  startRunner(index: number, bin?: string): void;
  /** Starts the command again, or another one, instead of the client. */
  command(args?: readonly string[]): Running;
  /** Starts a campaign of so many runs. @param idleMs pause of each run. */
  begin(runs: number, idleMs?: number): void;
  /**
   * Waits until so many runs of the campaign have been collected.
   * @param mayStop a client that has stopped with a message is started again.
   */
  collected(runs: number, mayStop?: boolean): Promise<void>;
  /** Waits until the client has ended. */
  ended(): Promise<Finished>;
}

/** @param runs how many runs the model has; no campaign has more. */
export async function startWorld(store: Store, runs: number): Promise<World> {
  const mongo = store === "gridfs" ? await startMongo() : undefined;
  const user = await newUser();
  const repository = await makeRepository({ ".gitignore": "results/\ntiny\n" });
  const [study, model] = [path.join(repository.path, "study"), path.join(repository.path, "model")];
  for (const directory of [study, model]) {
    await cp(TINY, directory, { recursive: true });
    execFileSync("make", ["-s"], { cwd: directory });
  }
  await repository.commit();
  if (mongo) user.env["MONGO_URL"] = mongo.url;
  await mustRun(user, ["init", "--local", "--runners", "1", ...(mongo ? ["--mongo"] : [])]);

  const socket = path.join(user.directory, "r.sock");
  const redis = await startProxy(socket, { path: path.join(stateFolder(user), "redis.sock") });
  const near = path.join(user.directory, "mongo.sock");
  const mongoProxy = mongo && (await startProxy(near, addressOf(mongo.url)));
  const mongoUrl = mongo && throughSocket(mongo.url, near);
  const clock = (who: string): string => path.join(user.directory, `clock-${who}`);
  user.env["CLOCK_OFFSET_FILE"] = clock("client");
  let queued: readonly string[] = [];

  const world: World = {
    user,
    store,
    mongo,
    redis,
    mongoProxy,
    runners: [],
    client: undefined as unknown as Running,
    study,
    results: path.join(study, "results"),
    model,
    async setClocks({ runners = 0, client = 0 }) {
      await writeFile(clock("runners"), `${runners}`);
      await writeFile(clock("client"), `${client}`);
    },
    startRunner(index, bin = BIN) {
      const directory = path.join(user.directory, `runner-${index}`);
      const builds = path.join(directory, "builds");
      const stores = mongo
        ? ["--builds", builds]
        : [
            ...["--builds", path.join(cacheFolder(user), "builds")],
            ...["--sources", path.join(cacheFolder(user), "sources")],
            ...["--results", path.join(stateFolder(user), "results")],
          ];
      const args = ["--redis", socket, "--directory", directory, "--lock-seconds", String(LOCK_SECONDS)];
      const child = spawn(
        process.execPath,
        ["--import", CLOCK, path.join(bin, "swarm-worker.js"), "runner", ...args, ...stores],
        {
          env: {
            ...user.env,
            CLOCK_OFFSET_FILE: clock("runners"),
            ...(mongoUrl !== undefined && { MONGO_URL: mongoUrl }),
          },
          stdio: ["ignore", "ignore", process.env["FAULTS_VERBOSE"] === "1" ? "inherit" : "ignore"],
        },
      );
      world.runners[index] = { child: user.adopt(child), directory };
    },
    command(args = queued) {
      world.client = user.start("runall-swarm", args, {
        cwd: study,
        env: { NODE_OPTIONS: `--import ${CLOCK}` },
      });
      return world.client;
    },
    begin(count, idleMs = 0) {
      const times = ["--ms=30", `--idle-ms=${idleMs}`];
      queued = ["--retries", RETRIES, "./tiny", "-c", "Bench", `--runs=${count}`, ...times];
      world.command();
    },
    async collected(count, mayStop = false) {
      await vi.waitFor(
        async () => {
          if (mayStop && world.client.child.exitCode === 2) {
            // or nothing had started: a command that has just been typed, or beside a client that continues
            expect((await world.ended()).stderr).toMatch(/nothing (?:is lost|was queued)|cannot write to/);
            world.command();
          }
          const files = await filesBelow(path.join(world.results, ".swarm"));
          expect(files.filter((file) => file.endsWith(".json")).length).toBeGreaterThanOrEqual(count);
        },
        { timeout: END_TIMEOUT_MS, interval: 20 },
      );
    },
    ended: () => ended(world.client),
    async [Symbol.asyncDispose]() {
      for (const { child } of world.runners) child.kill("SIGKILL");
      await redis[Symbol.asyncDispose]();
      await mongoProxy?.[Symbol.asyncDispose]();
      await user[Symbol.asyncDispose]();
      await mongo?.[Symbol.asyncDispose]();
      await repository[Symbol.asyncDispose]();
    },
  };
  try {
    const undisturbed = await user.run(
      "runall-swarm",
      ["--quiet", "./tiny", "-c", "Bench", `--runs=${runs}`, "--ms=0"],
      { cwd: model },
    );
    expect(undisturbed).toMatchObject({ exitCode: 0 });
    await mkdir(path.join(user.directory, "spare"));
    for (const index of [0, 1]) world.startRunner(index);
  } catch (error) {
    await world[Symbol.asyncDispose]();
    throw error;
  }
  return world;
}

/** Where a MongoDB of a test listens. */
function addressOf(url: string): { path: string } | { host: string; port: number } {
  const place = decodeURIComponent(/^mongodb:\/\/([^/]+)/.exec(url)![1]!);
  if (place.startsWith("/")) return { path: place };
  const [host, port] = place.split(":") as [string, string];
  return { host, port: Number(port) };
}

function throughSocket(url: string, socket: string): string {
  return url.replace(/^mongodb:\/\/[^/]+/, `mongodb://${encodeURIComponent(socket)}`);
}

/** The output of a command, which must end. */
async function ended(client: Running): Promise<Finished> {
  const timer = new AbortController();
  const late = delay(END_TIMEOUT_MS, undefined, { signal: timer.signal }).then(() => {
    client.child.kill("SIGKILL");
    return undefined;
  });
  late.catch(() => undefined);
  const finished = await Promise.race([client.finished, late]);
  timer.abort();
  if (finished) return finished;
  const { stdout, stderr } = await client.finished;
  throw new Error(`the command does not end; it has printed:\n${stdout}${stderr}`);
}
