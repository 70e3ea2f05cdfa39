import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it, vi } from "vitest";
import { thisHost, type Host } from "../../src/system/host.ts";
import { findAllSwarms } from "../../src/providers/list-swarms.ts";
import { swarmDirectories } from "../../src/providers/swarm-folders.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const login1: Host = { name: "login1", boot: "b1", pids: "4026531836" };
const login2: Host = { name: "login2", boot: "b2", pids: "4026531836" };

interface Home extends AsyncDisposable {
  /** Writes a state file like a machine would. */
  write(folder: string, content: object | string): Promise<void>;
  remove(folder: string): Promise<void>;
  /** Name of the folder that a swarm of this name has on a machine. */
  folder(host: Host, name?: string): string;
}

async function sharedHome(): Promise<Home> {
  const directory = await temporaryDirectory();
  vi.stubEnv("XDG_STATE_HOME", directory.path);
  const swarms = path.join(directory.path, "inet-swarm/swarms");
  return {
    async write(folder, content) {
      await mkdir(path.join(swarms, folder), { recursive: true });
      const text = typeof content === "string" ? content : JSON.stringify(content);
      await writeFile(path.join(swarms, folder, "swarm.json"), text);
    },
    remove: (folder) => rm(path.join(swarms, folder), { recursive: true }),
    folder: (host, name = "local") => path.relative(swarms, swarmDirectories(name, host).state),
    async [Symbol.asyncDispose]() {
      vi.unstubAllEnvs();
      await directory[Symbol.asyncDispose]();
    },
  };
}

function local(host: Host | undefined, name = "local"): object {
  const processes: unknown[] = [];
  return {
    format: 1,
    name,
    target: "local",
    state: "running",
    runners: 2,
    socketDirectory: "/x",
    processes,
    host,
  };
}

it("names a swarm's folder NAME for the first machine and NAME@HOST for every other machine", async () => {
  await using home = await sharedHome();
  expect(home.folder(login1)).toBe("local");
  await home.write("local", local(login1));
  expect([home.folder(login1), home.folder(login2)]).toEqual(["local", "local@login2"]);
  await home.write("local@login2", local(login2));
  await home.remove("local");
  expect([home.folder(login1), home.folder(login2)]).toEqual(["local", "local@login2"]);
});

it("keeps a machine's folder after a restart", async () => {
  await using home = await sharedHome();
  await home.write("local", local(login1));
  await home.write("local@login2", local(login2));
  const [first, second] = [login1, login2].map((host) => ({ ...host, boot: "later" }));
  expect([home.folder(first!), home.folder(second!)]).toEqual(["local", "local@login2"]);
});

it("gives each container on a machine a folder of its own, also if they share a name", async () => {
  await using home = await sharedHome();
  await home.write("local", local(login1));
  const container = { ...login1, pids: "4026532000" };
  expect(home.folder(container)).toBe("local@login1");
  await home.write("local@login1", local(container));
  expect(home.folder({ ...login1, pids: "4026532111" })).toBe("local@login1-2");
  expect([home.folder(login1), home.folder(container)]).toEqual(["local", "local@login1"]);
});

it("assigns folders of an earlier version, and unreadable ones, to this machine", async () => {
  await using home = await sharedHome();
  await home.write("local", local(undefined));
  expect(home.folder(login2)).toBe("local");
  await home.write("local", "{");
  expect(home.folder(login2)).toBe("local");
});

it("uses one folder for all machines if the swarm is elsewhere", async () => {
  await using home = await sharedHome();
  await home.write("cloud", { ...local(login1, "cloud"), target: "docker" });
  expect(home.folder(login2, "cloud")).toBe("cloud");
});

it("refuses names that lead out of the folder", async () => {
  await using home = await sharedHome();
  for (const name of ["..", "a/b", "local@x", ""])
    expect(() => home.folder(login1, name)).toThrow("is not a valid swarm name");
  expect(home.folder({ ...login2, name: "../../evil host" }, "x")).toBe("x");
  await home.write("x", local(login1, "x"));
  expect(home.folder({ ...login2, name: "../../evil host" }, "x")).toBe("x@.._.._evil_host");
});

it("shows swarms of other machines as theirs, and one that cannot be read beside the others", async () => {
  await using home = await sharedHome();
  await home.write("local", local(login1));
  await home.write("mine", local(thisHost(), "mine"));
  await home.write("broken", "{");
  await home.write("newer", { ...local(thisHost(), "newer"), format: 2 });
  const { swarms, elsewhere, unreadable } = await findAllSwarms();
  expect(swarms.map(({ name }) => name)).toEqual(["mine"]);
  expect(elsewhere.map(({ label, machine }) => [label, machine])).toEqual([["local@login1", "login1"]]);
  expect(unreadable.map(({ name, error }) => [name, error.message.replace(/^.*swarms\//, "")])).toEqual([
    ["broken", expect.stringContaining("damaged: it is not valid JSON")],
    ["newer", "newer/swarm.json was written by a newer version of inet-swarm (format 2, here 1)"],
  ]);
});
