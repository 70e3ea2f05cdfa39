import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { errorCode, errorText, UserError } from "../errors.ts";
import { RETRY_AFTER_S } from "./error-response.ts";

/** Maximum number of connections for each address. Requests of further ones are refused, so that open pages get theirs. */
const MAX_CONNECTIONS = 500;
/** Maximum number of connections including those that are refused; further ones are closed immediately. */
const MAX_REFUSED = 1000;
/** Time limit for receiving a request. Answers may take longer. */
const REQUEST_TIMEOUT_MS = 20_000;
/** Time after which an idle connection is closed. Live pages receive a heartbeat more often. */
const IDLE_TIMEOUT_MS = 60_000;
const LOOPBACK = ["127.0.0.1", "::1"] as const;
/** Error codes for an address that this machine does not have. */
const NO_SUCH_ADDRESS = ["EADDRNOTAVAIL", "EAFNOSUPPORT", "EINVAL"];

/** The port is in use on one of the addresses. */
export class PortTaken extends UserError {
  override name = "PortTaken";
}

export interface Listening extends AsyncDisposable {
  port: number;
  /**
   * Host name for URLs: `localhost` only if the server has both loopback addresses, because it may resolve to
   * either.
   */
  host: string;
}

/**
 * Serves an application at a port.
 * @param port 0 for any free port.
 * @param host one address; undefined for both loopback addresses, or the one that this machine has.
 * @throws {PortTaken} if the port is in use.
 * @throws {UserError} if no address can be used.
 */
export async function listen(app: Hono, port: number, host?: string): Promise<Listening> {
  const addresses = host === undefined ? LOOPBACK : [host];
  const servers: { server: Server; address: string }[] = [];
  try {
    let chosen = port;
    for (const address of addresses) {
      const server = await listenAt(app, chosen, address);
      if (server === undefined) continue;
      servers.push({ server, address });
      chosen = (server.address() as AddressInfo).port;
    }
    if (servers.length === 0)
      throw new UserError(`the dashboard cannot listen: no address ${addresses.join(" or ")}`);
    const [{ address } = { address: "" }] = servers;
    const name = address.includes(":") ? `[${address}]` : address;
    return {
      port: chosen,
      host: servers.length === LOOPBACK.length ? "localhost" : name,
      [Symbol.asyncDispose]: () => close(servers.map(({ server }) => server)),
    };
  } catch (error) {
    await close(servers.map(({ server }) => server));
    if (error instanceof PortTaken && port === 0) return await listen(app, port, host); // in use on the second address
    throw error;
  }
}

/** Returns a listening server, or undefined if this machine does not have the address. */
async function listenAt(app: Hono, port: number, host: string): Promise<Server | undefined> {
  const answer = getRequestListener(app.fetch);
  const admitted = new Set<Socket>();
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) =>
    admitted.has(request.socket) ? void answer(request, response) : refuse(response),
  );
  server.on("connection", (socket) => {
    if (admitted.size >= MAX_CONNECTIONS) return;
    admitted.add(socket);
    socket.once("close", () => admitted.delete(socket));
  });
  server.maxConnections = MAX_REFUSED;
  server.timeout = IDLE_TIMEOUT_MS;
  try {
    server.listen({ port, host, ipv6Only: host.includes(":"), exclusive: true });
    await once(server, "listening");
    server.on("error", () => undefined); // failure to accept a connection does not affect the others
    return server;
  } catch (error) {
    if (NO_SUCH_ADDRESS.includes(errorCode(error) ?? "")) return undefined;
    if (errorCode(error) === "EADDRINUSE") {
      throw new PortTaken(`port ${port} is in use`, {
        hint: "choose another with --port N, or any free port with --port 0",
        cause: error,
      });
    }
    throw new UserError(`the dashboard cannot listen: ${errorText(error)}`, { cause: error });
  }
}

function refuse(response: ServerResponse): void {
  const body = JSON.stringify({ error: "too many connections to this dashboard – close some of its pages" });
  response
    .writeHead(503, {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(body),
      "Retry-After": RETRY_AFTER_S,
      Connection: "close",
    })
    .end(body);
}

async function close(servers: readonly Server[]): Promise<void> {
  const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
  for (const server of servers) server.closeAllConnections(); // live pages never close theirs
  await Promise.all(closed);
}
