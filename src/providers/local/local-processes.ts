import { existsSync } from "node:fs";
import path from "node:path";
import { passedOnVariables } from "../../model/environment.ts";
import { isAlive } from "../../system/identity.ts";
import { SECRETS_DESCRIPTOR, startDetached, stopAll } from "../processes.ts";
import { awaitRedis, startRedis } from "./local-redis.ts";
import { socketFile, workerArguments } from "./local-paths.ts";
import type { LocalState } from "../swarm-state.ts";
import { makeFolders } from "../../system/files.ts";

type SwarmProcess = LocalState["processes"][number];
const ROLES = ["redis", "builder", "runner", "dashboard"] as const;
type Role = (typeof ROLES)[number];

/** Returns whether all processes of a local swarm are running, and the socket of its queue exists. */
export function isComplete(state: LocalState): boolean {
  const { processes } = state;
  const all = ROLES.every((role) => processes.some((process) => process.role === role && isAlive(process)));
  return all && existsSync(socketFile(state));
}

/**
 * Starts the processes of a local swarm that are not running.
 * @param save called after each start, so that the state file contains every running process.
 * @param report called with what was damaged and what was lost.
 */
export async function startMissing(
  state: LocalState,
  directory: string,
  save: (processes: SwarmProcess[]) => Promise<void>,
  report: (text: string) => void,
): Promise<void> {
  let processes = state.processes.filter(isAlive);
  await save(processes);
  const logs = path.join(directory, "logs");
  await makeFolders(logs, 0o700);
  for (const role of ROLES) {
    const log = path.join(logs, `${role}.log`);
    const known = processes.find((process) => process.role === role);
    const others = processes.filter((process) => process.role !== role);
    if (role === "redis") {
      const place = { state, directory, log, env: passedOnVariables(process.env), report };
      if (known !== undefined && existsSync(socketFile(state))) {
        await awaitRedis(known, place);
        continue;
      }
      if (known !== undefined) await stopAll([known]); // its socket has been removed, so that it cannot be reached
      await startRedis(place, async (redis) => {
        processes = [...others, { role, log, ...redis }];
        await save(processes);
      });
    } else if (known === undefined) {
      processes = [...processes, await startRole(role, state, log)];
      await save(processes);
    }
  }
}

async function startRole(
  role: Exclude<Role, "redis">,
  state: LocalState,
  log: string,
): Promise<SwarmProcess> {
  const [file, args] = workerArguments(role, state);
  const isWorker = role !== "dashboard";
  const secrets = isWorker && state.mongoUrl !== undefined ? { MONGO_URL: state.mongoUrl } : undefined;
  if (secrets !== undefined) args.push("--secrets", String(SECRETS_DESCRIPTOR));
  const env = passedOnVariables(process.env); // without the terminal's other variables, which runs could read in /proc
  const identity = await startDetached(file, args, log, { secrets, env });
  return { role, log, ...identity };
}
