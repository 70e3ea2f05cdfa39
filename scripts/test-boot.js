import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { DISK_ID, provideBootImage } from "./boot-image.js";
import { hasPythonTools, providePythonTools } from "./python-tools.js";
import { ROOT, runScript, SetupError, setUp } from "./setup.js";

// npm run test:boot [-- TEXT…]: boots virtual machines with the boot scripts of cloudformation/swarm.yaml, under a real
// systemd, with a real block device and a real Docker. Takes an hour without KVM. TEXT selects files of test/boot.

/** In namespaces that end with one process, with a network of its own: the addresses of AWS's metadata service, and of what replaces AWS's command line. */
const IN_NETWORK = [
  "ip link set lo up",
  "ip address add 169.254.169.254/32 dev lo",
  "ip address add 169.254.170.2/32 dev lo",
  'exec "$@"',
].join("\n");
const NAMESPACES = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
/** Longer than a kernel needs until it prints its first line, even on a busy machine. */
const KVM_TRIAL_MS = 30_000;

await runScript(async () => {
  if (process.platform !== "linux" || process.arch !== "x64" || process.getuid?.() !== 0)
    throw new SetupError(
      "npm run test:boot needs Linux on x86-64, and root, which creates networks and disks",
    );
  const programs = [
    "qemu-system-x86_64",
    "qemu-img",
    "debootstrap",
    "mkfs.ext4",
    "sfdisk",
    "ip",
    "ssh",
    "python3",
  ];
  await setUp({ system: programs });
  await providePythonTools();
  if (!hasPythonTools()) throw new SetupError("the machines need the tools from PyPI, with AWS's emulator");
  const { disk, kernel } = await provideBootImage(console.log);
  const accelerator = (await canRunKvm(kernel)) ? "kvm" : "tcg,thread=multi";
  console.log(`machines run with ${accelerator}`);
  const vitest = path.join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const config = path.join(ROOT, "test", "boot", "vitest.config.ts");
  const args = [process.execPath, vitest, "run", "--config", config, ...process.argv.slice(2)];
  const tests = spawn("unshare", [...NAMESPACES, "bash", "-ec", IN_NETWORK, "bash", ...args], {
    cwd: ROOT,
    stdio: "inherit",
    env: {
      ...process.env,
      BOOT_DISK: disk,
      BOOT_KERNEL: kernel,
      BOOT_DISK_ID: DISK_ID,
      BOOT_ACCELERATOR: accelerator,
      REQUIRE_SERVICES: "1",
    },
  });
  process.on("SIGINT", () => undefined); // vitest receives Ctrl-C, too, and ends by itself
  process.on("SIGTERM", () => tests.kill("SIGKILL"));
  return await new Promise((resolve, reject) => {
    tests.once("error", reject).once("close", (code) => resolve(code ?? 1));
  });
});

/** Returns whether KVM really runs a kernel: on some virtual machines, its device exists without doing so. @param {string} kernel */
async function canRunKvm(kernel) {
  const options = [
    "-M",
    "q35",
    "-accel",
    "kvm",
    "-cpu",
    "host",
    "-m",
    "512",
    "-display",
    "none",
    "-monitor",
    "none",
  ];
  const boot = ["-kernel", kernel, "-append", "console=ttyS0 earlyprintk=ttyS0", "-serial", "stdio"];
  const trial = spawn("qemu-system-x86_64", [...options, ...boot], { stdio: ["ignore", "pipe", "ignore"] });
  const timer = setTimeout(() => trial.kill("SIGKILL"), KVM_TRIAL_MS);
  const exited = once(trial, "exit");
  let output = "";
  trial.stdout.on("data", (data) => {
    output += String(data);
    if (output.includes("Linux version")) trial.kill("SIGKILL");
  });
  await exited;
  clearTimeout(timer);
  return output.includes("Linux version");
}
