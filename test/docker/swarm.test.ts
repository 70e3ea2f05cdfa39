import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { hostname, networkInterfaces, totalmem, userInfo } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { lockChanges } from "../../src/providers/docker/change-lock.ts";
import { identify } from "../../src/system/identity.ts";
import { dashboardApi } from "../helpers/dashboard-api.ts";
import { describeWithDocker, dockerState, startDocker, type DockerHost } from "../helpers/docker.ts";
import { startGitHost } from "../helpers/git-daemon.ts";
import { lookingProgram } from "../helpers/looking-program.ts";
import { smallDisk } from "../helpers/small-disk.ts";
import { startManager, type Manager } from "../helpers/sshd.ts";
import { eventually, isAlive, listen } from "../helpers/swarm.ts";
import { newSample, newUser, type Finished, type Running, type Sample, type User } from "../helpers/tool.ts";
import { compareResults } from "../real-omnetpp/compare-results.js";

const SERVICES = ["builder", "dashboard", "distcc", "mongo", "redis", "runner", "visualizer"];
/** For machines that join later: there are none. */
const JOINED = ["distcc-joined", "runner-joined"];

/** A user with a swarm on the Docker of the tests, and a study. */
interface Researcher extends AsyncDisposable {
  user: User;
  sample: Sample;
  runall(...args: string[]): Promise<Finished>;
  start(...args: string[]): Running;
  tool(...args: string[]): Promise<Finished>;
}

