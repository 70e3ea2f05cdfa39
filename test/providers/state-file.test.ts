import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { expect, it, vi } from "vitest";
import { identify } from "../../src/system/identity.ts";
import { thisHost } from "../../src/system/host.ts";
import {
  changeStateFile,
  readState,
  readUnlessDamaged,
  setAsideDamaged,
  StateFileError,
  writeState,
} from "../../src/providers/state-file.ts";
import type { AwsState, LocalState } from "../../src/providers/swarm-state.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

interface Folder extends AsyncDisposable {
  directory: string;
  file: string;
  backup: string;
}

async function newFolder(name: string): Promise<Folder> {
  const home = await temporaryDirectory();
  vi.stubEnv("XDG_STATE_HOME", home.path);
  const directory = path.join(home.path, "inet-swarm/swarms", name);
  await mkdir(directory, { recursive: true });
  return {
    directory,
    file: path.join(directory, "swarm.json"),
    backup: path.join(directory, "swarm.backup.json"),
    async [Symbol.asyncDispose]() {
      vi.unstubAllEnvs();
      await home[Symbol.asyncDispose]();
    },
  };
}

const aws: AwsState = {
  ...{
    format: 1,
    name: "cloud",
    target: "aws",
    state: "running",
    region: "eu-north-1",
    stack: "swarm-cloud",
  },
  ...{ keyName: "swarm-cloud", sshUser: "ubuntu", workers: 3, volumeGiB: 50 },
};

const local: LocalState = {
  ...{ format: 1, name: "local", target: "local", state: "running", runners: 2, host: thisHost() },
  ...{
    socketDirectory: "/tmp/x",
    processes: [{ role: "redis", log: "/tmp/log", ...identify(process.pid)! }],
  },
};

async function failure(name: string): Promise<StateFileError> {
  const error: unknown = await readState(name).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StateFileError);
  return error as StateFileError;
}

/** The part of the previous version's schema that determined what it could read. */
const PreviousLocalState = v.object({
  format: v.literal(1),
  name: v.string(),
  target: v.literal("local"),
  state: v.picklist(["running", "halted"]),
  runners: v.number(),
  socketDirectory: v.string(),
  mongoUrl: v.optional(v.string()),
  processes: v.array(
    v.object({
      role: v.string(),
      log: v.string(),
      pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
      startTime: v.string(),
    }),
  ),
});

it("the state file can be read by the previous version, whose file this version can read", async () => {
  await using folder = await newFolder("local");
  await writeState(local);
  const previous = v.parse(PreviousLocalState, JSON.parse(await readFile(folder.file, "utf8")));
  await writeFile(folder.file, JSON.stringify({ ...previous, runners: 5 }));
  const { host: _, ...expected } = local;
  const [process] = local.processes;
  const { host: _host, ...known } = process!;
  expect(await readState("local")).toEqual({ ...expected, runners: 5, processes: [known] });
});

it("the state file keeps entries that a later version added to the same format", async () => {
  await using folder = await newFolder("local");
  await writeFile(folder.file, JSON.stringify({ ...local, later: { a: 1 } }));
  await changeStateFile("local", (state) => ({ ...state!, state: "halted" as const }));
  expect(JSON.parse(await readFile(folder.file, "utf8"))).toMatchObject({ later: { a: 1 }, state: "halted" });
});

it.each(["", "{", '{"format": 1, "name": "cloud"', "null", "[]", "\0\0\0\0"])(
  "the state file is read from its backup if it is %j, or missing",
  async (content) => {
    await using folder = await newFolder("cloud");
    await writeState(aws);
    await writeFile(folder.file, content);
    expect(await readState("cloud")).toEqual(aws);
    await rm(folder.file);
    expect(await readState("cloud")).toEqual(aws);
  },
);

