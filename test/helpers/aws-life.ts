import { DescribeAutoScalingGroupsCommand } from "@aws-sdk/client-auto-scaling";
import { DescribeInstancesCommand, DescribeVolumesCommand, DetachVolumeCommand } from "@aws-sdk/client-ec2";
import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { expect, vi } from "vitest";
import { findProgram } from "../../scripts/setup.js";
import { buildImage } from "../../src/providers/docker/build.ts";
import { stackImages } from "../../src/providers/docker/images.ts";
import { serveAwsProgram } from "./aws-cli.ts";
import { booted, startAwsMachine, type AwsMachine } from "./aws-machine.ts";
import { startNetwork } from "./aws-network.ts";
import { awsUser, type AwsUser } from "./aws-user.ts";
import { evaluateAlarm, PERIOD_MS } from "./cloud-watch.ts";
import { BASE, provideBase } from "./docker.ts";
import { REGION, startEmulator, type Emulator } from "./emulator.ts";
import { sshdConfig } from "./sshd.ts";
import { bootScript } from "./template.ts";
import { temporaryDirectory, type TemporaryDirectory } from "./temporary.ts";

const run = promisify(execFile);
/** Started manually, so that its images exist before the swarm does. */
const IMAGES = stackImages(
  { redis: "stand-in-redis", mongo: "stand-in-mongo", visualizer: "stand-in-visualizer" },
  {},
  "test",
  undefined,
);
/** Options of init: nothing is built or downloaded. */
export const IMAGE_OPTIONS = Object.entries(IMAGES).flatMap(([name, image]) => [`--${name}-image`, image]);
/** A worker has no volume: its disk is new, and contains only images beforehand. */
const FRESH_WORKER = `
mount disk "$SWARM_ROOT/var/lib/docker"
(cd "$SWARM_ROOT/var/lib/docker" && rm -rf swarm network containers)
`;

type Role = "manager" | "worker";

/** AWS's emulator with machines that run the template's own boot scripts with a real Docker, and a user. */
export interface AwsLife extends AsyncDisposable {
  emulator: Emulator;
  user: AwsUser;
  /** The current time in ms since 1970; it passes only by `pass` and `passMs`. */
  now: () => number;
  /** Lets time pass without reports of the machines. */
  passMs: (ms: number) => void;
  /** The machine that AWS has started in a group, when its boot script starts. */
  boot: (role: Role, earlier?: AwsMachine) => Promise<AwsMachine>;
  /** Terminates machines that a group no longer contains, as AWS does; the volume is then free. */
  terminate: () => Promise<void>;
  runningInstances: () => Promise<number>;
  /** A period of five minutes passes. Returns whether the idle alarm goes off. */
  pass: (manager: AwsMachine) => Promise<{ fires: boolean }>;
  /** Waits until the dashboard has noted whether there is work: "1" or "0". */
  noted: (manager: AwsMachine, mark: string) => Promise<void>;
}

