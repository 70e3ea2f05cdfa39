import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { DockerStatus } from "../../src/providers/target.ts";
import { startCluster, type DockerCluster } from "../helpers/docker-cluster.ts";
import type { DockerMachine } from "../helpers/docker-machine.ts";
import { describeWithDocker, optionsFor, provideBase } from "../helpers/docker.ts";
import { startRegistry } from "../helpers/registry.ts";
import { describeWithService } from "../helpers/services.ts";
import { eventually, listen } from "../helpers/swarm.ts";
import { newSample, newUser, type Finished, type Sample, type User } from "../helpers/tool.ts";
import { compareResults } from "../real-omnetpp/compare-results.js";

const GiB = 2 ** 30;
/** An entry of htpasswd(1) that no password matches. */
const LOGIN = "user:!";
/** A config with 42 runs, each of which writes three files. */
const CONFIG = `
[Config Nodes]
sim-time-limit = 1000s
repeat = 2
*.source.arrivalRate = \${arrivalRate=0.2, 0.4, 0.6}
*.queue.serviceRate = \${serviceRate=1..4 step 0.5}
`;

describeWithService("docker-registry", "with a registry", () => {
  describeWithDocker("a swarm of three machines", () => {
    let cluster: DockerCluster;
    /** Workers of the Docker Swarm by their host names, in the order in which they joined. */
    const workers = new Map<string, DockerMachine>();
    let started = 0;
    let images: string[];
    let untrusted: string;
    let closed: string;
    let owner: User;
    let other: User;

    beforeAll(async () => {
      cluster = await startCluster(2);
      [untrusted, closed] = cluster.managerOnly as [string, string];
      [owner, other] = await Promise.all([newUser(), newUser()]);
      images = optionsFor(await provideBase(cluster.manager));
    }, 200_000);
    beforeEach(() => beginWithTwoWorkers(), 400_000);
    afterAll(async () => {
      await Promise.all([owner, other].map((user) => user[Symbol.asyncDispose]()));
      await cluster[Symbol.asyncDispose]();
    }, 240_000);

    const statusOf = async (user = owner): Promise<{ exitCode: number; status: DockerStatus }> => {
      const { exitCode, stdout } = await user.run("swarm-tool", ["status", "s", "--json"]);
      return { exitCode, status: (JSON.parse(stdout) as [DockerStatus])[0] };
    };
    const serviceOf = async (name: string) =>
      (await statusOf()).status.services.find((service) => service.name === name);
    /** Waits until all services run. A machine that has joined must first pull the images. */
    const untilWhole = (runners: number): Promise<unknown> =>
      eventually(async () => {
        const { status } = await statusOf();
        const runner = status.services.find(({ name }) => name === "runner");
        const troubles = status.services.flatMap(({ name, trouble }) =>
          trouble ? `${name}: ${trouble}` : [],
        );
        expect({ state: status.state, runners: runner?.running, troubles }).toEqual({
          state: "running",
          runners,
          troubles: [],
        });
      }, 150_000);
    /** Starts a machine that joins the Docker Swarm as a worker, and returns its name. */
    const addWorker = async (): Promise<string> => {
      const name = `w${++started}`;
      const machine = await cluster.add(name, { memoryBytes: started % 2 === 1 ? 4 * GiB : 8 * GiB });
      await cluster.join(machine);
      workers.set(name, machine);
      return name;
    };
    /** Kills a worker. Its node stays in the Docker Swarm, like that of a machine that has lost power. */
    const killWorker = async (name: string): Promise<void> => {
      await workers.get(name)![Symbol.asyncDispose]();
      workers.delete(name);
    };
    const removeWorker = async (name: string): Promise<void> => {
      await killWorker(name);
      await removeNode(name);
    };
    const removeNode = (name: string): Promise<unknown> =>
      eventually(() => cluster.manager.docker("node", "rm", "--force", name));
    /** Returns whether a worker is connected again, which Docker 20.10 sometimes forgets after its manager was killed. */
    const isReady = (name: string): Promise<boolean> =>
      eventually(async () => {
        const state = await cluster.manager.docker("node", "inspect", "--format", "{{.Status.State}}", name);
        expect(state).toBe("ready\n");
      }, 60_000).then(
        () => true,
        () => false,
      );
    const isDeployedForWorkers = async (): Promise<boolean> => {
      const { stdout } = await owner.run("swarm-tool", ["status", "s", "--json"]);
      if (stdout === "") return false;
      const [{ state, services }] = JSON.parse(stdout) as [DockerStatus];
      return (
        state !== "halted" && services.some((each) => each.name === "runner-joined" && each.desired === 0)
      );
    };
    /** Restores the state of the machines and of the swarm in which each test begins, whatever earlier tests left. */
    const beginWithTwoWorkers = async (): Promise<void> => {
      const nodes = (await cluster.manager.docker("node", "ls", "--format", "{{.Hostname}}"))
        .trim()
        .split("\n");
      for (const name of nodes) if (name !== "manager" && !workers.has(name)) await removeNode(name);
      for (const [name, machine] of workers) {
        if (!nodes.includes(name)) await cluster.join(machine);
        await cluster.connect(machine, true);
        await setAvailability(name, "active");
      }
      for (const name of [...workers.keys()])
        if (!(await isReady(name)) || workers.size > 2) await removeWorker(name);
      while (workers.size < 2) await addWorker();
      if (!(await isDeployedForWorkers())) {
        const where = ["--docker", "--host", cluster.manager.host];
        const registry = ["--registry", cluster.registry.name, "--runners", "2"];
        await must(owner.run("swarm-tool", ["init", "s", ...where, ...registry, ...images]));
        await must(other.run("swarm-tool", ["init", "s", ...where]));
      }
      await untilWhole(2);
    };
    const names = (): [string, string] => [...workers.keys()] as [string, string];
    /** Changes a machine, again if Docker has changed it at the same time (`update out of sequence`). */
    const setAvailability = (machine: string, availability: "active" | "drain") =>
      eventually(() => cluster.manager.docker("node", "update", "--availability", availability, machine));

    it("leaves the files of a local campaign, whatever happens to its machines meanwhile", async () => {
      await using sample = await newSample();
      await addConfig(sample, 2500);
      const running = owner.start("runall-swarm", ["-c", "Nodes", "--swarm", "s"], { cwd: sample.study });
      const saw = listen(running);
      const [first, second] = names();
      await saw("[3/42]");
      await setAvailability(first, "drain");
      await saw("[6/42]");
      await setAvailability(first, "active");
      await cluster.connect(workers.get(second)!, false);
      await eventually(async () => {
        const { exitCode, status } = await statusOf();
        expect(status.machines).toContainEqual(expect.objectContaining({ hostname: second, status: "Down" }));
        expect(status.services.find(({ name }) => name === "runner")).toMatchObject({
          running: 1,
          desired: 1,
        });
        expect({ exitCode, state: status.state }).toEqual({ exitCode: 0, state: "running" });
      });
      await cluster.connect(workers.get(second)!, true);
      const pushed = cluster.registry.requests().filter((request) => request.startsWith("PUT"));
      await must(other.run("swarm-tool", ["deploy", "s", "--runners", "3"]));
      expect(cluster.registry.requests().filter((request) => request.startsWith("PUT"))).toEqual(pushed);
      await addWorker();
      await untilWhole(3);
      await cluster.manager.stopDocker("SIGKILL");
      await cluster.manager.startDocker();
      await saw("[24/42]");
      await killWorker(first);
      const { exitCode, stderr } = await running.finished;
      expect(stderr).toMatch(/\[42\/42\]/);
      expect(exitCode).toBe(0);
      await untilWhole(2);
      await expectSameAsLocal(owner, sample);
    }, 400_000);

    it("reports within seconds that no runner is connected, and that nothing runs after it was halted", async () => {
      await using sample = await newSample();
      await addConfig(sample, 1000);
      const [first, second] = names();
      await Promise.all([first, second].map((name) => setAvailability(name, "drain")));
      await eventually(async () => {
        const { exitCode, status } = await statusOf();
        expect({ exitCode, state: status.state }).toEqual({ exitCode: 1, state: "broken" });
        expect(status.services.find(({ name }) => name === "runner")?.trouble).toMatch(/no suitable machine/);
      });
      const args = ["-c", "Nodes", "-r", "0..7", "--swarm", "s"];
      const running = owner.start("runall-swarm", args, { cwd: sample.study });
      const saw = listen(running);
      await saw("no runner is connected", 90_000); // the machines may still be stopping their containers
      await must(other.run("swarm-tool", ["halt", "s", "--force"]));
      const listed = await must(owner.run("runall-swarm", ["list", "--swarm", "s", "--json"]));
      expect(JSON.parse(listed.stdout)).toContainEqual(expect.objectContaining({ waiting: 8, running: 0 }));
      expect((await statusOf()).status.state).toBe("halted");
      const refused = await owner.run("runall-swarm", ["-c", "Nodes", "-r", "0", "--swarm", "s"], {
        cwd: sample.study,
      });
      expect(refused.stderr).toContain("resume it with: swarm-tool resume s");
      await setAvailability(second, "active");
      await must(owner.run("swarm-tool", ["resume", "s"]));
      expect((await running.finished).exitCode).toBe(0);
      expect(await workersOf(sample)).toEqual([second]);
    }, 300_000);

    it("keeps the settings of the user who made them, and its running services if an image does not start", async () => {
      await must(other.run("swarm-tool", ["deploy", "s", "--runners", "3"]));
      const before = (await statusOf(other)).status.services;
      const bad = await owner.run("swarm-tool", ["deploy", "s", "--worker-image", "stand-in-redis"]);
      expect(bad.stderr).toMatch(/the service \S+ does not start: (on (w\d+|manager): )?/);
      expect(bad.exitCode).toBe(2);
      expect((await statusOf(other)).status.services).toEqual(before);
      const unknown = await owner.run("swarm-tool", ["deploy", "s", "--redis-image", "nobody/has:1"]);
      expect(unknown.stderr).toMatch(/cannot pull the image nobody\/has:1 on [^]*--redis-image/);
      expect((await statusOf(other)).status.services).toEqual(before);
      await must(owner.run("swarm-tool", ["deploy", "s"]));
      const command = await cluster.manager.docker("service", "inspect", "swarm-s_runner");
      expect(command).toMatch(/"--concurrency",\s*"3"/); // the other user's setting
    }, 300_000);

    it("reports what is wrong with a registry before anything is built", async () => {
      const deploy = (registry: string) => owner.run("swarm-tool", ["deploy", "s", "--registry", registry]);
      const nobody = await deploy(`${cluster.address()}:5000`);
      expect(nobody.stderr).toMatch(/the registry \S+ cannot be reached from the manager/);
      expect((await deploy("http://registry")).stderr).toMatch("is not a valid registry");
      await using _plain = await startRegistry(cluster.network, untrusted.split(":")[0]!);
      const plain = await deploy(untrusted);
      expect(plain.stderr).toMatch(/cannot pull images from the registry \S+ on: w\d+, w\d+\n/);
      await using _closed = await startRegistry(cluster.network, closed.split(":")[0]!, LOGIN);
      const login = await deploy(closed);
      expect(login.stderr).toMatch(/does not let you push[^]*docker login/);
      const address = cluster.address();
      await using _unknown = await startRegistry(cluster.network, address);
      expect((await deploy(`${address}:5000`)).stderr).toMatch(/does not use TLS[^]*insecure-registries/);
      for (const { stderr, exitCode } of [nobody, plain, login]) {
        expect(exitCode).toBe(2);
        expect(stderr).not.toMatch(/building/);
      }
      expect((await statusOf()).status.state).toBe("running");
    }, 300_000);

    it("compiles locally what a machine that vanishes was to compile", async () => {
      await using sample = await newSample();
      const slow = (name: number): string =>
        `#include <regex>\n#include <map>\n#include <iostream>\nbool f${name}(const char *s) { return std::regex_match(s, std::regex("a${name}+")); }\n`;
      const files = Array.from({ length: 6 }, (_, index) => `slow${index}`);
      const objects = files.map((name) => `${name}.o`).join(" ");
      await sample.commit({
        ...Object.fromEntries(files.map((name, index) => [`${name}.cc`, slow(index)])),
        Makefile: `all: ${objects}\n\tcd src && opp_makemake -f --deep -o mm1 && $(MAKE)\n%.o: %.cc\n\t$(CXX) -O2 -c -o $@ $<\n`,
      });
      const running = owner.start("runall-swarm", ["-c", "Quick", "-r", "0", "--swarm", "s"], {
        cwd: sample.study,
      });
      const second = workers.get(names()[1])!;
      const container = await taskOn(second, "swarm-s_distcc");
      await eventually(async () => expect(await second.docker("top", container)).toContain("cc1plus"));
      await cluster.connect(second, false);
      const cutAt = Date.now();
      const { exitCode, stderr } = await running.finished;
      await cluster.connect(second, true);
      expect(stderr).toMatch(/built in/);
      expect(exitCode).toBe(0);
      expect(Date.now() - cutAt).toBeLessThan(280_000); // the default of distcc is 300 s
    }, 300_000);

    it("names a machine whose containers cannot be reached, although Docker reaches the machine", async () => {
      const [, name] = names();
      const machine = workers.get(name)!;
      await cluster.blockContainers(machine, true);
      try {
        const trouble = `${name}: its runner, started `;
        await eventually(async () => {
          const { exitCode, status } = await statusOf();
          const runner = status.services.find((service) => service.name === "runner");
          expect(runner).toMatchObject({ running: 2, trouble: expect.stringContaining(trouble) as string });
          expect(runner?.trouble).toContain("check that UDP port 4789 and TCP and UDP port 7946 are open");
          expect({ exitCode, state: status.state }).toEqual({ exitCode: 1, state: "broken" });
          const ready = { hostname: name, status: "Ready" };
          expect(status.machines).toContainEqual(expect.objectContaining(ready));
        }, 150_000);
        const deployed = await must(owner.run("swarm-tool", ["deploy", "s"]));
        expect(deployed.stderr).toContain(trouble);
      } finally {
        await cluster.blockContainers(machine, false);
      }
      await untilWhole(2);
    }, 400_000);

    it("executes runs on a machine that joins a swarm of one, within the memory of that machine", async () => {
      for (const [name, machine] of workers) {
        await machine.docker("swarm", "leave");
        await removeNode(name);
      }
      await must(owner.run("swarm-tool", ["deploy", "s"]));
      expect(await serviceOf("runner")).toMatchObject({ running: 1, desired: 1 });
      const own = await taskOn(cluster.manager, "swarm-s_runner");
      const format = ["inspect", "--format", "{{.HostConfig.Memory}}"];
      expect(Number(await cluster.manager.docker(...format, own))).toBeGreaterThan(0);
      const [, name] = names();
      await cluster.join(workers.get(name)!);
      await eventually(
        async () => expect(await serviceOf("runner-joined")).toMatchObject({ running: 1, desired: 1 }),
        150_000,
      );
      const machine = workers.get(name)!;
      const joined = await taskOn(machine, "swarm-s_runner-joined");
      expect(Number(await machine.docker(...format, joined))).toBe(0);
      await using sample = await newSample();
      await addConfig(sample, 1000);
      await must(
        owner.run("runall-swarm", ["-c", "Nodes", "-r", "0..19", "--swarm", "s"], { cwd: sample.study }),
      );
      expect(await workersOf(sample)).toEqual(expect.arrayContaining([name, "manager"]));
    }, 300_000);

    it("leaves no image, service, volume or secret when it is removed", async () => {
      await must(other.run("swarm-tool", ["remove", "s", "--force"]));
      const left = await cluster.manager.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}");
      expect(left).not.toMatch(/inet-swarm/);
      for (const list of [["service"], ["secret"], ["volume"]])
        expect(await cluster.manager.docker(...list, "ls", "--quiet")).toBe("");
      const gone = await owner.run("swarm-tool", ["status", "s"]);
      expect(gone.stderr).toMatch(/the swarm s is no longer deployed on/);
    }, 120_000);
  });
});

