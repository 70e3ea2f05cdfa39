import { once } from "node:events";
import { chmod, mkdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { errorCode } from "../../src/errors.ts";
import { runProgram, type ProgramResult } from "../../src/system/program.ts";
import { bootScript, VALUES } from "../helpers/template.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const PROGRAMS = [
  "aws",
  "blkid",
  "chown",
  "curl",
  "dnf",
  "docker",
  "mkfs.xfs",
  "mount",
  "systemctl",
  "shutdown",
  "usermod",
  "xfs_growfs",
  "xfs_repair",
];

/**
 * What each program of the machine answers: each program logs how it was called and its stdin, and then executes
 * the test's bash code.
 */
const STAND_IN = `#!/bin/bash
name=$(basename "$0")
given=
if [[ "$*" == *file:///dev/stdin* ]]; then given=" <$(cat)"; fi
echo "$name $*$given" >>"$SWARM_ROOT/calls"
. "$SWARM_ROOT/answers" "$name" "$@"
`;

/** Answers of AWS and Docker on every machine. */
const COMMON_ANSWERS = `
case "$*" in
  *"ec2 attach-volume"*) touch "$SWARM_ROOT/dev/sdf";;
  *api/token*) echo token;;
  *instance-id*) echo i-0abc;;
  *local-ipv4*) echo 10.77.0.5;;
  *"blkid -s UUID"*) echo 1234-5678;;
  *"swarm join-token"*) echo SWMTKN-1-secret;;
  *"docker ps"*) echo c0ffee; echo decaf;;
esac
`;

interface Machine extends AsyncDisposable {
  root: string;
  boot(role: "Manager" | "Worker"): Promise<ProgramResult>;
  /** Runs a program that the boot script has installed. */
  run(program: string): Promise<ProgramResult>;
  /** How its programs were called, in order. */
  calls(): Promise<string[]>;
  forget(): Promise<void>;
  /** @param answers bash code with the program's name in $1 and its arguments after that. */
  answer(answers: string): Promise<void>;
}

