import { accessSync, constants } from "node:fs";
import type { Campaign } from "../../model/campaign.ts";
import { limitedStart, ownLimits, type ProcessLimits } from "../../omnetpp/resource-limits.ts";

const KNOWN_CAMPAIGNS = 100;
/** Ids of campaigns whose user has been warned about limits that cannot be set. */
const warned = new Set<string>();
let limits: ProcessLimits | undefined;

/**
 * Returns a command that starts with the umask and resource limits of the campaign's terminal. If they differ
 * from the worker's own, a shell sets them and then replaces itself by the command, so the process id stays
 * the same.
 */
export function withLimits<C extends { program: string; args: string[] }>(
  command: C,
  { id, terminal }: Pick<Campaign, "id" | "terminal">,
): C & { warnings: string[] } {
  if (terminal === undefined) return { ...command, warnings: [] };
  limits ??= ownLimits();
  const { script, refused } = limitedStart(terminal, limits);
  const warnings = warned.has(id)
    ? []
    : refused.map((each) => `a resource limit of your terminal is lowered: ${each}`);
  if (warned.size >= KNOWN_CAMPAIGNS) warned.clear();
  if (refused.length > 0) warned.add(id);
  const { program, args } = command;
  if (script === "" || !isExecutable(program)) return { ...command, warnings }; // starting it reports the reason
  const shell = ["-c", `${script}; exec "$@"`, "sh", program, ...args];
  return { ...command, program: "/bin/sh", args: shell, warnings };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
