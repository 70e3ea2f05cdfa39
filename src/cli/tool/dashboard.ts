import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Dashboard } from "../../dashboard/server.ts";
import { PortTaken } from "../../dashboard/listen.ts";
import { errorText, UserError } from "../../errors.ts";
import { identify, isAlive } from "../../system/identity.ts";
import { explainSystemError } from "../../system/system-error.ts";
import { readDashboardFile, writeDashboardFile, type DashboardFile } from "../../providers/dashboard-file.ts";
import { halted, localAccess } from "../../providers/local/local.ts";
import type { LocalState, SwarmState } from "../../providers/swarm-state.ts";
import { namedOrOnly } from "../swarm/name-or-only.ts";
import type { CommandContext } from "../terminal/command.ts";
import { serveDashboard } from "../worker/serve-dashboard.ts";

/** Where the reference's dashboard was, and people look for it. */
const PORT = 9181;
const READY_TIMEOUT_MS = 20_000;
const POLL_MS = 50;
const USUAL_PORTS = 20;
const WRITE_AGAIN_MS = 5000;

export interface DashboardCommandOptions {
  /** Serve one more, until Ctrl-C. */
  port?: number;
  /** The swarm's own one: at the port that it had before, else at the first usual one that is free. */
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
  stdout.write(`${address(served, token)}\npress Ctrl-C to stop it\n`);
  if (!interrupt.aborted) await once(interrupt, "abort");
}

/** It runs on the manager; a tunnel or relay brings it here. */
async function forwardedAddress(state: Exclude<SwarmState, LocalState>): Promise<string> {
  const { reachableSwarm } = await import("../swarm/reach.ts");
  const swarm = await reachableSwarm(state);
  const port = swarm?.ports["dashboard"];
  if (swarm === undefined || port === undefined) {
    throw new UserError(`the swarm ${state.name} is not connected`, {
      hint: `connect it with: swarm-tool connect ${state.name}`,
    });
  }
  const [{ passwordsOf }, { tokenFor }] = await Promise.all([
    import("../../providers/docker/deployer.ts"),
    import("../../dashboard/token.ts"),
  ]);
  return address({ host: "localhost", port }, tokenFor((await passwordsOf(swarm)).redis));
}

/** With the token, so that its page can cancel and retry; a browser does not send what stands behind `#`. */
async function addressOf(name: string, signal: AbortSignal): Promise<string> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const file = await readDashboardFile(name);
    if (file !== undefined && isAlive(file))
      return address({ host: file.loopback, port: file.port }, file.token);
    if (Date.now() > deadline) {
      throw new UserError(`the dashboard of the swarm ${name} is not running`, {
        hint: `start it with: swarm-tool resume ${name}`,
      });
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

async function serveBackground(state: LocalState, context: CommandContext): Promise<void> {
  const { interrupt, stderr } = context;
  const before = await readDashboardFile(state.name);
  const token = before?.token ?? newToken(); // pages that are open stay valid, also by the port
  await using served = await openFirst(state, [before?.port ?? PORT, ...usualPorts(), 0], token, context);
  const { port, host } = served;
  const file = { port, loopback: host as DashboardFile["loopback"], token, ...identify(process.pid)! };
  let told = false;
  while (!interrupt.aborted) {
    try {
      await writeDashboardFile(state.name, file);
      await once(interrupt, "abort");
    } catch (error) {
      if (!told) stderr.write(`${errorText(explainSystemError(error) ?? error)}; retrying\n`); // a full disk
      told = true;
      await delay(WRITE_AGAIN_MS, undefined, { signal: interrupt }).catch(() => undefined);
    }
  }
}

/** Where a dashboard is looked for if the preferred port is taken; below the ports that systems give to connections. */
function usualPorts(): number[] {
  return Array.from({ length: USUAL_PORTS }, (_, at) => PORT + at);
}

async function openFirst(
  state: LocalState,
  [port, ...others]: readonly number[],
  token: string,
  context: CommandContext,
): Promise<Dashboard> {
  try {
    return await open(state, port ?? 0, token, context);
  } catch (error) {
    if (!(error instanceof PortTaken) || others.length === 0) throw error;
    return await openFirst(state, others, token, context);
  }
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

function address({ host, port }: Pick<Dashboard, "host" | "port">, token: string): string {
  return `http://${host}:${port}/#token=${token}`;
}
