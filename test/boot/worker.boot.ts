import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { serveAwsProgram } from "../helpers/aws-cli.ts";
import { booted, startAwsMachine, type AwsMachine } from "../helpers/aws-machine.ts";
import { startNetwork, type AwsNetwork } from "../helpers/aws-network.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";
import { EMPTY, startAccount, type Account, type Instance } from "./account.ts";
import { expectNoFailedUnits, expectTimers } from "./systemd.ts";

/** Longer than the longest interval of a timer and joining take on a slow virtual machine. */
const JOIN = { timeout: 10 * 60_000, interval: 2000 };
const TIMERS = ["swarm-join", "swarm-watchdog", "swarm-spot"];

/** Each test continues with the worker of the one before. Its managers are not virtual: namespaces with a real Docker. */
describe("a worker, under a real systemd", () => {
  let account: Account;
  let network: AwsNetwork;
  let folder: TemporaryDirectory;
  let program: AsyncDisposable;
  let manager: AwsMachine | undefined;
  let worker: Instance;
  beforeAll(async () => {
    [account, network, folder] = await Promise.all([
      startAccount(),
      startNetwork(),
      temporaryDirectory("swarm-boot-"),
    ]);
    await network.plug(process.pid, "10.77.0.1");
    program = await serveAwsProgram({ path: path.join(folder.path, "aws") }, account.emulator, {
      now: () => Date.now(),
      onAttached: () => Promise.resolve(), // startManager attaches it
    });
    await mkdir(path.join(folder.path, "volume"));
    manager = await startManager("10.77.0.5");
  });
  afterAll(async () => {
    await endManager();
    for (const each of [program, account, network, folder]) await each[Symbol.asyncDispose]();
  });

  it("joins the manager", async () => {
    worker = await account.launch("worker");
    await account.booted(worker);
    await joined();
    await expectTimers(worker, TIMERS);
    await expectNoFailedUnits(worker);
  });

  it("joins the manager that replaces the first one", async () => {
    const { id } = manager!;
    await endManager();
    await account.replace(id);
    manager = await startManager("10.77.0.6");
    expect(manager.id).not.toBe(id);
    await joined();
    await expectTimers(worker, TIMERS);
    await expectNoFailedUnits(worker);
  });

  it("has itself terminated by its watchdog after half an hour without a manager", async () => {
    expect(account.calls.filter((call) => call.startsWith("autoscaling"))).toEqual([]);
    await endManager();
    // First ends a run of the watchdog that has reached the manager and would set the file's time.
    await worker.root('systemctl start swarm-watchdog.service; touch -d "32 minutes ago" /run/swarm-seen');
    await vi.waitFor(async () => expect(await account.group("worker")).toEqual(EMPTY), JOIN);
    expect(worker.process).toBeDefined();
  });

  it("shuts itself down if AWS does not terminate it", async () => {
    account.onCall = (call) => {
      if (call.startsWith("autoscaling")) throw new Error("AccessDenied");
    };
    await vi.waitFor(() => expect(worker.process).toBeUndefined(), JOIN);
  });

  async function startManager(address: string): Promise<AwsMachine> {
    const [id = ""] = (await account.group("manager")).ids;
    const place = {
      volume: path.join(folder.path, "volume"),
      network,
      awsSocket: path.join(folder.path, "aws"),
    };
    const script = await account.userData("manager");
    const machine = await startAwsMachine({ id, name: "manager", address, script, ...place });
    await writeFile(path.join(machine.root, "dev/sdf"), "");
    await booted(machine);
    return machine;
  }

  async function endManager(): Promise<void> {
    await manager?.[Symbol.asyncDispose]();
    manager = undefined;
  }

  /** Waits until the worker is the only one of the manager, according to both of them. */
  async function joined(): Promise<void> {
    const nodes = (...args: string[]): Promise<string> => manager!.docker("node", "ls", ...args);
    const states = ["", "Ready Active ", "Ready Active Leader"];
    await vi.waitFor(async () => {
      const lines = await nodes("--format", "{{.Status}} {{.Availability}} {{.ManagerStatus}}");
      expect(lines.split("\n").sort()).toEqual(states);
      expect(await worker.root("cat /run/swarm-manager")).toBe(`${manager!.id}\n`);
    }, JOIN);
    const id = (await nodes("--quiet", "--filter", "role=worker")).trim();
    const state = "docker info -f '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}} {{.Swarm.NodeID}}'";
    expect(await worker.root(state)).toBe(`active false ${id}\n`);
  }
});
