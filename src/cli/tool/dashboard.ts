import { once } from "node:events";
import type { Dashboard } from "../../dashboard/server.ts";
import { PortTaken } from "../../dashboard/listen.ts";
import { newToken, tokenFor } from "../../dashboard/token.ts";
import { errorText, UserError } from "../../errors.ts";
import { identify } from "../../system/identity.ts";
import { attempts } from "../../system/poll.ts";
import { explainSystemError } from "../../system/system-error.ts";
import { readDashboardFile, writeDashboardFile, type DashboardFile } from "../../providers/dashboard-file.ts";
import { openSwarm } from "../../providers/kinds/kinds.ts";
import { haltedError, type DashboardPlace, type Provider } from "../../providers/provider.ts";
import { namedOrOnly } from "../swarm/name-or-only.ts";
import { providerContext } from "../swarm/provider-context.ts";
import type { CommandContext } from "../terminal/command.ts";
import { serveDashboard } from "../worker/serve-dashboard.ts";

/** Default port, which users of earlier versions know. */
const PORT = 9181;
const USUAL_PORTS = 20;
const RETRY_MS = 5000;

export interface DashboardCommandOptions {
  /** Serve another dashboard at this port until Ctrl-C. */
  port?: number;
  /** Serve the swarm's own dashboard: at its last port, else at the first free one of the usual ports. */
  background?: true;
}

/** Prints the address of a swarm's dashboard, or serves a dashboard until it is interrupted. */
export async function dashboard(
  given: string | undefined,
  { port, background }: DashboardCommandOptions,
  context: CommandContext,
): Promise<void> {
  const { interrupt, stdout } = context;
  const state = await namedOrOnly(given);
  const swarm = await openSwarm(state, providerContext({}, interrupt));
  const { accessHere } = swarm;
  if (accessHere !== undefined && background) return await serveBackground(swarm, accessHere, context);
  if (accessHere === undefined && port !== undefined)
    throw new UserError(`--port: the dashboard of the swarm ${state.name} is served by the swarm itself`, {
      hint: `to print its address, run: swarm-tool dashboard ${state.name}`,
    });
  if (accessHere === undefined || port === undefined)
    return void stdout.write(`${addressAt(await swarm.dashboard(interrupt))}\n`);
  if (state.state === "halted") throw haltedError(state.name);
  const token = newToken();
  await using served = await open(accessHere, port, token, context);
  stdout.write(`${address(served, token)}\npress Ctrl-C to stop it\n`);
  if (!interrupt.aborted) await once(interrupt, "abort");
}

/**
 * Returns the address with the token, with which the page can cancel and retry. A browser does not send the
 * fragment.
 */
function addressAt({ secret, ...place }: DashboardPlace): string {
  if (secret.type === "token") return address(place, secret.token);
  return address(place, tokenFor(secret.password));
}

type AccessHere = NonNullable<Provider["accessHere"]>;

async function serveBackground(
  { name }: Provider,
  access: AccessHere,
  context: CommandContext,
): Promise<void> {
  const { interrupt, stderr } = context;
  const before = await readDashboardFile(name);
  const token = before?.token ?? newToken(); // with the same token and port, open pages remain valid
  await using served = await openFirst(access, [before?.port ?? PORT, ...usualPorts(), 0], token, context);
  const { port, host } = served;
  const file = { port, loopback: host as DashboardFile["loopback"], token, ...identify(process.pid)! };
  const nextAttempt = attempts({ everyMs: RETRY_MS, signal: interrupt, onAbort: "stop" });
  let hasReported = false;
  while (!interrupt.aborted) {
    try {
      await writeDashboardFile(name, file);
      await once(interrupt, "abort");
    } catch (error) {
      if (!hasReported) stderr.write(`${errorText(explainSystemError(error) ?? error)}; retrying\n`);
      hasReported = true;
      await nextAttempt();
    }
  }
}

/** Returns ports to try if the preferred one is in use. They are below the range of ephemeral ports. */
function usualPorts(): number[] {
  return Array.from({ length: USUAL_PORTS }, (_, at) => PORT + at);
}

async function openFirst(
  access: AccessHere,
  [port, ...others]: readonly number[],
  token: string,
  context: CommandContext,
): Promise<Dashboard> {
  try {
    return await open(access, port ?? 0, token, context);
  } catch (error) {
    if (!(error instanceof PortTaken) || others.length === 0) throw error;
    return await openFirst(access, others, token, context);
  }
}

async function open(
  access: AccessHere,
  port: number,
  token: string,
  { stderr, interrupt }: Pick<CommandContext, "stderr" | "interrupt">,
): Promise<Dashboard> {
  const log = (text: string): void => void stderr.write(`${new Date().toISOString()} ${text}\n`);
  const swarm = await access({ onWaiting: log, waitAtStart: true, signal: interrupt });
  return await serveDashboard(swarm, { port, token, log });
}

function address({ host, port }: Pick<Dashboard, "host" | "port">, token: string): string {
  return `http://${host}:${port}/#token=${token}`;
}
