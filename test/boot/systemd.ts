import { expect, vi } from "vitest";
import type { VirtualMachine } from "./virtual-machine.ts";

/** A reboot takes minutes without KVM. */
const REBOOT = { timeout: 15 * 60_000, interval: 2000 };
/** Longer than the interval of a timer, on a slow virtual machine. */
const RUN = { timeout: 5 * 60_000, interval: 2000 };

/** Executes something that boots the machine again, and waits until all of its units have been started. */
export async function rebooted(machine: VirtualMachine, reboot: () => Promise<unknown>): Promise<void> {
  const bootId = (): Promise<string> => machine.root("cat /proc/sys/kernel/random/boot_id");
  const before = await bootId();
  await reboot();
  await vi.waitFor(async () => expect(await bootId()).not.toBe(before), REBOOT);
  await machine.root("systemctl is-system-running --wait || true");
}

/** Waits until a machine that has been switched on accepts connections. */
export async function reachable(machine: VirtualMachine): Promise<void> {
  await vi.waitFor(() => machine.root("true"), REBOOT);
}

export async function expectNoFailedUnits(machine: VirtualMachine): Promise<void> {
  const failed = await machine.root("systemctl list-units --failed --plain --no-legend");
  expect(failed, await machine.root("journalctl -b -p warning --no-pager | tail -n 50")).toBe("");
}

/** Each timer is listed, has started its service, which has succeeded, and will do so again. */
export async function expectTimers(machine: VirtualMachine, names: readonly string[]): Promise<void> {
  const listed = await machine.root("systemctl list-timers --no-legend --no-pager");
  for (const name of names) {
    expect(listed).toContain(`${name}.timer`);
    await vi.waitFor(async () => {
      const service = await properties(machine, `${name}.service`);
      expect(service).toMatchObject({ Result: "success", ExecMainStatus: "0" });
      expect(service["ExecMainExitTimestampMonotonic"]).not.toBe("0");
      const timer = await properties(machine, `${name}.timer`);
      expect(timer).toMatchObject({ ActiveState: "active", UnitFileState: "enabled" });
      expect(timer["NextElapseUSecMonotonic"]).not.toBe("infinity");
    }, RUN);
  }
}

async function properties(machine: VirtualMachine, unit: string): Promise<Record<string, string>> {
  const lines = (await machine.root(`systemctl show --timestamp=unix ${unit}`)).split("\n");
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}
