import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, cp, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cacheFolder, eventually, kill as killLiving, pidsOf, stateFolder } from "../helpers/swarm.ts";
import { removeInUse } from "../helpers/temporary.ts";
import { LOCK_SECONDS, type Store, type World } from "./world.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Longer than a runner may be silent. */
const PAST_LOCK_MS = (LOCK_SECONDS + 0.5) * 1000;
const HOUR_MS = 3600_000;
const SECOND_CLIENT_MS = 15_000;

/** Something that goes wrong while a campaign runs. */
export interface Fault {
  name: string;
  /** Whether a run may end as failed: its own process was hit. */
  mayFail?: true;
  /** The client stops with a message, and its command must be repeated. */
  mayStop?: true;
  /** Whether collected results are lost by it. */
  losesResults?: true;
  store?: Store;
  /** It hits a run, so that the campaign has to last. */
  hitsRun?: true;
  /** Only for root, who can mount. */
  mounts?: true;
  /** Runs before the campaign starts; its result is disposed of after the last check. */
  prepare?(world: World): Promise<Disposable>;
  /** Causes the fault, and undoes what does not pass by itself. */
  happen(world: World): Promise<void>;
}

/** Waits until the others have had the time to take the runs of a silent runner. */
const pastLock = (): Promise<void> => delay(PAST_LOCK_MS);

/** An earlier fault may have ended the process, or do so meanwhile. */
function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ESRCH";
}

async function kill(pid: number): Promise<void> {
  await killLiving(pid).catch((error: unknown) => {
    if (!isGone(error)) throw error;
  });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Stops a process for longer than its lock lasts. */
async function stopForAWhile(pid: number): Promise<void> {
  signal(pid, "SIGSTOP");
  try {
    await pastLock();
  } finally {
    signal(pid, "SIGCONT");
  }
}

const runnerPid = ({ runners }: World): number => runners[0]!.child.pid!;

/** A process of the swarm by its role. */
async function pidOf({ user }: World, role: string): Promise<number> {
  let pid: number | undefined;
  await eventually(async () => {
    pid = (await pidsOf(user))[role];
    if (pid === undefined) throw new Error(`no ${role} runs`);
  });
  return pid!;
}

/** Sends a signal to a simulation of a runner, which is stopped meanwhile: the simulation cannot end before. @returns its pid. */
async function signalSimulation(world: World, name: NodeJS.Signals): Promise<number> {
  const runner = runnerPid(world);
  let found: number | undefined;
  await eventually(() => {
    signal(runner, "SIGSTOP");
    try {
      const [pid] = readFileSync(`/proc/${runner}/task/${runner}/children`, "utf8").split(" ");
      if (!pid || !readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("tiny\0"))
        throw new Error("no simulation runs");
      process.kill(Number(pid), name);
      found = Number(pid);
    } finally {
      signal(runner, "SIGCONT");
    }
  });
  return found!;
}

async function stopSimulation(world: World): Promise<void> {
  const pid = await signalSimulation(world, "SIGSTOP");
  await pastLock();
  signal(pid, "SIGCONT");
}

/** Removes the content of a folder, whatever happens to it meanwhile. */
async function empty(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) await removeInUse(path.join(directory, name));
}

/** Mounts a separate disk at a folder, until the end of the test. */
async function mountAt(directory: string): Promise<Disposable> {
  await mkdir(directory, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=256m,mode=700", "none", directory]);
  return { [Symbol.dispose]: () => execFileSync("umount", ["--lazy", directory]) };
}

/** Fills the disk of a folder for a while. */
async function fillUp(directory: string): Promise<void> {
  const filler = path.join(directory, "filler");
  try {
    spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=64k"]); // until there is no space left
    await pastLock();
  } finally {
    await rm(filler, { force: true });
  }
}

/** Makes a folder read-only for a while. */
async function protect(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true }); // an earlier fault may have moved it
  execFileSync("mount", ["--bind", directory, directory]);
  try {
    // The mount is refused as busy while something is being written.
    await eventually(() => execFileSync("mount", ["-o", "remount,bind,ro", directory], { stdio: "pipe" }));
    await pastLock();
  } finally {
    execFileSync("umount", ["--lazy", directory]);
  }
}

/** Moves a folder away for a while. */
async function moveAway(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true }); // an earlier fault may have removed it
  await rename(directory, `${directory}.moved`);
  await pastLock();
  // what is created in its place meanwhile may be recreated at that moment
  await eventually(async () => {
    await empty(`${directory}.meanwhile`);
    await rename(directory, `${directory}.meanwhile`).catch(() => undefined);
    await rename(`${directory}.moved`, directory);
  });
  await removeInUse(`${directory}.meanwhile`);
}

