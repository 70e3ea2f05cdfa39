import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import path from "node:path";
import { packageSource } from "./debian-source.js";
import { ROOT, runStep } from "./setup.js";

const CACHE = path.join(ROOT, ".cache", "boot-image");
const PACKAGES = [
  "systemd,systemd-sysv,systemd-resolved,dbus,udev,kmod,sudo,procps,linux-image-cloud-amd64,cloud-init,python3-cffi-backend",
  "xfsprogs,curl,ca-certificates,openssh-server,docker.io,iptables,iproute2,isc-dhcp-client",
].join(",");
/** What the image has in common with Amazon Linux; see test/boot/image. */
const FILES = path.join(ROOT, "test", "boot", "image");
const AWS_PROGRAM = path.join(ROOT, "test", "helpers", "aws-program.sh");
/** Docker does not exist before the boot script has installed it, and nothing runs that only takes time. */
const SET_UP = [
  "systemctl mask docker.service docker.socket containerd.service",
  "systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer",
  "systemctl enable systemd-networkd.service systemd-resolved.service",
  "rm -rf /etc/ssh/ssh_host_* /var/cache/apt /var/lib/apt/lists /usr/share/doc /usr/share/man /usr/share/locale",
  ": >/etc/machine-id", // each machine gets its own
].join("\n");
const SIZE_MIB = 4096;
/** The number of the partition table, by which the kernel finds its root file system. */
export const DISK_ID = "1e7b0071";

/**
 * Builds the disk of the machines that `npm run test:boot` starts: Debian with a real systemd, cloud-init and Docker,
 * from this machine's package source.
 * @param {(text: string) => void} say
 * @returns {Promise<{ disk: string, kernel: string }>}
 * @throws {import("./setup.js").SetupError} if it cannot be built.
 */
export async function provideBootImage(say) {
  const { mirror, suite } = packageSource();
  const tree = path.join(CACHE, `tree-${hash(PACKAGES, suite)}`);
  const disk = path.join(CACHE, `disk-${hash(tree, SET_UP, ...fileTexts())}.img`);
  mkdirSync(CACHE, { recursive: true });
  if (!existsSync(tree)) {
    say("installing Debian for the machines (once; takes minutes)…");
    await build(tree, (folder) =>
      runStep("debootstrap", ["--variant=minbase", `--include=${PACKAGES}`, suite, folder, mirror]),
    );
  }
  if (!existsSync(disk)) {
    say("making the machines' disk…");
    await build(disk, (file) => makeDisk(tree, file));
  }
  for (const name of readdirSync(CACHE).map((each) => path.join(CACHE, each)))
    if (name !== tree && name !== disk) rmSync(name, { recursive: true });
  const kernel = readdirSync(path.join(tree, "boot")).find((name) => name.startsWith("vmlinuz-"));
  return { disk, kernel: path.join(tree, "boot", String(kernel)) };
}

/** @param {...string} recipe */
function hash(...recipe) {
  return createHash("sha256").update(recipe.join("\n")).digest("hex").slice(0, 12);
}

function fileTexts() {
  const names = readdirSync(FILES, { recursive: true, withFileTypes: true });
  const files = names
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  return [...files.sort(), AWS_PROGRAM].map((file) => readFileSync(file, "utf8"));
}

/**
 * Builds a file or folder that exists only when it is complete.
 * @param {string} place
 * @param {(unfinished: string) => Promise<unknown>} make
 */
async function build(place, make) {
  const folder = mkdtempSync(path.join(CACHE, "new-"));
  try {
    await make(path.join(folder, "it"));
    renameSync(path.join(folder, "it"), place);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} tree @param {string} disk */
async function makeDisk(tree, disk) {
  const root = `${disk}-root`;
  await runStep("cp", ["--archive", "--reflink=auto", tree, root]);
  cpSync(FILES, root, { recursive: true });
  cpSync(AWS_PROGRAM, path.join(root, "usr/local/bin/aws"));
  await runStep("chroot", [root, "sh", "-ec", SET_UP]);
  await runStep("truncate", ["--size", `${SIZE_MIB}M`, disk]);
  const table = `printf 'label: dos\\nlabel-id: 0x${DISK_ID}\\nstart=1MiB, type=83\\n' | sfdisk --quiet "$1"`;
  await runStep("bash", ["-c", table, "sfdisk", disk]);
  const options = ["-E", "offset=1048576,root_owner=0:0", "-d", root, disk, `${SIZE_MIB - 1}M`];
  await runStep("mkfs.ext4", ["-q", "-F", ...options]);
}