async function must(running: Promise<Finished>): Promise<Finished> {
  const finished = await running;
  expect(finished, finished.stderr).toMatchObject({ exitCode: 0 });
  return finished;
}

async function addConfig(sample: Sample, runMs: number): Promise<void> {
  const ini = await sample.read("omnetpp.ini");
  await sample.commit({
    "simulations/omnetpp.ini": `${ini}${CONFIG}`,
    setenv: `export STAND_IN_RUN_MS=${runMs}\n`,
  });
}

/** Returns the container of a service's task on a machine. */
async function taskOn(machine: DockerMachine, service: string): Promise<string> {
  let id = "";
  await eventually(async () => {
    const filter = ["--filter", `label=com.docker.swarm.service.name=${service}`];
    id = (await machine.docker("ps", "--quiet", ...filter)).trim();
    expect(id).toMatch(/^\w+$/);
  });
  return id;
}

/** Returns the host names of the machines that executed runs, according to the records. */
async function workersOf(sample: Sample): Promise<string[]> {
  const { study } = sample;
  const records = (await sample.results()).filter((file) => /^\.swarm\/[^/]+\.json$/.test(file));
  const texts = await Promise.all(records.map((file) => readFile(path.join(study, "results", file), "utf8")));
  return [...new Set(texts.flatMap((text) => (JSON.parse(text) as { worker?: string }).worker ?? []))];
}

async function expectSameAsLocal(user: User, sample: Sample): Promise<void> {
  await using here = await newSample();
  await addConfig(here, 0);
  await must(user.run("swarm-tool", ["init", "--local"]));
  await must(user.run("runall-swarm", ["-c", "Nodes", "--swarm", "local"], { cwd: here.study }));
  const [expected, actual] = [here, sample].map(({ study }) => path.join(study, "results"));
  const { differences, files } = await compareResults(expected!, actual!);
  expect(differences).toEqual([]);
  expect(files).toBe(126);
}
