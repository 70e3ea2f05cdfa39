import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { errorCode, errorText } from "../../errors.ts";
import { startPiped } from "../../system/program.ts";
import { dockerEnvironment, endpointArguments } from "./cli.ts";
import type { DockerEndpoint } from "../docker-endpoint.ts";
import { containerOf } from "./stack.ts";

/** The service through whose container the others are reached, because it is in the swarm's network. */
const GATEWAY = "dashboard";

/** The services that can be reached from outside, with their ports in the swarm's network. */
export const SERVICE_PORTS = { dashboard: 9181, visualizer: 8080, mongo: 27017, redis: 6379 } as const;

/** Local port of each service, by its name. */
export type Ports = Readonly<Record<string, number>>;

export interface RelayOptions {
  endpoint: DockerEndpoint;
  stack: string;
  /** Preferred ports; others are used if these are in use. */
  ports: Ports;
  /** Called with the actual ports when the relay listens. */
  onListening: (ports: Ports) => Promise<void>;
  log: (text: string) => void;
  signal: AbortSignal;
}

/**
 * Forwards connections from ports of 127.0.0.1 to the services of a stack, until the signal is aborted. It uses
 * `docker exec`, which works with every Docker that can be reached, so that the stack need not publish ports.
 */
export async function relay(options: RelayOptions): Promise<void> {
  const { signal } = options;
  const gateway = new Gateway(options);
  const servers: Server[] = [];
  const ports: Record<string, number> = {};
  for (const [service, wanted] of Object.entries(options.ports)) {
    const server = serve(service, gateway, options);
    ports[service] = await listen(server, wanted);
    servers.push(server);
  }
  await options.onListening(ports);
  if (!signal.aborted) await once(signal, "abort");
  for (const server of servers) server.close();
}

/** The container through which connections are forwarded. Looked up only once, because requests over ssh take time. */
class Gateway {
  readonly #options: RelayOptions;
  #container: Promise<string> | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  async container(): Promise<string> {
    this.#container ??= this.#find();
    try {
      return await this.#container;
    } catch (error) {
      this.#container = undefined;
      throw error;
    }
  }

  /** Looks up the container again for the next connection: a restarted service has another one. */
  forget(): void {
    this.#container = undefined;
  }

  async #find(): Promise<string> {
    const { endpoint, stack, signal } = this.#options;
    const container = await containerOf(endpoint, stack, GATEWAY, signal);
    if (container === undefined) throw new Error(`the service ${GATEWAY} is not running`);
    return container;
  }
}

function serve(service: string, gateway: Gateway, options: RelayOptions): Server {
  const remote = SERVICE_PORTS[service as keyof typeof SERVICE_PORTS];
  return createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => undefined); // the client has disconnected
    forward(socket, `TCP:${service}:${remote}`, gateway, options).catch((error: unknown) => {
      options.log(`${service}: ${errorText(error)}`);
      socket.destroy(); // the client connects again
    });
  });
}

/** Listens on the wanted port or, if that is in use or not permitted, on any port. @returns the port. */
async function listen(server: Server, wanted: number): Promise<number> {
  try {
    server.listen(wanted, "127.0.0.1");
    await once(server, "listening");
  } catch (error) {
    if (wanted === 0 || !["EADDRINUSE", "EACCES"].includes(errorCode(error) ?? "")) throw error;
    return await listen(server, 0);
  }
  return (server.address() as AddressInfo).port;
}

async function forward(
  socket: Socket,
  to: string,
  gateway: Gateway,
  { endpoint, signal }: RelayOptions,
): Promise<void> {
  const container = await gateway.container();
  const command = ["exec", "--interactive", container, "socat", "-", to];
  const child = startPiped("docker", [...endpointArguments(endpoint), ...command], {
    env: dockerEnvironment(endpoint),
    signal,
  });
  let errorOutput = "";
  child.stderr.on("data", (chunk: Buffer) => (errorOutput = (errorOutput + chunk.toString()).slice(-1000)));
  const closed = once(child, "close") as Promise<[number | null]>;
  socket.once("close", () => child.kill());
  const [, [exitCode]] = await Promise.all([
    Promise.all([
      pipeline(socket, child.stdin).catch(() => undefined),
      pipeline(child.stdout, socket).catch(() => undefined),
    ]), // either side may end first; errors of docker are reported below
    closed,
  ]);
  if (exitCode === 0 || exitCode === null) return;
  gateway.forget();
  if (!socket.destroyed) throw new Error(errorOutput.trim());
}
