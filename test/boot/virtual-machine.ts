import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { vi } from "vitest";
import { end } from "../helpers/namespaces.ts";
import { connectQmp, type Qmp } from "./qmp.ts";

const run = promisify(execFile);

/** What scripts/test-boot.js has prepared; see there. */
const { BOOT_DISK, BOOT_KERNEL, BOOT_DISK_ID, BOOT_ACCELERATOR = "tcg" } = process.env;
/** The host's address in the machine's network, which is also its router and DHCP server. */
const HOST = 2;
const SSH_PORT = 2222;

export interface VirtualMachineOptions {
  id: string;
  /** A folder of its own. */
  folder: string;
  /** Its network is `<subnet>.0/24`; the machine is number 15. */
  subnet: string;
  mac: string;
  /** The file of the data volume, and its id; undefined for a machine without one. */
  volume: { file: string; id: string } | undefined;
}

/** A virtual machine with a disk of its own, which keeps its content while the machine does not run. */
export interface VirtualMachine {
  readonly folder: string;
  /** Whether the data volume is attached when it starts. */
  attached: boolean;
  /** Switches it on. */
  start(): Promise<void>;
  /** Attaches the data volume to the running machine. */
  attach(): Promise<void>;
  /** Executes a script of bash as root; returns its output. */
  root(script: string): Promise<string>;
  /** The host key with which it must answer to `root`: type and key. If it is undefined, the first one is accepted. */
  hostKey: string | undefined;
  /** The machine's process; it ends when the machine has switched itself off. */
  process: ChildProcess | undefined;
  /** Kills it: what it has not written to its disks is lost. */
  kill(): Promise<void>;
  /** What it has printed on its console. */
  console(): Promise<string>;
}

export async function createVirtualMachine(options: VirtualMachineOptions): Promise<VirtualMachine> {
  const { folder, volume } = options;
  const disk = path.join(folder, "disk.qcow2");
  await run("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", BOOT_DISK!, disk]);
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path.join(folder, "key")]);
  const knownHosts = path.join(folder, "known_hosts");
  let qmp: Qmp | undefined;
  const device = { driver: "nvme", drive: "data", id: "volume", serial: volume?.id, bus: "port1" };
  const machine: VirtualMachine = {
    folder,
    attached: false,
    hostKey: undefined,
    process: undefined,
    async start() {
      const cold = machine.attached ? ["-device", JSON.stringify(device)] : [];
      const child = spawn(
        "setpriv",
        ["--pdeathsig", "KILL", "qemu-system-x86_64", ...qemuOptions(), ...cold],
        {
          stdio: ["ignore", "ignore", "pipe"],
        },
      );
      machine.process = child;
      const errors: string[] = [];
      child.stderr.on("data", (data) => errors.push(String(data)));
      void once(child, "exit").then(() => (machine.process = undefined));
      qmp = await vi.waitFor(
        () => {
          if (machine.process === undefined) throw new Error(`QEMU ended: ${errors.join("")}`);
          return connectQmp(path.join(folder, "qmp"));
        },
        { timeout: 60_000, interval: 100 },
      );
    },
    async attach() {
      await qmp!.execute("device_add", device);
      machine.attached = true;
    },
    async root(script) {
      if (machine.hostKey !== undefined) await writeFile(knownHosts, `machine ${machine.hostKey}\n`);
      const ssh = [
        "-F",
        "none",
        "-p",
        String(SSH_PORT),
        "-i",
        path.join(folder, "key"),
        "-o",
        "BatchMode=yes",
      ];
      const check = `StrictHostKeyChecking=${machine.hostKey === undefined ? "accept-new" : "yes"}`;
      const known = ["-o", "HostKeyAlias=machine", "-o", `UserKnownHostsFile=${knownHosts}`, "-o", check];
      const timeouts = ["-o", "ConnectTimeout=60", "-o", "ServerAliveInterval=30"];
      const args = [...ssh, ...known, ...timeouts, "ec2-user@127.0.0.1", "sudo", "bash", "-s"];
      const child = run("ssh", args, { maxBuffer: 1 << 26 });
      child.child.stdin!.on("error", () => undefined); // ssh that does not read it fails, and its exit code is reported
      child.child.stdin!.end(script);
      return (await child).stdout;
    },
    async kill() {
      qmp?.[Symbol.dispose]();
      if (machine.process !== undefined) await end(machine.process);
    },
    console: () => readFile(path.join(folder, "console"), "utf8"),
  };
  return machine;

  function qemuOptions(): string[] {
    const { id, subnet, mac } = options;
    const uuid = `ec2${"0".repeat(5)}-0000-4000-8000-${id.slice(-12).padStart(12, "0")}`; // how cloud-init knows AWS
    const cpu = BOOT_ACCELERATOR === "kvm" ? "host" : "max,la57=off";
    return [
      ...["-M", "q35", "-accel", BOOT_ACCELERATOR, "-cpu", cpu, "-smp", "2", "-m", "1536"],
      ...["-display", "none", "-monitor", "none"],
      ...["-chardev", `file,id=console,path=${folder}/console,append=on`, "-serial", "chardev:console"],
      ...["-qmp", `unix:${folder}/qmp,server=on,wait=off`],
      ...["-smbios", `type=1,manufacturer=Amazon EC2,uuid=${uuid},serial=${uuid}`],
      ...["-drive", `if=none,id=root,format=qcow2,file=${disk}`],
      ...(volume ? ["-drive", `if=none,id=data,format=raw,file=${volume.file}`] : []),
      ...["-device", "nvme,drive=root,serial=root", "-device", "pcie-root-port,id=port1,chassis=1"],
      ...["-device", "virtio-rng-pci", "-device", `virtio-net-pci,netdev=net,mac=${mac}`],
      "-netdev",
      `user,id=net,ipv6=off,net=${subnet}.0/24,host=${subnet}.${HOST},dhcpstart=${subnet}.15,hostfwd=tcp:127.0.0.1:${SSH_PORT}-:22`,
      ...[
        "-kernel",
        BOOT_KERNEL!,
        "-append",
        `root=PARTUUID=${BOOT_DISK_ID}-01 rw quiet systemd.show_status=1 console=ttyS0`,
      ],
    ];
  }
}