describeWithDocker("a swarm on Docker", () => {
  let host: DockerHost;
  let owner: User;
  beforeAll(async () => {
    host = await startDocker();
    owner = await newUser();
    await init(owner, "s");
  }, 300_000);
  afterAll(async () => {
    await owner[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
  }, 120_000);

  const init = async (user: User, name: string, where = ["--host", host.host]): Promise<void> => {
    const made = await user.run("swarm-tool", ["init", name, "--docker", ...where, ...host.options]);
    expect(made).toMatchObject({ exitCode: 0 });
  };

  /** A study of a user; of the user with the swarm `s` by default. */
  const researcher = async (user = owner): Promise<Researcher> => {
    const sample = await newSample();
    return {
      user,
      sample,
      tool: (...args) => user.run("swarm-tool", args),
      runall: (...args) => user.run("runall-swarm", args, { cwd: sample.study }),
      start: (...args) => user.start("runall-swarm", args, { cwd: sample.study }),
      [Symbol.asyncDispose]: () => sample[Symbol.asyncDispose](),
    };
  };

  /** The running container of a service. */
  const container = async (service: string): Promise<string> => {
    const filter = ["--filter", `label=com.docker.swarm.service.name=swarm-s_${service}`];
    let id = "";
    await eventually(async () => {
      id = (await host.docker("ps", "--quiet", ...filter)).trim();
      expect(id).toMatch(/^\w+$/);
    });
    return id;
  };

  /** The results of the same runs on this machine. */
  const expectSameAsLocal = async ({ user, sample }: Researcher, ...args: string[]): Promise<void> => {
    await using other = await newSample();
    const { exitCode } = await user.run("swarm-tool", ["init", "--local"]);
    expect(exitCode).toBe(0);
    const local = await user.run("runall-swarm", [...args, "--swarm", "local"], { cwd: other.study });
    expect(local).toMatchObject({ exitCode: 0 });
    const [expected, actual] = [other, sample].map(({ study }) => path.join(study, "results"));
    const { differences, files } = await compareResults(expected!, actual!);
    expect(differences).toEqual([]);
    expect(files).toBeGreaterThan(7);
  };

  it("executes the runs of a study from a git host, and exposes neither secrets nor ports", async () => {
    await using user = await researcher();
    await using remote = await startGitHost(host.ourAddress);
    await user.sample.commit({
      Makefile:
        "all:\n\tcd src && opp_makemake -f --deep -o mm1 && $(MAKE)\n\t$(CXX) -c -o extra.o extra.cc\n",
      "extra.cc": "int extra(int a) { return a + 1; }\n",
    });
    await user.sample.git("remote", "add", "origin", remote.url);
    await user.sample.git("push", "--quiet", "origin", "main");
    const made = await user.runall("-c", "Quick", "--swarm", "s");
    expect(made).toMatchObject({ exitCode: 0 });
    expect(made.stderr).toMatch(/built in/);
    expect(made.stderr).not.toMatch(/sent the project/);
    expect(await host.docker("service", "logs", "swarm-s_distcc")).toMatch(/COMPILE_OK.*extra\.cc/);

    const status = JSON.parse((await user.tool("status", "s", "--json")).stdout) as [
      { state: string; services: { name: string; running: number }[]; ports: Record<string, number> },
    ];
    expect(status[0]).toMatchObject({ state: "running" });
    const running = Object.fromEntries(status[0].services.map(({ name, running }) => [name, running]));
    expect(running).toEqual(
      Object.fromEntries([...SERVICES.map((name) => [name, 1]), ...JOINED.map((name) => [name, 0])]),
    );

    const dashboard = (await user.tool("dashboard", "s")).stdout.trim();
    const address = new URL(dashboard);
    expect(address.hash).toMatch(/^#token=[\w-]{32}$/);
    const campaigns = await (await fetch(new URL("/api/campaigns", address))).text();
    expect(campaigns).toMatch(/"config":"Quick"/);
    const visualizer = await fetch(`http://localhost:${status[0].ports["visualizer"]}/`);
    expect(await visualizer.text()).toBe("machines");

    await expectNoPasswords(user, host);
    await expectClosed(host, Object.values(status[0].ports));
    await expectSameAsLocal(user, "-c", "Quick");
  }, 300_000);

  it("hides the passwords of its services from runs and builds", async () => {
    await using user = await researcher();
    const { sample } = user;
    const secrets = ["/run/secrets/redis-url", "/run/secrets/mongo-url"];
    const look = `id -u; env; cat ${secrets.join(" ")}; cat /proc/1/environ /proc/1/cmdline; ls /proc/1/fd/`;
    await sample.write({
      "simulations/sim.sh": lookingProgram(secrets),
      Makefile: `all:\n\t-$(MAKE) --version\n\t-${look.replaceAll("$", "$$")}\n\t@echo looked at all; false\n`,
    });
    await chmod(path.join(sample.study, "sim.sh"), 0o755);
    const built = await user.runall("--swarm", "s", "./sim.sh", "-c", "Quick", "-r", "0");
    expect(built).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("looked at all") as string });
    await sample.write({ Makefile: "all:\n\t$(MAKE) --version\n" });
    const run = await user.runall("--swarm", "s", "./sim.sh", "-c", "Quick", "-r", "0");
    expect(run).toMatchObject({ exitCode: 0 });
    const name = (await sample.results()).find((file) => file.endsWith(".out"))!;
    const printed = await sample.read(path.join("results", name));
    expect(printed).toMatch(/^1000$/m);
    expect(printed).toContain("looked at: swarm-worker --secrets 3 "); // process 1
    expect(printed).toMatch(/redis-url: Permission denied/);
    const { services } = await dockerState(owner, "s");
    for (const text of [printed, built.stderr])
      for (const secret of Object.values(services.passwords)) expect(text.includes(secret)).toBe(false);
    expect(built.stderr).toMatch(/redis-url: Permission denied/);
    expect(built.stderr).toMatch(/environ: Permission denied/);
  }, 300_000);

  it("loses nothing when a runner, the queue and the result server are killed during a campaign", async () => {
    await using user = await researcher();
    await user.sample.commit({ setenv: "export STAND_IN_RUN_MS=700\n" });
    const args = ["-c", "Quick", "--repeat=6"]; // 24 runs
    const running = user.start(...args, "--swarm", "s");
    const saw = listen(running);
    await saw("[2/24]");
    await host.docker("kill", await container("runner"));
    await saw("[6/24]");
    await host.docker("kill", await container("redis"));
    await saw("[10/24]");
    await host.docker("kill", await container("mongo"));
    await saw("[16/24]");
    await host.docker("service", "update", "--force", "--quiet", "--detach", "swarm-s_redis");
    const { exitCode, stderr } = await running.finished;
    expect(stderr).toMatch(/\[24\/24\]/);
    expect(exitCode).toBe(0);
    await expectSameAsLocal(user, ...args);
    const doorway = await container("dashboard"); // all connections go through it
    await host.docker("kill", doorway);
    await eventually(async () => expect(await container("dashboard")).not.toBe(doorway));
    expect(await user.runall("list", "--swarm", "s")).toMatchObject({ exitCode: 0 });
    const { stdout } = await user.tool("status", "s", "--json");
    expect((JSON.parse(stdout) as [{ jobs: unknown }])[0].jobs).toEqual({
      waiting: 0,
      running: 0,
      uncollected: 0,
    });
  }, 400_000);

  it("is halted and resumed during a campaign, and leaves nothing behind when it is removed", async () => {
    await using own = await newUser();
    const context = ["context", "create", "tests", "--docker", `host=${host.host}`];
    await promisify(execFile)("docker", context, { env: own.env });
    await init(own, "t", ["--context", "tests"]);
    await using user = await researcher(own);
    await user.sample.commit({ setenv: "export STAND_IN_RUN_MS=1500\n" });
    const { stdout } = await user.runall("-c", "Quick", "--repeat=8", "--swarm", "t", "--detach"); // 32 runs
    const [, id] = /runall-swarm attach (\S+)/.exec(stdout)!;
    await eventually(async () => {
      const { stdout: listed } = await user.runall("list", "--swarm", "t", "--json");
      expect(JSON.parse(listed)).toMatchObject([{ campaign: { id } }]);
    });
    expect((await user.tool("halt", "t")).stderr).toMatch(/of the swarm t (is|are) running|halted/);
    expect(await user.tool("halt", "t", "--force")).toMatchObject({ exitCode: 0 });
    expect(await host.docker("service", "ls", "--format", "{{.Name}}")).not.toMatch(
      /swarm-t_(runner|distcc)/,
    );
    expect((await user.tool("status", "t")).stdout).toMatch(/halted.*\n(.*\n)*.*queue: [1-9]\d* waiting/);
    const refused = await user.runall("-c", "Quick", "--swarm", "t");
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.stderr).toMatch("resume it with: swarm-tool resume t");

    const resumed = await user.tool("resume", "t");
    expect(resumed).toMatchObject({ exitCode: 0 });
    const attached = await user.runall("attach", id!, "--swarm", "t");
    expect(attached).toMatchObject({ exitCode: 0 });
    expect((await user.sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(32);
    expect(await valuesHere(own, id!)).toBe(32);

    const { relay } = await dockerState(own, "t");
    process.kill(relay.pid, "SIGKILL");
    await eventually(() => expect(isAlive(relay.pid)).toBe(false));
    expect((await user.tool("status", "t")).stdout).toMatch(/broken(.*\n)*.*swarm-tool connect t/);
    expect(await user.runall("-c", "Quick", "-r", "0", "--swarm", "t")).toMatchObject({ exitCode: 0 }); // repairs it

    const { relay: second } = await dockerState(own, "t");
    expect(await user.tool("remove", "t")).toMatchObject({ exitCode: 0 });
    expect(isAlive(second.pid)).toBe(false);
    const ours = ["--filter", "label=com.docker.stack.namespace=swarm-t"];
    for (const list of [
      ["service", "ls"],
      ["volume", "ls"],
      ["network", "ls"],
      ["ps", "--all"],
    ])
      expect(await host.docker(...list, ...ours, "--quiet")).toBe("");
    expect(await host.docker("secret", "ls")).not.toMatch("swarm-t");
  }, 300_000);

  it("is halted by a user whose disk is full, and ends the campaign of another user when it is removed", async (context) => {
    await using own = await newUser();
    await using other = await newUser();
    using _ = await smallDisk(path.join(own.directory, "state"), 8 << 10, context);
    for (const each of [own, other]) await init(each, "f");
    await using user = await researcher(other);
    await user.sample.commit({ setenv: "export STAND_IN_RUN_MS=600000\n" });
    const running = user.start("-c", "Quick", "-r", "0..1", "--swarm", "f");
    const saw = listen(running);
    await eventually(async () => {
      const { stdout } = await user.tool("status", "f", "--json");
      expect((JSON.parse(stdout) as [{ jobs?: { running: number } }])[0].jobs?.running).toBeGreaterThan(0);
    });

    await writeFile(path.join(own.directory, "state/filler"), "x".repeat(16 << 20)).catch(() => undefined);
    const halted = await own.run("swarm-tool", ["halt", "f", "--force"]);
    expect(halted.stderr).toMatch(/no space left on device\nhint: free some space/);
    expect(halted.exitCode).toBe(2);
    const names = await host.docker("service", "ls", "--format", "{{.Name}}");
    expect(names).toContain("swarm-f_redis");
    expect(names).not.toMatch(/swarm-f_(runner|distcc)/);
    await saw("the swarm f is halted (hint: resume it with: swarm-tool resume f)");

    expect(await own.run("swarm-tool", ["remove", "f", "--force"])).toMatchObject({
      exitCode: 0,
      stderr: "",
    });
    const { exitCode, stderr } = await running.finished;
    expect(stderr).toMatch(
      /the swarm f .*is no longer deployed on .*: this campaign cannot go on\nhint: .*swarm-tool remove f --forget/,
    );
    expect(exitCode).toBe(2);
    expect(await user.tool("remove", "f", "--forget")).toMatchObject({ exitCode: 0 });
  }, 300_000);

  it("reports the compiler's messages when a build fails, and executes no run", async () => {
    await using user = await researcher();
    await user.sample.commit({ "src/Queue.cc": '#error "the author has gone home"\n' });
    const two = [user.runall("-c", "Quick", "--swarm", "s"), user.runall("-c", "Quick", "--swarm", "s")];
    for (const { exitCode, stderr } of await Promise.all(two)) {
      expect(stderr).toMatch(/the author has gone home/);
      expect(exitCode).toBe(2);
    }
  }, 200_000);

  it("executes as many runs concurrently as configured, within its memory", async () => {
    await using user = await researcher();
    await user.sample.commit({ setenv: "export STAND_IN_RUN_MS=3000\n" });
    expect(await user.tool("deploy", "s", "--runners", "4")).toMatchObject({ exitCode: 0 });
    const running = user.start("-c", "Endless", "--repeat=8", "--swarm", "s");
    await eventually(async () => {
      const { stdout } = await user.tool("status", "s", "--json");
      expect((JSON.parse(stdout) as [{ jobs: unknown }])[0].jobs).toMatchObject({ running: 4 });
    });
    running.child.kill("SIGINT");
    expect(await running.finished).toMatchObject({ exitCode: 130 });
    const format = ["--format", "{{.HostConfig.Memory}}"];
    for (const service of ["redis", "mongo", "builder", "runner", "dashboard"]) {
      const limit = Number(await host.docker("inspect", ...format, await container(service)));
      expect(limit).toBeGreaterThan(0);
      expect(limit).toBeLessThan(totalmem());
    }
  }, 200_000);

  it("can be used by another user over ssh, who sees no password", async () => {
    await using manager = await startManager({ sshd: { SetEnv: `DOCKER_HOST=${host.host}` } });
    await using other = await newUser();
    other.env["PATH"] = `${await sshTo(manager, other.directory)}${path.delimiter}${other.env["PATH"]!}`;
    await using user = await researcher(other);
    const joined = await user.tool(
      "init",
      "s",
      "--docker",
      "--host",
      `ssh://${manager.user}@manager.example`,
    );
    expect(joined.stderr).toBe("using the swarm s that is already deployed there, unchanged\n");
    expect(joined.exitCode).toBe(0);
    expect(await user.runall("-c", "Quick", "-r", "0..1")).toMatchObject({ exitCode: 0 });
    expect((await user.sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(2);
    const listed = await user.runall("list");
    expect(listed).toMatchObject({ exitCode: 0, stderr: "" });
    expect(listed.stdout).toMatch(new RegExp(`${userInfo().username}.*${path.basename(user.sample.path)}`));
    expect(await user.tool("remove", "s", "--forget")).toMatchObject({ exitCode: 0 });
  }, 200_000);

  it("is changed by one command at a time, whoever runs the command", async () => {
    await using other = await newUser();
    await init(other, "s");
    {
      await using _ = await lockChanges({ host: host.host }, "swarm-s");
      const isChanged = new RegExp(`the stack swarm-s is being changed by .* on ${hostname()}, since`);
      for (const args of [
        ["deploy", "s", "--runners", "2"],
        ["halt", "s", "--force"],
        ["remove", "s", "--force"],
      ]) {
        const refused = await other.run("swarm-tool", args);
        expect(refused.stderr).toMatch(isChanged);
        expect(refused.exitCode).toBe(2);
      }
    }
    const deploying = [owner, other].map((each) => each.run("swarm-tool", ["deploy", "s", "--runners", "2"]));
    const deployed = await Promise.all(deploying);
    expect(deployed).toContainEqual(expect.objectContaining({ exitCode: 0 }));
    for (const { exitCode, stderr } of deployed)
      if (exitCode !== 0) expect(stderr).toMatch("is being changed by");
    const killed = identify(process.pid)!;
    const owned = path.join(host.folder, "killed-command");
    await writeFile(owned, JSON.stringify({ ...killed, startTime: "another", user: "x" }));
    await host.docker("config", "create", "swarm-s_changing", owned);
    expect(await other.run("swarm-tool", ["deploy", "s", "--runners", "3"])).toMatchObject({ exitCode: 0 });
    expect(await host.docker("config", "ls", "--quiet")).toBe("");
    expect(await other.run("swarm-tool", ["remove", "s", "--forget"])).toMatchObject({ exitCode: 0 });
  }, 300_000);

  it("refuses a stack that others have created, and an image that does not exist", async () => {
    await using user = await newUser();
    await using folder = await newSample();
    const file = path.join(folder.path, "stack.yaml");
    await folder.commit({
      "stack.yaml": 'version: "3.8"\nservices: { web: { image: stand-in-redis, command: [sleep, "600"] } }\n',
    });
    await host.docker("stack", "deploy", "--compose-file", file, "--resolve-image", "never", "swarm-theirs");
    const init = ["--docker", "--host", host.host, ...host.options];
    const foreign = await user.run("swarm-tool", ["init", "theirs", ...init]);
    expect(foreign.stderr).toMatch("a stack swarm-theirs exists that swarm-tool did not create");
    expect(foreign.exitCode).toBe(2);
    expect(await host.docker("service", "ls", "--format", "{{.Name}}")).toMatch("swarm-theirs_web");
    await host.docker("stack", "rm", "swarm-theirs");

    const missing = await user.run("swarm-tool", [
      "init",
      "m",
      ...init,
      "--redis-image",
      "nobody/has-this:1",
    ]);
    expect(missing.stderr).toMatch("cannot pull the image nobody/has-this:1 on the manager");
    expect(missing.stderr).toMatch("--redis-image");
    expect(missing.exitCode).toBe(2);
    const mended = await user.run("swarm-tool", ["deploy", "m", "--redis-image", "stand-in-redis"]);
    expect(mended).toMatchObject({ exitCode: 0 });
    expect(await user.run("swarm-tool", ["remove", "m", "--yes"])).toMatchObject({ exitCode: 0 });
  }, 300_000);
});

/** The number of runs whose results are shown by a dashboard that is served on the client's machine. */
async function valuesHere(user: User, campaign: string): Promise<number> {
  const served = user.start("swarm-tool", ["dashboard", "t", "--port", "0"]);
  let printed = "";
  served.child.stdout!.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  try {
    await eventually(() => expect(printed).toContain("press Ctrl-C"));
    const api = dashboardApi(printed.split("\n")[0]!);
    const path = `campaigns/${campaign}/values?pattern=**.waitingTime:mean`;
    let runs = 0;
    await eventually(async () => {
      const { series } = await api.get<{ series: { values: unknown[] }[] }>(path);
      runs = series[0]!.values.length;
      expect(runs).toBe(32);
    });
    return runs;
  } finally {
    served.child.kill("SIGINT");
    expect(await served.finished).toMatchObject({ exitCode: 0, stderr: "" });
  }
}

/** A folder with an `ssh` that enters the container. */
async function sshTo(manager: Manager, directory: string): Promise<string> {
  const [folder, key] = [path.join(directory, "bin"), path.join(directory, "key")];
  await mkdir(folder);
  await promisify(execFile)("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  await manager.allow(await readFile(`${key}.pub`, "utf8"));
  const hosts = path.join(directory, "known_hosts");
  await writeFile(hosts, `manager.example ${manager.hostKey}\n`);
  const options = `-F none -i ${key} -o UserKnownHostsFile=${hosts} -o HostKeyAlias=manager.example`;
  await writeFile(path.join(folder, "ssh"), `#!/bin/sh\nexec ${manager.bin}/ssh ${options} "$@"\n`, {
    mode: 0o755,
  });
  return folder;
}

/** The secret is in no process argument, no log and no description that Docker returns. */
async function expectNoPasswords(researcher: Researcher, host: DockerHost): Promise<void> {
  const { services, relay } = await dockerState(researcher.user, "s");
  const secrets = Object.values(services.passwords);
  expect(secrets).toHaveLength(2);
  const containers = (await host.docker("ps", "--all", "--quiet")).trim().split("\n");
  const names = (await host.docker("service", "ls", "--quiet")).trim().split("\n");
  const described = await host.docker("inspect", ...containers, ...names);
  expect(described).toContain("MONGO_INITDB_ROOT_PASSWORD_FILE");
  const logs = await Promise.all(names.map((name) => host.docker("service", "logs", name)));
  const told = [
    described,
    ...logs,
    await readFile(relay.log, "utf8"),
    (await researcher.tool("status", "s", "--json")).stdout,
  ];
  for (const text of [...told, ...argumentsOfAll()])
    for (const secret of secrets) expect(text.includes(secret)).toBe(false);
}

function argumentsOfAll(): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) ? [readFileSync(`/proc/${pid}/cmdline`, "latin1")] : [];
    } catch {
      return []; // it has ended
    }
  });
}

/** Neither the swarm's machine nor this one accepts connections; the open ports of a Docker Swarm are the manager's own. */
async function expectClosed(host: DockerHost, relayed: readonly number[]): Promise<void> {
  expect(await answers(host.address, 2377)).toBe(true); // it can be reached
  const open: string[] = [];
  for (const port of [6379, 27017, 9181, 8080, 3632, 5000])
    if (await answers(host.address, port)) open.push(`${host.address}:${port}`);
  for (const address of ownAddresses())
    for (const port of relayed) if (await answers(address, port)) open.push(`${address}:${port}`);
  expect(open).toEqual([]);
}

/** The address at which others can reach this machine. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ internal, family }) => !internal && family === "IPv4").map(({ address }) => address);
}

function answers(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: 2000 });
    const done = (open: boolean) => (): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", done(true)).once("error", done(false)).once("timeout", done(false));
  });
}
