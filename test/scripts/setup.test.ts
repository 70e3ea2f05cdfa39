import { describe, expect, it } from "vitest";
import { checkNode, findProgram } from "../../scripts/setup.js";
import { howToInstall, installPrograms } from "../../scripts/system-programs.js";

interface Machine {
  isRoot?: boolean;
  hasApt?: boolean;
  fails?: (call: string, earlier: number) => boolean;
}

const never = (): boolean => false;

/** An installer that records the commands that it should execute; `fails` selects the calls that fail. */
function recorder({ isRoot = true, hasApt = true, fails = never }: Machine = {}) {
  const calls: string[] = [];
  const run = (program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> => {
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value!}`);
    const call = [...settings, program, ...args].join(" ");
    const earlier = calls.filter((other) => other === call).length;
    calls.push(call);
    return fails(call, earlier) ? Promise.reject(new Error(`${program} is out of order`)) : Promise.resolve();
  };
  return {
    calls: () => calls.filter((call) => !call.startsWith("systemctl")),
    run,
    say: () => undefined,
    isRoot,
    hasApt,
  };
}

const INSTALL =
  "DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install --yes --no-install-recommends redis-server make";

describe("installPrograms", () => {
  it("installs with apt as root, without fetching package lists that exist", async () => {
    const installer = recorder();
    expect(await installPrograms(["redis-server", "make"], installer)).toBeUndefined();
    expect(installer.calls()).toEqual([INSTALL]);
  });

  it("fetches the package lists when the first attempt fails", async () => {
    const installer = recorder({ fails: (call, earlier) => call.includes(" install ") && earlier === 0 });
    expect(await installPrograms(["redis-server", "make"], installer)).toBeUndefined();
    expect(installer.calls()).toEqual([INSTALL, "apt-get update", INSTALL]);
  });

  it("returns the reason when apt fails", async () => {
    const installer = recorder({ fails: (call) => call.includes("apt-get ") });
    expect(await installPrograms(["redis-server"], installer)).toBe("apt-get is out of order");
  });

  it.each([{ isRoot: false }, { hasApt: false }])("installs nothing with %o", async (machine) => {
    const installer = recorder(machine);
    expect(await installPrograms(["redis-server"], installer)).toBeUndefined();
    expect(installer.calls()).toEqual([]);
  });
});

describe("howToInstall", () => {
  it("names the packages for each package manager", () => {
    expect(howToInstall(["redis-server", "git"])).toBe(
      [
        "redis-server, git: not found. Install with one of:",
        "  sudo apt-get install redis-server git    (Debian, Ubuntu)",
        "  sudo dnf install redis git    (Fedora, RHEL)",
        "  brew install redis git    (macOS)",
      ].join("\n"),
    );
  });
});

describe("checkNode", () => {
  it.each(["20.19.0", "20.20.2", "22.0.0", "24.11.1"])("accepts %s", (version) => {
    expect(() => checkNode(version)).not.toThrow();
  });

  it.each(["18.20.8", "20.18.3"])("refuses %s", (version) => {
    expect(() => checkNode(version)).toThrow(`Node.js 20.19 or later is needed, this is ${version}`);
  });
});

describe("findProgram", () => {
  it("finds an executable file on PATH, and no folder", () => {
    expect(findProgram("sh")).toMatch(/\/sh$/);
    expect(findProgram("usr", "/")).toBeUndefined();
    expect(findProgram("no-such-program")).toBeUndefined();
  });
});