const resultStore = ({ user }: World): string => path.join(stateFolder(user), "results");
const buildStore = ({ user }: World): string => path.join(cacheFolder(user), "builds");
const sourceStore = ({ user }: World): string => path.join(cacheFolder(user), "sources");
const runnerCache = ({ runners }: World): string => runners[0]!.directory;

/** A result that is stored and not yet collected: the client is stopped meanwhile. */
async function damageStored(world: World): Promise<void> {
  const { pid } = world.client.child;
  signal(pid!, "SIGSTOP");
  try {
    await eventually(async () => {
      const files = await filesWithPaths(resultStore(world));
      const file = files.find((each) => each.endsWith(".sca"));
      if (file === undefined) throw new Error("nothing is stored");
      await writeFile(file, "damaged\n");
    });
  } finally {
    signal(pid!, "SIGCONT");
  }
}

async function filesWithPaths(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

/** A worker of an earlier version, which uses another protocol. */
async function startOldRunner(world: World): Promise<void> {
  const place = path.join(world.user.directory, "old-version");
  await rm(place, { recursive: true, force: true });
  for (const name of ["bin", "dist", "package.json"])
    await cp(path.join(ROOT, name), path.join(place, name), { recursive: true });
  let changed = 0;
  for (const file of await filesWithPaths(path.join(place, "dist"))) {
    if (!file.endsWith(".js")) continue;
    const text = await readFile(file, "utf8");
    const old = text.replace(
      /\bPROTOCOL\s*=\s*(\d+)/,
      (_, protocol: string) => `PROTOCOL=${Number(protocol) - 1}`,
    );
    if (old === text) continue;
    changed++;
    await writeFile(file, old);
  }
  if (changed === 0) throw new Error("the built tools name no protocol");
  world.runners[0]!.child.kill("SIGKILL");
  world.startRunner(0, path.join(place, "bin"));
  await pastLock();
  await kill(runnerPid(world));
  world.startRunner(0);
}

export const FAULTS: readonly Fault[] = [
  {
    name: "a runner is killed",
    async happen(world) {
      await kill(runnerPid(world));
      world.startRunner(0);
    },
  },
  { name: "a runner is stopped past its lock", happen: (world) => stopForAWhile(runnerPid(world)) },
  {
    name: "both runners are killed",
    async happen(world) {
      for (const index of [0, 1]) {
        await kill(world.runners[index]!.child.pid!);
        world.startRunner(index);
      }
    },
  },
  {
    name: "the swarm's own runner is stopped",
    happen: async (world) => stopForAWhile(await pidOf(world, "runner")),
  },
  { name: "the builder is killed", happen: async (world) => kill(await pidOf(world, "builder")) },
  { name: "the builder is stopped", happen: async (world) => stopForAWhile(await pidOf(world, "builder")) },
  { name: "the dashboard is killed", happen: async (world) => kill(await pidOf(world, "dashboard")) },
  {
    name: "the dashboard is stopped",
    happen: async (world) => stopForAWhile(await pidOf(world, "dashboard")),
  },
  {
    name: "a simulation is killed",
    mayFail: true,
    hitsRun: true,
    async happen(world) {
      await signalSimulation(world, "SIGKILL");
    },
  },
  { name: "a simulation is stopped", hitsRun: true, happen: stopSimulation },
  {
    name: "the client is killed, and its command typed again",
    async happen(world) {
      await kill(world.client.child.pid!);
      world.command();
    },
  },
  {
    name: "the client is killed, and another one attaches",
    async happen(world) {
      await kill(world.client.child.pid!);
      world.command(["attach", await campaignOf(world)]);
    },
  },
  { name: "the client is stopped", happen: (world) => stopForAWhile(world.client.child.pid!) },
  {
    name: "the client is interrupted",
    async happen(world) {
      world.client.child.kill("SIGHUP");
      await world.ended();
      world.command();
    },
  },
  { name: "Redis is killed", happen: async (world) => kill(await pidOf(world, "redis")) },
  { name: "Redis is stopped", happen: async (world) => stopForAWhile(await pidOf(world, "redis")) },
  {
    name: "MongoDB is killed, and started again",
    store: "gridfs",
    async happen(world) {
      await world.mongo!.kill();
      await delay(500);
      await world.mongo!.start();
    },
  },
  {
    name: "MongoDB is stopped",
    store: "gridfs",
    async happen({ mongo }) {
      await stopForAWhile(mongo!.pid());
    },
  },
  { name: "connections to Redis are cut", happen: ({ redis }) => Promise.resolve(redis.cut()) },
  {
    name: "connections to Redis are half-open",
    async happen({ redis }) {
      redis.freeze();
      await pastLock();
      redis.thaw();
    },
  },
  {
    name: "connections to MongoDB are cut",
    store: "gridfs",
    happen: ({ mongoProxy }) => Promise.resolve(mongoProxy!.cut()),
  },
  {
    name: "connections to MongoDB are half-open",
    store: "gridfs",
    async happen({ mongoProxy }) {
      mongoProxy!.freeze();
      await pastLock();
      mongoProxy!.thaw();
    },
  },
  {
    name: "the disk of a runner is full",
    mounts: true,
    async prepare(world) {
      await kill(runnerPid(world));
      await empty(runnerCache(world));
      const disk = await mountAt(runnerCache(world));
      world.startRunner(0);
      return disk;
    },
    happen: (world) => fillUp(runnerCache(world)),
  },
  {
    name: "the disk of the results is full",
    store: "directory",
    mounts: true,
    prepare: (world) => mountAt(resultStore(world)),
    happen: (world) => fillUp(resultStore(world)),
  },
  {
    name: "the disk of the client is full",
    mayStop: true,
    mounts: true,
    prepare: ({ results }) => mountAt(results),
    happen: ({ results }) => fillUp(results),
  },
  { name: "the cache of a runner is emptied", happen: (world) => empty(runnerCache(world)) },
  {
    name: "the cache of a runner is read-only",
    mounts: true,
    happen: (world) => protect(runnerCache(world)),
  },
  { name: "the cache of a runner is moved", happen: (world) => moveAway(runnerCache(world)) },
  {
    name: "the cache of the swarm is emptied",
    happen: ({ user }) => empty(cacheFolder(user)),
  },
  { name: "builds are removed", happen: (world) => empty(buildStore(world)) },
  { name: "sources are removed", store: "directory", happen: (world) => empty(sourceStore(world)) },
  { name: "stored results are removed", store: "directory", happen: (world) => empty(resultStore(world)) },
  {
    name: "the store of results is read-only",
    mayStop: true,
    store: "directory",
    mounts: true,
    happen: (world) => protect(resultStore(world)),
  },
  {
    name: "the result directory is read-only",
    mayStop: true,
    mounts: true,
    happen: ({ results }) => protect(results),
  },
  {
    name: "the result directory is emptied",
    losesResults: true,
    mayStop: true,
    happen: ({ results }) => empty(results),
  },
  {
    name: "the result directory is moved",
    losesResults: true,
    mayStop: true,
    happen: ({ results }) => moveAway(results),
  },
  {
    name: "the clock of the runners jumps an hour ahead, and back",
    async happen(world) {
      await world.setClocks({ runners: HOUR_MS });
      await pastLock();
      await world.setClocks({});
    },
  },
  {
    name: "the clock of the client jumps an hour back",
    async happen(world) {
      await world.setClocks({ client: -HOUR_MS });
      await pastLock();
      await world.setClocks({});
    },
  },
  { name: "a runner of another version joins", happen: startOldRunner },
  { name: "stored results are damaged", store: "directory", hitsRun: true, happen: damageStored },
  {
    name: "a second client in the same study",
    async happen(world) {
      const first = world.client;
      const second = world.command();
      await Promise.race([second.finished, delay(SECOND_CLIENT_MS)]);
      second.child.kill("SIGKILL"); // it follows a long campaign
      world.client = first;
    },
  },
  {
    name: "the folder of the slots has mode 000",
    async happen(world) {
      const slots = path.join(runnerCache(world), "slots");
      await mkdir(slots, { recursive: true }); // an earlier fault may have moved it
      await chmod(slots, 0o000);
      await kill(runnerPid(world));
      world.startRunner(0);
    },
  },
];

/** The id of the running campaign. */
export async function campaignOf({ user, study }: World): Promise<string> {
  const { stdout } = await user.run("runall-swarm", ["list", "--json"], { cwd: study });
  const all = JSON.parse(stdout) as { campaign: { id: string; study: string }; state: string }[];
  const found = all.find(({ campaign }) => campaign.study === path.basename(study));
  if (found === undefined) throw new Error("there is no campaign");
  return found.campaign.id;
}
