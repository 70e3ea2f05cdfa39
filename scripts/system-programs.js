import { existsSync } from "node:fs";

/**
 * The packages that contain programs, by program and package manager.
 * @type {Record<string, { apt: string, dnf: string, brew: string }>}
 */
const PACKAGES = {
  "redis-server": { apt: "redis-server", dnf: "redis", brew: "redis" },
  git: { apt: "git", dnf: "git", brew: "git" },
  "g++": { apt: "g++", dnf: "gcc-c++", brew: "gcc" },
  cc: { apt: "gcc", dnf: "gcc", brew: "gcc" },
  chromium: { apt: "chromium", dnf: "chromium", brew: "chromium" },
  groff: { apt: "groff-base", dnf: "groff-base", brew: "groff" },
  make: { apt: "make", dnf: "make", brew: "make" },
  python3: { apt: "python3 python3-venv", dnf: "python3", brew: "python" },
  debootstrap: { apt: "debootstrap", dnf: "debootstrap", brew: "debootstrap" },
  "docker-registry": { apt: "docker-registry", dnf: "docker-distribution", brew: "docker-distribution" },
  dockerd: { apt: "docker.io", dnf: "moby-engine", brew: "docker" },
  docker: { apt: "docker.io", dnf: "moby-engine", brew: "docker" },
  ip: { apt: "iproute2", dnf: "iproute", brew: "iproute2mac" },
  sshd: { apt: "openssh-server", dnf: "openssh-server", brew: "openssh" },
  "qemu-system-x86_64": { apt: "qemu-system-x86", dnf: "qemu-system-x86-core", brew: "qemu" },
  "qemu-img": { apt: "qemu-utils", dnf: "qemu-img", brew: "qemu" },
  "mkfs.ext4": { apt: "e2fsprogs", dnf: "e2fsprogs", brew: "e2fsprogs" },
  sfdisk: { apt: "fdisk", dnf: "util-linux-core", brew: "util-linux" },
  script: { apt: "bsdutils", dnf: "util-linux", brew: "util-linux" },
  zsh: { apt: "zsh", dnf: "zsh", brew: "zsh" },
  fish: { apt: "fish", dnf: "fish", brew: "fish" },
  zstd: { apt: "zstd", dnf: "zstd", brew: "zstd" },
  ssh: { apt: "openssh-client", dnf: "openssh-clients", brew: "openssh" },
};

/** Packages whose installation would start a service, although only the program is needed. */
const SERVICES = ["redis-server", "openssh-server", "docker.io", "docker-registry"];

/** Names of services that differ from the names of their packages. @type {Record<string, string>} */
const SERVICE_NAMES = { "openssh-server": "ssh", "docker.io": "docker" };

/**
 * Returns instructions for installing missing programs.
 * @param {readonly string[]} programs
 */
export function howToInstall(programs) {
  /** @param {"apt" | "dnf" | "brew"} manager */
  const packages = (manager) => programs.map((name) => PACKAGES[name]?.[manager] ?? name).join(" ");
  return [
    `${programs.join(", ")}: not found. Install with one of:`,
    `  sudo apt-get install ${packages("apt")}    (Debian, Ubuntu)`,
    `  sudo dnf install ${packages("dnf")}    (Fedora, RHEL)`,
    `  brew install ${packages("brew")}    (macOS)`,
  ].join("\n");
}

/**
 * @typedef {object} Installer
 * @property {(program: string, args: readonly string[], env?: NodeJS.ProcessEnv) => Promise<unknown>} run
 *   rejects with the program's output when it fails.
 * @property {(text: string) => void} say
 * @property {boolean} isRoot
 * @property {boolean} hasApt
 */

/**
 * Installs programs with apt if this process is root, because that needs no confirmation by the user.
 * @param {readonly string[]} programs
 * @param {Installer} installer
 * @returns {Promise<string | undefined>} why it failed; undefined if it succeeded or was not tried.
 */
export async function installPrograms(programs, { run, say, isRoot, hasApt }) {
  if (!isRoot || !hasApt) return undefined;
  const packages = programs.flatMap((name) => (PACKAGES[name]?.apt ?? name).split(" "));
  say(`installing ${packages.join(", ")}…`);
  const services = existsSync("/run/systemd/system")
    ? packages.filter((name) => SERVICES.includes(name)).map((name) => SERVICE_NAMES[name] ?? name)
    : [];
  const install = () =>
    run("apt-get", ["install", "--yes", "--no-install-recommends", ...packages], {
      DEBIAN_FRONTEND: "noninteractive",
      RUNLEVEL: "1", // invoke-rc.d starts nothing in this runlevel
    });
  try {
    // A mask for this boot only, so that nothing remains permanently if this process is killed.
    for (const service of services) await run("systemctl", ["mask", "--runtime", service]);
    try {
      await install();
    } catch {
      await run("apt-get", ["update"]); // a fresh container has no package lists, an old machine has stale ones
      await install();
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    for (const service of services) {
      await run("systemctl", ["unmask", "--runtime", service]).catch(() => undefined);
      await run("systemctl", ["disable", service]).catch(() => undefined);
    }
  }
}