async function newMachine(): Promise<Machine> {
  const folder = await temporaryDirectory();
  const root = path.join(folder.path, "root");
  const bin = path.join(folder.path, "bin");
  for (const name of ["etc/ssh", "dev", "run", "var/lib/docker/swarm"])
    await mkdir(path.join(root, name), { recursive: true });
  await writeFile(path.join(root, "etc/ssh/ssh_host_ed25519_key.pub"), "ssh-ed25519 AAAAhostkey root@host\n");
  await mkdir(bin);
  for (const name of PROGRAMS) {
    await writeFile(path.join(bin, name), STAND_IN);
    await chmod(path.join(bin, name), 0o755);
  }
  const env = {
    ...process.env,
    PATH: `${bin}:${process.env["PATH"] ?? ""}`,
    SWARM_ROOT: root,
    SWARM_PAUSE: "0.01",
  };
  const calls = path.join(root, "calls");
  const answer = (text: string): Promise<void> =>
    writeFile(path.join(root, "answers"), text + COMMON_ANSWERS);
  await answer("");
  return {
    root,
    boot: async (role) => runProgram("bash", ["-s"], { env, input: await bootScript(role, VALUES) }),
    run: (program) => runProgram(path.join(root, "usr/local/bin", program), [], { env }),
    async calls() {
      try {
        return (await readFile(calls, "utf8")).split("\n").slice(0, -1);
      } catch (error) {
        if (errorCode(error) !== "ENOENT") throw error;
        return [];
      }
    },
    forget: () => writeFile(calls, ""),
    answer,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe("the manager's boot script", () => {
  it("publishes the host key first, and the join token once the swarm exists", async () => {
    await using machine = await newMachine();
    expect(await machine.boot("Manager")).toMatchObject({ exitCode: 0 });
    const calls = (await machine.calls()).filter((call) => !call.startsWith("curl"));
    const order = [
      "aws ssm put-parameter --overwrite --type String --name /swarm/inet/host-key --value file:///dev/stdin <i-0abc ssh-ed25519 AAAAhostkey",
      "aws ec2 attach-volume",
      `chown 1000:1000 ${machine.root}/var/lib/inet-swarm`,
      "mount ",
      "systemctl enable --now docker",
      "docker rm -fv c0ffee decaf",
      "docker network create",
      "docker swarm init --advertise-addr 10.77.0.5",
      "aws ssm put-parameter --overwrite --type SecureString --name /swarm/inet/worker-join --value file:///dev/stdin <i-0abc 10.77.0.5:2377 SWMTKN-1-secret",
      "systemctl enable --now swarm-busy.timer",
    ];
    const places = order.map((start) => calls.findIndex((call) => call.startsWith(start)));
    expect(places[0]).toBe(0);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(calls.find((call) => call.startsWith("docker network create"))).toContain(
      "com.docker.network.bridge.host_binding_ipv4=127.0.0.1 docker_gwbridge",
    );
  });

  it("creates a file system only on a volume that has none, and mounts the volume again after a reboot", async () => {
    await using machine = await newMachine();
    await machine.boot("Manager");
    expect((await machine.calls()).some((call) => call.startsWith("mkfs"))).toBe(false);
    expect(await readFile(path.join(machine.root, "etc/fstab"), "utf8")).toMatch(
      /^UUID=1234-5678 \/var\/lib\/docker xfs \S*x-systemd\.device-timeout=0,x-systemd\.before=docker\.service,x-systemd\.required-by=docker\.service /,
    );
    await using fresh = await newMachine();
    await fresh.answer(`if [ "$1" = blkid ] && [ "$2" != -s ]; then exit 2; fi`);
    await fresh.boot("Manager");
    expect(await fresh.calls()).toContain(`mkfs.xfs -q ${fresh.root}/dev/sdf`);
  });

  it("waits until the previous manager has released the volume", async () => {
    await using machine = await newMachine();
    await machine.answer(`
      if [ "$3" = attach-volume ]; then
        n=$(cat "$SWARM_ROOT/n" 2>/dev/null || echo 0); echo $((n + 1)) >"$SWARM_ROOT/n"; [ "$n" -ge 3 ] || exit 255
      fi`);
    expect(await machine.boot("Manager")).toMatchObject({ exitCode: 0 });
    const attached = (await machine.calls()).filter((call) => call.startsWith("aws ec2 attach-volume"));
    expect(attached).toEqual(
      Array<string>(4).fill(
        "aws ec2 attach-volume --volume-id vol-0123 --instance-id i-0abc --device /dev/sdf",
      ),
    );
  });

  it("uses a volume that was attached although AWS's response was lost", async () => {
    await using machine = await newMachine();
    await machine.answer(`if [ "$3" = attach-volume ]; then touch "$SWARM_ROOT/dev/sdf"; exit 255; fi`);
    expect(await machine.boot("Manager")).toMatchObject({ exitCode: 0 });
    const attached = (await machine.calls()).filter((call) => call.startsWith("aws ec2 attach-volume"));
    expect(attached).toHaveLength(1);
  });

  it("does not start a swarm if the volume is never attached", async () => {
    await using machine = await newMachine();
    await machine.answer(`if [ "$3" = attach-volume ]; then exit 255; fi`);
    await mkdir(path.join(machine.root, "var/log"));
    await writeFile(path.join(machine.root, "var/log/cloud-init-output.log"), "attempt 120 failed: attach\n");
    const { exitCode } = await machine.boot("Manager");
    expect(exitCode).not.toBe(0);
    const calls = await machine.calls();
    expect(calls.some((call) => call.startsWith("docker"))).toBe(false);
    expect(calls.at(-1)).toMatch(
      /--name \/swarm\/inet\/boot-error .* <i-0abc line \d+: attempt 120 failed: attach ?$/,
    );
  });

  it("starts although a container of the previous manager cannot be removed", async () => {
    await using machine = await newMachine();
    await machine.answer(`if [ "$1 $2" = "docker rm" ]; then exit 1; fi`);
    expect(await machine.boot("Manager")).toMatchObject({ exitCode: 0 });
    expect(await machine.calls()).toContain("docker swarm init --advertise-addr 10.77.0.5");
  });

  it("repairs a file system that cannot be mounted", async () => {
    await using machine = await newMachine();
    await machine.answer(`if [ "$1" = mount ] && [ ! -e "$SWARM_ROOT/repaired" ]; then exit 32; fi
      if [ "$1" = xfs_repair ]; then touch "$SWARM_ROOT/repaired"; fi`);
    expect(await machine.boot("Manager")).toMatchObject({ exitCode: 0 });
    expect(await machine.calls()).toContain(`xfs_repair ${machine.root}/dev/sdf`);
  });

  it.each([
    ["is busy according to the mark", "1\n", 0, [1]],
    ["is idle according to the mark", "0\n", 0, [0]],
    ["does not know if the mark is older than five minutes", "1\n", 6, []],
    ["does not know if there is no mark", undefined, 0, []],
    ["does not know if the mark is empty", "", 0, []],
  ])("%s", async (_, mark, ageMinutes, published) => {
    await using machine = await newMachine();
    await machine.boot("Manager");
    if (mark !== undefined) {
      const file = path.join(machine.root, "var/lib/inet-swarm/busy");
      await writeFile(file, mark);
      const time = Date.now() / 1000 - ageMinutes * 60;
      await utimes(file, time, time);
    }
    await machine.forget();
    await machine.run("swarm-busy");
    expect(await machine.calls()).toEqual(
      published.map(
        (busy) =>
          `aws cloudwatch put-metric-data --region eu-central-1 --namespace Swarm --metric-name Busy --dimensions Swarm=inet --value ${busy}`,
      ),
    );
  });
});

const minutesAgo = async (file: string, minutes: number): Promise<void> => {
  const time = Date.now() / 1000 - minutes * 60;
  await utimes(file, time, time);
};

describe("the manager's watchdog", () => {
  /** A manager that was booted, and had work, so many minutes ago. */
  async function manager(times: { booted: number; worked: number }): Promise<Machine> {
    const machine = await newMachine();
    await machine.boot("Manager");
    await writeFile(path.join(machine.root, "var/lib/inet-swarm/busy"), "0");
    expect(await machine.run("swarm-watchdog")).toMatchObject({ exitCode: 0 });
    for (const [name, minutes] of Object.entries(times))
      await minutesAgo(path.join(machine.root, `run/swarm-${name}`), minutes);
    await machine.forget();
    return machine;
  }
  const HALT = ["worker", "manager"].map(
    (role) =>
      `aws autoscaling set-desired-capacity --region eu-central-1 --auto-scaling-group-name swarm-inet-${role} --desired-capacity 0`,
  );

  it.each([
    ["does nothing after 119 minutes without work", { booted: 119, worked: 119 }, []],
    ["halts the swarm an hour after the idle alarm should have", { booted: 300, worked: 122 }, HALT],
    ["does nothing within its lifetime", { booted: 1499, worked: 5 }, []],
    ["halts the swarm an hour after the end of its lifetime", { booted: 1502, worked: 5 }, HALT],
  ])("%s", async (_, times, expected) => {
    await using machine = await manager(times);
    await machine.run("swarm-watchdog");
    expect(await machine.calls()).toEqual(expected);
  });

  it("counts from the last time that there was work", async () => {
    await using machine = await manager({ booted: 600, worked: 600 });
    await writeFile(path.join(machine.root, "var/lib/inet-swarm/busy"), "1");
    await machine.run("swarm-watchdog");
    await writeFile(path.join(machine.root, "var/lib/inet-swarm/busy"), "0");
    await machine.run("swarm-watchdog");
    expect(await machine.calls()).toEqual([]);
  });

  it("does not halt a swarm for being idle while nobody knows whether it is", async () => {
    await using machine = await manager({ booted: 600, worked: 600 });
    await minutesAgo(path.join(machine.root, "var/lib/inet-swarm/busy"), 7);
    await machine.run("swarm-watchdog");
    expect(await machine.calls()).toEqual([]);
  });

  it("halts the workers and the manager even if one of the requests fails", async () => {
    await using machine = await manager({ booted: 600, worked: 600 });
    await machine.answer(`if [ "$2" = autoscaling ]; then exit 255; fi`);
    await machine.run("swarm-watchdog");
    expect(await machine.calls()).toEqual(HALT);
  });
});

describe("a worker's boot script", () => {
  interface Worker extends Machine {
    /** @param state the state of the swarm according to the worker's Docker. */
    sees(published: string, state: string): Promise<void>;
  }

  /** A worker that has booted. */
  async function worker(published: string): Promise<Worker> {
    const machine = await newMachine();
    const sees = (text: string, state: string): Promise<void> =>
      machine.answer(`
        case "$*" in
          *"ssm get-parameter"*) ${text === "" ? "exit 254" : `echo "${text}"`};;
          "docker info"*) echo ${state};;
        esac`);
    await sees(published, "inactive");
    expect(await machine.boot("Worker")).toMatchObject({ exitCode: 0 });
    await machine.forget();
    return { ...machine, sees };
  }
  const joins = async (machine: Machine): Promise<string[]> =>
    (await machine.calls()).filter((call) => call.startsWith("docker swarm"));
  const LEAVE = "docker swarm leave --force";

  it("waits until a manager is published", async () => {
    await using machine = await worker("");
    expect(await machine.run("swarm-join")).toMatchObject({ exitCode: 0 });
    expect(await joins(machine)).toEqual([]);
  });

  it("joins the published manager only once", async () => {
    await using machine = await worker("i-1 10.77.0.5:2377 TOKEN1");
    await machine.run("swarm-join");
    expect(await joins(machine)).toEqual([LEAVE, "docker swarm join --token TOKEN1 10.77.0.5:2377"]);
    await machine.sees("i-1 10.77.0.5:2377 TOKEN1", "active");
    await machine.forget();
    await machine.run("swarm-join");
    expect(await joins(machine)).toEqual([]);
  });

  it("leaves the swarm and joins the new one when the manager was replaced", async () => {
    await using machine = await worker("i-1 10.77.0.5:2377 TOKEN1");
    await machine.run("swarm-join");
    await machine.sees("i-2 10.77.0.9:2377 TOKEN2", "active");
    await machine.forget();
    await machine.run("swarm-join");
    expect(await joins(machine)).toEqual([LEAVE, "docker swarm join --token TOKEN2 10.77.0.9:2377"]);
  });

  const END =
    "aws autoscaling terminate-instance-in-auto-scaling-group --region eu-central-1 --instance-id i-0abc --should-decrement-desired-capacity";

  it("ends the machine when it has had no manager for half an hour", async () => {
    await using machine = await worker("");
    const ended = async (): Promise<string[]> =>
      (await machine.calls()).filter((call) => /^aws autoscaling|^shutdown/.test(call));
    await machine.run("swarm-watchdog");
    await minutesAgo(path.join(machine.root, "run/swarm-seen"), 28);
    await machine.run("swarm-watchdog");
    expect(await ended()).toEqual([]);
    await minutesAgo(path.join(machine.root, "run/swarm-seen"), 32);
    await machine.run("swarm-watchdog");
    expect(await ended()).toEqual([END]);
    await machine.answer(`if [ "$2" = autoscaling ]; then exit 255; fi`);
    await machine.forget();
    await machine.run("swarm-watchdog");
    expect(await ended()).toEqual([END, "shutdown -h now"]);
  });

  it("keeps the machine while its manager can be reached", async () => {
    await using manager = createServer().listen(0, "127.0.0.1");
    await once(manager, "listening");
    const { port } = manager.address() as AddressInfo;
    await using machine = await worker(`i-1 127.0.0.1:${port} TOKEN1`);
    await machine.run("swarm-join");
    await machine.run("swarm-watchdog");
    const seen = path.join(machine.root, "run/swarm-seen");
    await minutesAgo(seen, 600);
    await machine.run("swarm-watchdog");
    expect((await stat(seen)).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
    expect((await machine.calls()).filter((call) => call.startsWith("aws autoscaling"))).toEqual([]);
  });

  it("hands the runs of a spot instance back when AWS announces its end, before it leaves the swarm", async () => {
    await using machine = await worker("i-1 10.77.0.5:2377 TOKEN1");
    await machine.answer(`case "$*" in *spot/instance-action*) exit 22;; esac`);
    await machine.run("swarm-spot");
    const changes = async (): Promise<string[]> =>
      (await machine.calls()).filter((call) => /^(docker|systemctl)/.test(call));
    expect(await changes()).toEqual([]);
    await machine.answer("");
    await machine.run("swarm-spot");
    expect(await changes()).toEqual([
      "systemctl stop swarm-join.timer",
      "docker ps -q --filter label=com.docker.swarm.task",
      "docker stop -t 90 c0ffee decaf",
      "docker swarm leave --force",
    ]);
  });

  it("tries again when joining fails", async () => {
    await using machine = await worker("i-1 10.77.0.5:2377 TOKEN1");
    await machine.answer(`
      case "$*" in
        *"ssm get-parameter"*) echo "i-1 10.77.0.5:2377 TOKEN1";;
        "docker info"*) echo inactive;;
        "docker swarm join"*) exit 1;;
      esac`);
    await machine.run("swarm-join");
    await machine.run("swarm-join");
    expect(await joins(machine)).toHaveLength(4);
  });
});
