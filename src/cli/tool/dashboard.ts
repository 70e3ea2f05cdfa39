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
import { namedOrOnly } from "../swarm/name-or-only.ts";
import { providerContext } from "../swarm/provider-context.ts";
import type { CommandContext } from "../terminal/command.ts";
import { serveDashboard } from "../worker/serve-dashboard.ts";

/** Where the reference's dashboard was, and people look for it. */
const PORT = 9181;
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
  const swarm = await openSwarm(state, providerContext({}, interrupt));
  const { accessHere } = swarm;
  if (accessHere !== undefined && background) return await serveBackground(swarm, accessHere, context);
  if (accessHere === undefined || port === undefined)
    return void stdout.write(`${addressAt(await swarm.dashboard(interrupt))}\n`);
  if (state.state === "halted") throw haltedError(state.name);
  const token = newToken();
  await using served = await open(accessHere, port, token, context);
  stdout.write(`${address(served, token)}\npress Ctrl-C to stop it\n`);
  if (!interrupt.aborted) await once(interrupt, "abort");
}

/** With the token, so that its page can cancel and retry; a browser does not send what stands behind `#`. */
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
  const token = before?.token ?? newToken(); // pages that are open stay valid, also by the port
  await using served = await openFirst(access, [before?.port ?? PORT, ...usualPorts(), 0], token, context);
  const { port, host } = served;
  const file = { port, loopback: host as DashboardFile["loopback"], token, ...identify(process.pid)! };
  const nextAttempt = attempts({ everyMs: WRITE_AGAIN_MS, signal: interrupt, onAbort: "stop" });
  let told = false;
  while (!interrupt.aborted) {
    try {
      await writeDashboardFile(name, file);
      await once(interrupt, "abort");
    } catch (error) {
      if (!told) stderr.write(`${errorText(explainSystemError(error) ?? error)}; retrying\n`); // a full disk
      told = true;
      await nextAttempt();
    }
  }
}

/** Where a dashboard is looked for if the preferred port is taken; below the ports that systems give to connections. */
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
