import { once } from "node:events";
import type { Dashboard } from "../../dashboard/server.ts";
import { PortTaken } from "../../dashboard/listen.ts";
import { newToken, tokenFor } from "../../dashboard/token.ts";
import { errorText } from "../../errors.ts";
import { identify } from "../../system/identity.ts";
import { attempts } from "../../system/poll.ts";
import { explainSystemError } from "../../system/system-error.ts";
import { readDashboardFile, writeDashboardFile, type DashboardFile } from "../../providers/dashboard-file.ts";
import { openSwarm } from "../../providers/kinds/kinds.ts";
import { haltedError, type DashboardPlace, type Provider } from "../../providers/provider.ts";
import type { SwarmAccess } from "../../providers/target.ts";
import { keepHealthy } from "../swarm/keep-healthy.ts";
import { namedOrOnly } from "../swarm/name-or-only.ts";
import { providerContext } from "../swarm/provider-context.ts";
import type { CommandContext } from "../terminal/command.ts";
import { forPeople } from "../terminal/for-people.ts";
import { printable } from "../terminal/printable.ts";
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
  const { interrupt, stdout, stderr } = context;
  const state = await namedOrOnly(given);
  const swarm = await openSwarm(state, providerContext({}, interrupt));
  const { accessHere } = swarm;
  if (accessHere !== undefined && background) return await serveBackground(swarm, accessHere, context);
  if (port === undefined) {
    stdout.write(`${addressAt(await swarm.dashboard(interrupt))}\n`);
    if (accessHere === undefined && stdout.isTTY) stderr.write(`${forPeople(alsoHere(swarm), stderr)}\n`);
    return;
  }
  if (state.state === "halted") throw haltedError(state.name);
  if (accessHere !== undefined) return await serve(accessHere, port, context);
  await serveRemote(swarm, port, context);
}

/** The dashboard that is a service of a swarm does not have the results that clients have collected. */
function alsoHere({ name }: Provider): string {
  return `with the results that were collected on this machine: swarm-tool dashboard ${name} --port 0`;
}

/** Serves a dashboard for a swarm on other machines, and keeps its connection open. */
async function serveRemote(swarm: Provider, port: number, context: CommandContext): Promise<void> {
  const { stderr, interrupt } = context;
  const say = (text: string): void => void stderr.write(`${forPeople(printable(text), stderr)}\n`);
  const gone = new AbortController();
  const ended = AbortSignal.any([interrupt, gone.signal]);
  const access = (): Promise<SwarmAccess> => swarm.access(say, gone.signal);
  const reporter = { say, warn: (text: string) => say(`warning: ${text}`) };
  using _ = keepHealthy(swarm, gone, reporter, (removed) => removed);
  await serve(access, port, { ...context, interrupt: ended });
  if (gone.signal.aborted) throw gone.signal.reason;
}

/** Serves a dashboard until it is interrupted. */
async function serve(access: AccessHere, port: number, context: CommandContext): Promise<void> {
  const { stdout, interrupt } = context;
  const token = newToken();
  await using served = await open(access, port, token, context);
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
