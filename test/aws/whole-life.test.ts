import { DescribeAutoScalingGroupsCommand } from "@aws-sdk/client-auto-scaling";
import { DescribeInstancesCommand, DescribeVolumesCommand, DetachVolumeCommand } from "@aws-sdk/client-ec2";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { findProgram } from "../../scripts/setup.js";
import { buildImage } from "../../src/providers/docker/build.ts";
import { stackImages } from "../../src/providers/docker/images.ts";
import { listLeftovers } from "../../src/providers/aws/leftovers.ts";
import { serveAwsProgram } from "../helpers/aws-cli.ts";
import { booted, startAwsMachine, type AwsMachine } from "../helpers/aws-machine.ts";
import { startNetwork, type AwsNetwork } from "../helpers/aws-network.ts";
import { awsUser, INIT, type AwsUser } from "../helpers/aws-user.ts";
import { evaluateAlarm, PERIOD_MS } from "../helpers/cloud-watch.ts";
import { BASE, describeWithDocker, provideBase } from "../helpers/docker.ts";
import { describeWithPythonTools, REGION, startEmulator, type Emulator } from "../helpers/emulator.ts";
import { sshdConfig } from "../helpers/sshd.ts";
import { bootScript } from "../helpers/template.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";
import { newSample, type Finished, type Sample } from "../helpers/tool.ts";
import { compareResults } from "../real-omnetpp/compare-results.js";

const MINUTES = 60_000;
const run = promisify(execFile);
/** Started manually, so that its images exist before the swarm does. */
const IMAGES = stackImages(
  { redis: "stand-in-redis", mongo: "stand-in-mongo", visualizer: "stand-in-visualizer" },
  {},
  "test",
  undefined,
);
/** A worker has no volume: its disk is new, and contains only images beforehand. */
const FRESH_WORKER = `
mount disk "$SWARM_ROOT/var/lib/docker"
(cd "$SWARM_ROOT/var/lib/docker" && rm -rf swarm network containers)
`;
vi.setConfig({ testTimeout: 10 * MINUTES, hookTimeout: 10 * MINUTES });

/**
 * The life of a swarm with AWS's emulator and machines that run the template's own boot scripts with a real Docker:
 * what the volume keeps, and how workers find a new manager, is then up to Docker itself.
 */
