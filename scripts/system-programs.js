import { existsSync } from "node:fs";

/**
 * The packages that programs of the system come in.
 * @type {Record<string, { apt: string, dnf: string, brew: string }>}
 */
const PACKAGES = {
  "redis-server": { apt: "redis-server", dnf: "redis", brew: "redis" },
  git: { apt: "git", dnf: "git", brew: "git" },
  "g++": { apt: "g++", dnf: "gcc-c++", brew: "gcc" },
  cc: { apt: "gcc", dnf: "gcc", brew: "gcc" },
  chromium: { apt: "chromium", dnf: "chromium", brew: "chromium" },
  make: { apt: "make", dnf: "make", brew: "make" },
  python3: { apt: "python3 python3-venv", dnf: "python3", brew: "python" },
  debootstrap: { apt: "debootstrap", dnf: "debootstrap", brew: "debootstrap" },
  "docker-registry": { apt: "docker-registry", dnf: "docker-distribution", brew: "docker-distribution" },
  dockerd: { apt: "docker.io", dnf: "moby-engine", brew: "docker" },
  docker: { apt: "docker.io", dnf: "moby-engine", brew: "docker" },
  ip: { apt: "iproute2", dnf: "iproute", brew: "iproute2mac" },
  sshd: { apt: "openssh-server", dnf: "openssh-server", brew: "openssh" },
  ssh: { apt: "openssh-client", dnf: "openssh-clients", brew: "openssh" },
};

/** Packages whose installation would start a service: we need the program alone. */
const SERVICES = ["redis-server", "openssh-server", "docker.io", "docker-registry"];

/** Where a package's service is not called like the package. @type {Record<string, string>} */
const SERVICE_NAMES = { "openssh-server": "ssh", "docker.io": "docker" };

/**
 * What to tell a user whose machine lacks programs.
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
 * @property {(program: string, args: readonly string[], env?: NodeJS.ProcessEnv) => Promise<unknown>} run rejects
 *   with the program's output when it fails.
 * @property {(text: string) => void} say
 * @property {boolean} isRoot
 * @property {boolean} hasApt
 */

/**
 * Installs what is missing where that can be done without asking: by apt, as root.
 * @param {readonly string[]} programs
 * @param {Installer} installer
 * @returns {Promise<string | undefined>} why it failed; undefined if it did not, or was not tried.
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
    // A mask of this boot only: should we be killed here, nothing lasting is left behind.
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