it("a state file of a newer version leads to a message that asks for that version, and never for removing the file", async () => {
  await using folder = await newFolder("cloud");
  await writeState(aws);
  await writeFile(folder.file, JSON.stringify({ ...aws, format: 2 }));
  const { kind, message, hint } = await failure("cloud");
  expect(kind).toBe("newer");
  expect(message).toBe(`${folder.file} was written by a newer version of inet-swarm (format 2, here 1)`);
  expect(hint).toBe("use that version for the swarm cloud; the swarm was not changed");
  await expect(setAsideDamaged("cloud")).rejects.toThrow(StateFileError);
});

it.each([
  ['{"target": "aws", "name"', "swarm-tool init cloud, with the same --region"],
  ['{"target": "docker", ', "swarm-tool init cloud --docker"],
  ['{"target": "local", ', "swarm-tool resume cloud"],
  ["\0", "recreate the file"],
])("a damaged state file leads to a message that says how to repair it: %s", async (content, command) => {
  await using folder = await newFolder("cloud");
  await writeFile(folder.file, content);
  const { kind, hint } = await failure("cloud");
  expect(kind).toBe("damaged");
  expect(hint).toContain(command);
  expect(hint).not.toMatch(/\brm\b|remove the file/);
});

it("the state file is renamed when the swarm is found again, not deleted", async () => {
  await using folder = await newFolder("cloud");
  await writeFile(folder.file, "{");
  await writeFile(folder.backup, "{");
  expect(await readUnlessDamaged("cloud")).toBeUndefined();
  const moved = await setAsideDamaged("cloud");
  expect(moved.map((file) => path.basename(file).replace(/-\d.*$/, ""))).toEqual([
    "swarm.json.damaged",
    "swarm.backup.json.damaged",
  ]);
  expect(await readState("cloud")).toBeUndefined();
  await writeState(aws);
  expect(await setAsideDamaged("cloud")).toEqual([]);
  expect(await readdir(folder.directory)).toHaveLength(4);
});

it("the state file loses none of many concurrent changes", async () => {
  await using folder = await newFolder("cloud");
  await writeState(aws);
  const services = { images: {}, build: {} };
  await Promise.all([
    ...Array.from({ length: 8 }, () =>
      changeStateFile<AwsState>("cloud", (state) => ({
        ...(state as AwsState),
        workers: (state as AwsState).workers + 1,
      })),
    ),
    changeStateFile<AwsState>("cloud", (state) => ({ ...(state as AwsState), services })),
  ]);
  expect(await readState("cloud")).toEqual({ ...aws, workers: 11, services });
  expect((await readdir(folder.directory)).sort()).toEqual(["swarm.backup.json", "swarm.json"]);
});

it("the state file is not written while another process changes it", async () => {
  await using _ = await newFolder("cloud");
  await writeState(aws);
  let written = Promise.resolve();
  await changeStateFile<AwsState>("cloud", (state) => {
    written = writeState({ ...aws, workers: 7 });
    return { ...(state as AwsState), workers: 5 };
  });
  await written;
  expect(await readState("cloud")).toEqual({ ...aws, workers: 7 });
});

it("the state file has a tunnel for each machine that shares it", async () => {
  await using folder = await newFolder("cloud");
  const there = { ...identify(process.pid)!, host: { name: "login2", boot: "b2", pids: "1" } };
  const tunnel = { ...there, log: "/l", ports: {}, dockerSocket: "/s" };
  await writeFile(folder.file, JSON.stringify({ ...aws, tunnel }));
  const here = (await readState("cloud")) as AwsState;
  expect(here.tunnel).toBeUndefined();
  expect(here.otherTunnels).toEqual([tunnel]);
  const own = { ...tunnel, ...identify(process.pid)! };
  await changeStateFile<AwsState>("cloud", (state) => ({ ...(state as AwsState), tunnel: own }));
  expect(await readState("cloud")).toEqual({ ...aws, tunnel: own, otherTunnels: [tunnel] });
});
