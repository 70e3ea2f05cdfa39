import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Dashboard } from "../dashboard/server.ts";
import { UserError } from "../errors.ts";
import { identify, isAlive } from "../system/identity.ts";
import { readDashboardFile, writeDashboardFile } from "../targets/dashboard-file.ts";
import { halted, localAccess } from "../targets/local.ts";
import type { LocalState, SwarmState } from "../targets/swarm-state.ts";
import { namedOrOnly } from "./name-or-only.ts";
import type { CommandContext } from "./main.ts";
import { serveDashboard } from "./serve-dashboard.ts";

/** Where the reference's dashboard was, and people look for it. */
const PORT = 9181;
const READY_TIMEOUT_MS = 20_000;
const POLL_MS = 50;

export interface DashboardCommandOptions {
  /** Serve one more, until Ctrl-C. */
  port?: number;
  /** The swarm's own one: any port will do where the usual one is taken. */
  background?: true;
}

/** Says where a swarm's dashboard is, or serves it. */
export async function dashboard(
  given: string | undefined,
  { port, background }: DashboardCommandOptions,
  context: CommandContext,
): Promise<void> {
  const { interrupt, stdout } = context;
  const state = await namedOrOnly(given);
  const { name } = state;
  if (state.target !== "local") return void stdout.write(`${await forwardedAddress(state)}\n`);
  if (background) return await serveBackground(state, context);
  if (state.state === "halted") throw halted(name);
  if (port === undefined) return void stdout.write(`${await addressOf(name, interrupt)}\n`);
  const token = newToken();
  await using served = await open(state, port, token, context);
  stdout.write(`${address(served.port, token)}\nCtrl-C ends it\n`);
  if (!interrupt.aborted) await once(interrupt, "abort");
}

/** It runs on the manager; a tunnel or relay brings it here. */
async function forwardedAddress(state: Exclude<SwarmState, LocalState>): Promise<string> {
  const { reachableSwarm } = await import("./reach.ts");
  const swarm = await reachableSwarm(state);
  const port = swarm?.ports["dashboard"];
  if (swarm === undefined || port === undefined) {
    throw new UserError(`the swarm ${state.name} is not connected`, {
      hint: `connect it with: swarm-tool connect ${state.name}`,
    });
  }
  const [{ passwordsOf }, { tokenFor }] = await Promise.all([
    import("../targets/docker/deployer.ts"),
    import("../dashboard/token.ts"),
  ]);
  return address(port, tokenFor((await passwordsOf(swarm)).redis));
}

/** With the token, so that its page can cancel and retry; a browser does not send what stands behind `#`. */
async function addressOf(name: string, signal: AbortSignal): Promise<string> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const file = await readDashboardFile(name);
    if (file !== undefined && isAlive(file)) return address(file.port, file.token);
    if (Date.now() > deadline) {
      throw new UserError(`the dashboard of the swarm ${name} does not run`, {
        hint: `start it with: swarm-tool resume ${name}`,
      });
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

async function serveBackground(state: LocalState, context: CommandContext): Promise<void> {
  const { interrupt, stderr } = context;
  const token = (await readDashboardFile(state.name))?.token ?? newToken(); // pages that are open stay valid
  await using served = await open(state, PORT, token, context).catch(async (error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    stderr.write(`${error.message}; taking another\n`);
    return await open(state, 0, token, context);
  });
  await writeDashboardFile(state.name, { port: served.port, token, ...identify(process.pid)! });
  if (!interrupt.aborted) await once(interrupt, "abort");
}

async function open(
  state: LocalState,
  port: number,
  token: string,
  { stderr, interrupt }: Pick<CommandContext, "stderr" | "interrupt">,
): Promise<Dashboard> {
  const log = (text: string): void => void stderr.write(`${new Date().toISOString()} ${text}\n`);
  const swarm = await localAccess(state, { onWaiting: log, waitAtStart: true, signal: interrupt });
  return await serveDashboard(swarm, { port, token, log });
}

function newToken(): string {
  return randomBytes(24).toString("base64url");
}

function address(port: number, token: string): string {
  return `http://localhost:${port}/#token=${token}`;
}