/** @param swarm the name of the swarm. @param idleMinutes its option --idle-minutes. */
export async function startAwsLife(swarm: string, idleMinutes = 60): Promise<AwsLife> {
  const machines: AwsMachine[] = [];
  /** Advances only in whole periods: no period may start while another one is being computed. */
  let clock = Date.now();
  const now = (): number => clock;
  let addresses = 4;

  const [emulator, network, folder] = await Promise.all([
    startEmulator(),
    startNetwork(),
    temporaryDirectory("swarm-life-"),
  ]);
  const user = await awsUser(emulator);
  const onAttached = (id: string): Promise<void> =>
    writeFile(path.join(machines.find((machine) => machine.id === id)!.root, "dev/sdf"), "");
  const awsSocket = path.join(folder.path, "aws.sock");
  const program = await serveAwsProgram({ path: awsSocket }, emulator, { now, onAttached });
  await prepareVolumes();
  await writeSsh(user, folder);

  function volume(role: string): string {
    return path.join(folder.path, `${role}-volume`);
  }

  async function start(role: string, id: string, script: string): Promise<AwsMachine> {
    const place = { volume: volume(role), network, awsSocket };
    const address = `10.77.0.${++addresses}`;
    const machine = await startAwsMachine({ id, name: role, address, script, ...place });
    machines.push(machine);
    return machine;
  }

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

  async function boot(role: Role, earlier?: AwsMachine): Promise<AwsMachine> {
    const id = await vi.waitUntil(() => instanceOf(role, earlier?.id), { timeout: 150_000, interval: 100 });
    const values = {
      SwarmName: swarm,
      DataVolume: (await dataVolume())!.VolumeId!,
      "AWS::Region": REGION,
      IdleMinutes: String(idleMinutes),
      MaxHours: "24",
      WorkerMarket: "spot",
    };
    const script = await bootScript(role === "manager" ? "Manager" : "Worker", values);
    const machine = await start(role, id, role === "manager" ? script : FRESH_WORKER + script);
    if (role === "manager") await letIn(machine);
    return machine;
  }

  async function dataVolume() {
    const query = { Filters: [{ Name: "tag:Name", Values: [`${swarm}-data`] }] };
    return (await emulator.clients.ec2.send(new DescribeVolumesCommand(query))).Volumes?.[0];
  }

  async function instanceOf(role: string, earlier: string | undefined): Promise<string | undefined> {
    const query = { AutoScalingGroupNames: [`swarm-${swarm}-${role}`] };
    const { AutoScalingGroups } = await emulator.clients.autoScaling.send(
      new DescribeAutoScalingGroupsCommand(query),
    );
    return AutoScalingGroups?.[0]?.Instances?.map(({ InstanceId }) => InstanceId!).find(
      (id) => id !== earlier,
    );
  }

  async function letIn(machine: AwsMachine): Promise<void> {
    const keys = path.join(machine.folder, "authorized_keys");
    const ssh = path.join(user.env["XDG_STATE_HOME"]!, "inet-swarm/swarms", swarm, "ssh");
    await writeFile(keys, await readFile(path.join(ssh, "id_ed25519.pub"), "utf8"));
    const config = path.join(machine.folder, "sshd_config");
    const hostKeyFile = path.join(machine.root, "etc/ssh/ssh_host_ed25519_key");
    await writeFile(config, sshdConfig({ hostKeyFile, authorized: keys }));
    const command = [...machine.enter, findProgram("sshd")!, "-i", "-f", config].join(" ");
    await writeFile(path.join(folder.path, "manager-sshd"), command);
  }

  return {
    emulator,
    user,
    now,
    passMs: (ms) => void (clock += ms),
    boot,
    async terminate() {
      for (const machine of machines.splice(0)) await machine[Symbol.asyncDispose]();
      const { VolumeId, Attachments } = (await dataVolume()) ?? {};
      if (Attachments?.length) await emulator.clients.ec2.send(new DetachVolumeCommand({ VolumeId }));
    },
    async runningInstances() {
      const Filters = [
        { Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] },
      ];
      const { Reservations } = await emulator.clients.ec2.send(new DescribeInstancesCommand({ Filters }));
      return (Reservations ?? []).flatMap(({ Instances }) => Instances ?? []).length;
    },
    async pass(manager) {
      clock += PERIOD_MS;
      await manager.run("swarm-busy");
      return await evaluateAlarm(emulator, `swarm-${swarm}-idle`, now());
    },
    async noted(manager, mark) {
      const file = path.join(manager.root, "var/lib/inet-swarm/busy");
      await vi.waitFor(async () => expect((await readFile(file, "utf8")).trim()).toBe(mark), {
        timeout: 90_000,
        interval: 200,
      });
    },
    async [Symbol.asyncDispose]() {
      for (const each of [...machines, user, program, network, folder, emulator])
        await each[Symbol.asyncDispose]();
    },
  };
}

/** Independent of the address: leads to the current manager. */
async function writeSsh(user: AwsUser, folder: TemporaryDirectory): Promise<void> {
  const file = path.join(user.manager.bin, "ssh");
  const proxy = `$(cat ${folder.path}/manager-sshd)`;
  await writeFile(file, `#!/bin/bash\nexec ${findProgram("ssh")!} -o ProxyCommand="${proxy}" "$@"\n`);
  await chmod(file, 0o755);
  await writeFile(
    path.join(user.manager.bin, "docker"),
    `#!/bin/bash\nexec ${findProgram("docker")!} "$@"\n`,
  );
}
