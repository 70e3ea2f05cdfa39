import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { errorCode, errorText, UserError } from "../errors.ts";

/** Maximum number of connections for each address. Further ones are refused, so that open pages get their answers. */
const MAX_CONNECTIONS = 500;
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
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => void answer(request, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
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

async function close(servers: readonly Server[]): Promise<void> {
  const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
  for (const server of servers) server.closeAllConnections(); // live pages never close theirs
  await Promise.all(closed);
}
