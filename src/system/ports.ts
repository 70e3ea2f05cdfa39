import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { errorCode } from "../errors.ts";

/**
 * Returns a TCP port of the loopback interface on which no process listens: the preferred one if it is free.
 * @param except ports that are reserved for something else.
 */
export async function freePort(preferred: number, except: readonly number[] = []): Promise<number> {
  if (!except.includes(preferred)) {
    const port = await tryPort(preferred);
    if (port !== undefined) return port;
  }
  for (;;) {
    const port = await tryPort(0);
    if (port !== undefined && !except.includes(port)) return port;
  }
}

async function tryPort(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen({ port, host: "127.0.0.1", exclusive: true });
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  } catch (error) {
    if (["EADDRINUSE", "EACCES"].includes(errorCode(error) ?? "")) return undefined;
    throw error;
  } finally {
    if (server.listening) {
      server.close();
      await once(server, "close");
    }
  }
}
