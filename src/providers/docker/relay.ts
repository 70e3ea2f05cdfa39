import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { errorCode, errorText } from "../../errors.ts";
import { startPiped } from "../../system/program.ts";
import { dockerEnvironment, endpointArguments } from "./cli.ts";
import type { DockerEndpoint } from "../docker-endpoint.ts";
import { containerOf } from "./stack.ts";

/** The service from whose container all others are reached: it is in the swarm's network. */
const DOORWAY = "dashboard";

/** The services that are reached from outside, with their ports in the swarm's network. */
export const SERVICE_PORTS = { dashboard: 9181, visualizer: 8080, mongo: 27017, redis: 6379 } as const;

/** Local port of each service, by its name. */
export type Ports = Readonly<Record<string, number>>;

export interface RelayOptions {
  endpoint: DockerEndpoint;
  stack: string;
  /** Another one is taken where somebody else listens on it. */
  ports: Ports;
  /** Told where it listens, as soon as it does. */
  onListening: (ports: Ports) => Promise<void>;
  log: (text: string) => void;
  signal: AbortSignal;
}

/**
 * Brings connections to ports of 127.0.0.1 to the services of a stack, until the signal: with `docker exec`, the way
 * that every Docker has that can be reached at all. So the stack need not publish any port.
 */
export async function relay(options: RelayOptions): Promise<void> {
  const { signal } = options;
  const doorway = new Doorway(options);
  const servers: Server[] = [];
  const ports: Record<string, number> = {};
  for (const [service, wanted] of Object.entries(options.ports)) {
    const server = serve(service, doorway, options);
    ports[service] = await listen(server, wanted);
    servers.push(server);
  }
  await options.onListening(ports);
  if (!signal.aborted) await once(signal, "abort");
  for (const server of servers) server.close();
}

/** The container that is gone through. Looked for once: over ssh every question takes its time. */
class Doorway {
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

  /** It is another one after the service was started anew. */
  lost(): void {
    this.#container = undefined;
  }

  async #find(): Promise<string> {
    const { endpoint, stack, signal } = this.#options;
    const container = await containerOf(endpoint, stack, DOORWAY, signal);
    if (container === undefined) throw new Error(`the service ${DOORWAY} is not running`);
    return container;
  }
}

function serve(service: string, doorway: Doorway, options: RelayOptions): Server {
  const remote = SERVICE_PORTS[service as keyof typeof SERVICE_PORTS];
  return createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => undefined); // whoever connected has gone
    bring(socket, `TCP:${service}:${remote}`, doorway, options).catch((error: unknown) => {
      options.log(`${service}: ${errorText(error)}`);
      socket.destroy(); // its owner connects again
    });
  });
}

/** @returns the port: any one where the wanted one is taken, or not for us. */
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

async function bring(
  socket: Socket,
  to: string,
  doorway: Doorway,
  { endpoint, signal }: RelayOptions,
): Promise<void> {
  const container = await doorway.container();
  const command = ["exec", "--interactive", container, "socat", "-", to];
  const child = startPiped("docker", [...endpointArguments(endpoint), ...command], {
    env: dockerEnvironment(endpoint),
    signal,
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-1000)));
  const closed = once(child, "close") as Promise<[number | null]>;
  socket.once("close", () => child.kill());
  const [, [exitCode]] = await Promise.all([
    Promise.all([
      pipeline(socket, child.stdin).catch(() => undefined),
      pipeline(child.stdout, socket).catch(() => undefined),
    ]), // either side may end first; why docker did is told below
    closed,
  ]);
  if (exitCode === 0 || exitCode === null) return;
  doorway.lost();
  if (!socket.destroyed) throw new Error(said.trim());
}
