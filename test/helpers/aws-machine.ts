import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { vi } from "vitest";
import { AWS_PROGRAM } from "./aws-cli.ts";
import type { AwsNetwork } from "./aws-network.ts";
import { removeMachine } from "./docker-machine.ts";
import { end, inNamespaces, MACHINE } from "./namespaces.ts";
import { temporaryDirectory } from "./temporary.ts";

const run = promisify(execFile);

/** A machine of a swarm: namespaces of this machine, in which a boot script of the template runs with a real Docker. */
export interface AwsMachine extends AsyncDisposable {
  id: string;
  folder: string;
  /** The folder of the files that the boot script sees as the machine's. */
  root: string;
  docker(...args: string[]): Promise<string>;
  /** Runs a program that the boot script has installed. */
  run(program: string): Promise<void>;
  /** How a process enters the machine. */
  enter: string[];
  /** Ends its Docker like a shutdown; everything else still exists. */
  stopDocker(): Promise<void>;
}

export interface MachineOptions {
  id: string;
  name: string;
  address: string;
  /** The folder in which its Docker stores everything. */
  volume: string;
  network: AwsNetwork;
  /** The first command; a line on its standard input ends the wait for the network. */
  script: string;
  awsSocket: string;
}

/** Programs of the machine that are not needed, because the folder that represents the volume already exists. */
const NOTHING = ["dnf", "mkfs.xfs", "usermod", "xfs_growfs"];

const SYSTEMCTL = `#!/bin/bash
case "$*" in
  "enable --now docker")
    dockerd --data-root "$SWARM_ROOT/var/lib/docker" --exec-root "$MACHINE/exec" --pidfile "$MACHINE/dockerd.pid" \\
      --cgroup-parent "$(basename "$MACHINE")" --host unix:///var/run/docker.sock --host "unix://$MACHINE/docker.sock" \\
      >"$MACHINE/dockerd.log" 2>&1 </dev/null &
    until docker version >/dev/null 2>&1; do sleep 0.1; done ;;
  "enable --now swarm-join.timer "*)
    while sleep 0.5; do "$SWARM_ROOT/usr/local/bin/swarm-join"; done >"$MACHINE/join.log" 2>&1 </dev/null & ;;
esac
`;

const MOUNT = `#!/bin/bash
exec /usr/bin/mount --bind "$DATA_FOLDER" "$2"
`;

const BLKID = `#!/bin/bash
echo 1234-5678
`;

export async function startAwsMachine(options: MachineOptions): Promise<AwsMachine> {
  const { id, network, volume, awsSocket } = options;
  const place = await temporaryDirectory("swarm-aws-");
  const folder = place.path;
  const [root, bin] = [path.join(folder, "root"), path.join(folder, "bin")];
  for (const name of ["etc/ssh", "dev", "run", "var/lib/docker", "var/lib/inet-swarm"])
    await mkdir(path.join(root, name), { recursive: true });
  await run("ssh-keygen", [
    "-q",
    "-t",
    "ed25519",
    "-N",
    "",
    "-f",
    path.join(root, "etc/ssh/ssh_host_ed25519_key"),
  ]);
  await writePrograms(bin, options);
  await writeFile(path.join(folder, "boot"), options.script);
  const env = {
    MACHINE: folder,
    DATA_FOLDER: volume,
    SWARM_ROOT: root,
    SWARM_PAUSE: "0.2",
    AWS_SOCKET: awsSocket,
    PATH: `${bin}:${process.env["PATH"] ?? ""}`,
  };
  const start = [
    "mount -t tmpfs tmpfs /run",
    "mount -t tmpfs tmpfs /var/lib",
    "mkdir -p /run/sshd /var/lib/inet-swarm",
    `mount --bind ${root}/var/lib/inet-swarm /var/lib/inet-swarm`,
    `hostname ${options.name}-${createHash("sha256").update(id).digest("hex").slice(0, 6)}`,
    "ip link set lo up",
    "read -r _",
    ...Object.entries(env).map(([name, value]) => `export ${name}='${value}'`),
    `bash ${folder}/boot >${folder}/boot.log 2>&1 </dev/null`,
    `echo $? >${folder}/booted`,
    "exec sleep infinity",
  ].join("\n");
  const child = inNamespaces(MACHINE, ["bash", "-c", start]);
  const dispose = async (): Promise<void> => {
    await end(child);
    await removeMachine(folder);
  };
  try {
    await network.plug(child.pid!, options.address);
    child.stdin!.end("\n");
  } catch (error) {
    await dispose();
    throw error;
  }
  const first = async (): Promise<string> =>
    (await readFile(`/proc/${child.pid!}/task/${child.pid!}/children`, "utf8")).trim().split(" ")[0]!;
  const inside = await first(); // the process with the process namespace
  const enter = ["nsenter", "--target", inside, "--mount", "--net", "--pid", "--uts"];
  return {
    id,
    folder,
    root,
    enter,
    async docker(...args) {
      const { stdout, stderr } = await run("docker", ["--host", `unix://${folder}/docker.sock`, ...args], {
        maxBuffer: 1 << 26,
      });
      return stdout + stderr;
    },
    async run(program) {
      const [nsenter = "", ...args] = enter;
      await run(nsenter, [...args, path.join(root, "usr/local/bin", program)], { env });
    },
    async stopDocker() {
      const [nsenter = "", ...args] = enter;
      const pidFile = path.join(folder, "dockerd.pid");
      await run(nsenter, [
        ...args,
        "bash",
        "-c",
        `kill $(cat ${pidFile}); while [ -e ${pidFile} ]; do sleep 0.1; done`,
      ]);
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** Waits until its boot script has ended. */
export async function booted({ folder }: AwsMachine): Promise<void> {
  await vi.waitFor(
    async () => {
      const code = (await readFile(path.join(folder, "booted"), "utf8")).trim();
      if (code !== "0")
        throw new Error(
          `the boot script ended with ${code}: ${await readFile(path.join(folder, "boot.log"), "utf8")}`,
        );
    },
    { timeout: 120_000, interval: 100 },
  );
}

async function writePrograms(bin: string, { id, address }: MachineOptions): Promise<void> {
  await mkdir(bin);
  const metadata = `#!/bin/bash
case "$*" in *api/token*) echo token ;; *meta-data/instance-id*) echo ${id} ;; *meta-data/local-ipv4*) echo ${address} ;; esac
`;
  const programs: Record<string, string> = {
    aws: await readFile(AWS_PROGRAM, "utf8"),
    blkid: BLKID,
    curl: metadata,
    mount: MOUNT,
    systemctl: SYSTEMCTL,
    ...Object.fromEntries(NOTHING.map((name) => [name, "#!/bin/bash\n"])),
  };
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(path.join(bin, name), text);
    await chmod(path.join(bin, name), 0o755);
  }
}