describeWithPythonTools("a swarm on AWS, with the machines' own boot scripts", () => {
  describeWithDocker("and a real Docker", () => {
    let emulator: Emulator;
    let user: AwsUser;
    let network: AwsNetwork;
    let folder: TemporaryDirectory;
    let sample: Sample;
    let program: AsyncDisposable;
    const machines: AwsMachine[] = [];
    /** Advances only in whole periods: no period may start while another one is being computed. */
    let clock = Date.now();
    const now = (): number => clock;
    let addresses = 4;

    beforeAll(async () => {
      [emulator, network, folder, sample] = await Promise.all([
        startEmulator(),
        startNetwork(),
        temporaryDirectory("swarm-life-"),
        newSample(),
      ]);
      user = await awsUser(emulator);
      const onAttached = (id: string): Promise<void> =>
        writeFile(path.join(machines.find((machine) => machine.id === id)!.root, "dev/sdf"), "");
      program = await serveAwsProgram(awsSocket(), emulator, { now, onAttached });
      await prepareVolumes();
      await writeSsh();
    });
    afterAll(async () => {
      for (const machine of machines) await machine[Symbol.asyncDispose]();
      for (const each of [user, program, sample, network, folder, emulator])
        await each[Symbol.asyncDispose]();
    });

    const awsSocket = (): string => path.join(folder.path, "aws.sock");
    const volume = (role: string): string => path.join(folder.path, `${role}-volume`);

    const start = async (role: string, id: string, script: string): Promise<AwsMachine> => {
      const place = { volume: volume(role), network, awsSocket: awsSocket() };
      const machine = await startAwsMachine({
        id,
        name: role,
        address: `10.77.0.${++addresses}`,
        script,
        ...place,
      });
      machines.push(machine);
      return machine;
    };

    /** Images for both: nothing is downloaded here. */
    async function prepareVolumes(): Promise<void> {
      await mkdir(volume("manager"));
      const script = "mount volume $SWARM_ROOT/var/lib/docker\nsystemctl enable --now docker\n";
      await using machine = await start("manager", "i-0prepare", script);
      await booted(machine);
      const archive = await provideBase(machine);
      const endpoint = { host: `unix://${machine.folder}/docker.sock` };
      const args = { baseImage: BASE, omnetppArchive: archive };
      for (const name of ["worker", "distcc"] as const)
        await buildImage(endpoint, name, IMAGES[name], args, undefined);
      await machine.stopDocker();
      machines.pop();
      await run("cp", ["--archive", "--reflink=auto", volume("manager"), volume("worker")]);
    }

    /** Independent of the address: leads to the current manager. */
    async function writeSsh(): Promise<void> {
      const file = path.join(user.manager.bin, "ssh");
      const proxy = `$(cat ${folder.path}/manager-sshd)`;
      await writeFile(file, `#!/bin/bash\nexec ${findProgram("ssh")!} -o ProxyCommand="${proxy}" "$@"\n`);
      await chmod(file, 0o755);
      await writeFile(
        path.join(user.manager.bin, "docker"),
        `#!/bin/bash\nexec ${findProgram("docker")!} "$@"\n`,
      );
    }

    /** The machine that AWS has started in a group, when its boot script starts. */
    async function boot(role: "manager" | "worker", earlier?: AwsMachine): Promise<AwsMachine> {
      const id = await vi.waitUntil(() => instanceOf(role, earlier?.id), { timeout: 60_000, interval: 100 });
      const { clients } = emulator;
      const { Volumes } = await clients.ec2.send(
        new DescribeVolumesCommand({ Filters: [{ Name: "tag:Name", Values: ["inet-data"] }] }),
      );
      const values = {
        SwarmName: "inet",
        DataVolume: Volumes![0]!.VolumeId!,
        "AWS::Region": REGION,
        IdleMinutes: "60",
        MaxHours: "24",
        WorkerMarket: "spot",
      };
      const script = await bootScript(role === "manager" ? "Manager" : "Worker", values);
      const machine = await start(role, id, role === "manager" ? script : FRESH_WORKER + script);
      if (role === "manager") await letIn(machine);
      return machine;
    }

    async function instanceOf(role: string, earlier: string | undefined): Promise<string | undefined> {
      const query = { AutoScalingGroupNames: [`swarm-inet-${role}`] };
      const { AutoScalingGroups } = await emulator.clients.autoScaling.send(
        new DescribeAutoScalingGroupsCommand(query),
      );
      return AutoScalingGroups?.[0]?.Instances?.map(({ InstanceId }) => InstanceId!).find(
        (id) => id !== earlier,
      );
    }

    async function letIn(machine: AwsMachine): Promise<void> {
      const keys = path.join(machine.folder, "authorized_keys");
      const ours = path.join(user.env["XDG_STATE_HOME"]!, "inet-swarm/swarms/inet/ssh/id_ed25519.pub");
      await writeFile(keys, await readFile(ours, "utf8"));
      const config = path.join(machine.folder, "sshd_config");
      const hostKeyFile = path.join(machine.root, "etc/ssh/ssh_host_ed25519_key");
      await writeFile(config, sshdConfig({ hostKeyFile, authorized: keys }));
      const command = [...machine.enter, findProgram("sshd")!, "-i", "-f", config].join(" ");
      await writeFile(path.join(folder.path, "manager-sshd"), command);
    }

    /** Terminates machines that a group no longer contains, as AWS does; the volume is then free. */
    async function terminate(): Promise<void> {
      for (const machine of machines.splice(0)) await machine[Symbol.asyncDispose]();
      const { clients } = emulator;
      const { Volumes } = await clients.ec2.send(
        new DescribeVolumesCommand({ Filters: [{ Name: "tag:Name", Values: ["inet-data"] }] }),
      );
      const [{ VolumeId, Attachments } = {}] = Volumes ?? [];
      if (Attachments?.length) await clients.ec2.send(new DetachVolumeCommand({ VolumeId }));
    }

    async function runningInstances(): Promise<number> {
      const Filters = [
        { Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] },
      ];
      const { Reservations } = await emulator.clients.ec2.send(new DescribeInstancesCommand({ Filters }));
      return (Reservations ?? []).flatMap(({ Instances }) => Instances ?? []).length;
    }

    /** A period of five minutes passes. */
    async function pass(manager: AwsMachine) {
      clock += PERIOD_MS;
      await manager.run("swarm-busy");
      return await evaluateAlarm(emulator, "swarm-inet-idle", now());
    }

    /** Waits until the dashboard has noticed this. */
    const noted = async (manager: AwsMachine, mark: string): Promise<void> => {
      await vi.waitFor(
        async () =>
          expect((await readFile(path.join(manager.root, "var/lib/inet-swarm/busy"), "utf8")).trim()).toBe(
            mark,
          ),
        { timeout: 90_000, interval: 200 },
      );
    };

    it("executes queued runs without the client, halts itself after an idle hour, and returns all results after resume", async () => {
      const images = Object.entries(IMAGES).map(([name, image]) => [`--${name}-image`, image]);
      const init = user.tool(...INIT, "--workers", "1", "--runners", "2", ...images.flat());
      let manager = await boot("manager");
      const worker = await boot("worker");
      succeeded(await init);
      await booted(worker);

      await sample.commit({ setenv: "export STAND_IN_RUN_MS=8000\n" });
      const runall = (...args: string[]) => user.run("runall-swarm", args, { cwd: sample.study });
      const queued = await runall("-c", "Quick", "--repeat=3", "--detach"); // 12 runs, which take longer than the dashboard needs to notice them
      succeeded(queued);
      const [, campaign = ""] = /runall-swarm attach (\S+)/.exec(queued.stdout)!;

      await noted(manager, "1");
      expect((await pass(manager)).fires).toBe(false);
      await vi.waitFor(
        async () => expect((await user.status()).jobs).toEqual({ waiting: 0, running: 0, uncollected: 12 }),
        { timeout: 120_000, interval: 1000 },
      );
      expect(
        await manager.docker("service", "ps", "--filter", "desired-state=running", "swarm-inet_runner"),
      ).toMatch(/worker-/);
      await noted(manager, "0");
      const periods: boolean[] = [];
      while (!periods.at(-1)) periods.push((await pass(manager)).fires);
      expect(periods).toHaveLength(12);

      expect(await runningInstances()).toBe(0);
      await terminate();
      expect(await user.status()).toMatchObject({
        state: "halted",
        machines: [],
        volumes: [{ sizeGiB: 50 }],
      });
      expect(await listLeftovers(emulator.clients, "inet")).toEqual([
        expect.stringMatching(/^volume/) as string,
        expect.stringMatching(/^network/) as string,
        "key pair swarm-inet",
        ...["manager", "worker"].map((role) => `launch template swarm-inet-${role}`),
        ...["manager", "worker"].map((role) => `auto scaling group swarm-inet-${role}`),
        ...["idle", "silent", "life-manager", "life-worker"].map((name) => `alarm swarm-inet-${name}`),
        ...["host-key", "worker-join"].map((name) => `parameter /swarm/inet/${name}`),
      ]);
      clock += 30 * 24 * 60 * MINUTES;
      expect((await evaluateAlarm(emulator, "swarm-inet-idle", now())).fires).toBe(false); // no data any more
      expect((await runall("attach", campaign)).stderr).toContain("the swarm inet is halted");

      const resume = user.tool("resume");
      const before = manager;
      manager = await boot("manager", before);
      await boot("worker", worker);
      succeeded(await resume);
      expect((await evaluateAlarm(emulator, "swarm-inet-idle", now())).fires).toBe(false);
      succeeded(await runall("attach", campaign));
      await expectSameAsHere();
      await expectPortsClosed(manager);

      succeeded(await user.tool("remove", "inet")); // without confirmation: everything is collected
      expect(await listLeftovers(emulator.clients, "inet")).toEqual([]);
    });

    async function expectSameAsHere(): Promise<void> {
      await using other = await newSample();
      expect(await user.tool("init", "--local")).toMatchObject({ exitCode: 0 });
      const local = ["-c", "Quick", "--repeat=3", "--swarm", "local"];
      expect(await user.run("runall-swarm", local, { cwd: other.study })).toMatchObject({ exitCode: 0 });
      const [expected, actual] = [other, sample].map(({ study }) => path.join(study, "results"));
      const { differences, files } = await compareResults(expected!, actual!);
      expect(differences).toEqual([]);
      expect(files).toBeGreaterThan(24);
    }

    /** The services answer only on the manager's own loopback address. */
    async function expectPortsClosed({ enter }: AwsMachine): Promise<void> {
      const { stdout: listening } = await run(enter[0]!, [...enter.slice(1), "cat", "/proc/net/tcp"]);
      for (const port of [6379, 27017, 9181, 8080]) {
        const hex = port.toString(16).toUpperCase().padStart(4, "0");
        expect(listening).toContain(`0100007F:${hex} 00000000:0000 0A`);
        expect(listening).not.toContain(`00000000:${hex} 00000000:0000 0A`);
      }
    }
  });
});

function succeeded({ exitCode, stderr }: Finished): void {
  expect(exitCode, stderr).toBe(0);
}
