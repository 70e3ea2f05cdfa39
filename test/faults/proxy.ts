import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A relay between the processes of a swarm and one of its servers, which a test can cut or freeze. */
export interface Proxy extends AsyncDisposable {
  /** Closes all connections, like a router that restarts; new ones are accepted. */
  cut(): void;
  /** Connections stay open but transfer nothing, like behind a firewall that forgot them; until `thaw`. */
  freeze(): void;
  thaw(): void;
}

/** Listens on a unix socket and relays to another one, or to a port of this machine. */
export async function startProxy(
  socket: string,
  server: { path: string } | { host: string; port: number },
): Promise<Proxy> {
  const open = new Set<Socket>();
  let frozen = false;
  const listener = createServer((near) => {
    const far = connect(server);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on("data", (chunk) => to.write(chunk));
      from.on("end", () => to.end());
      from.on("error", () => to.destroy());
      from.on("close", () => {
        open.delete(from);
        to.destroy();
      });
      if (frozen) from.pause();
    }
  });
  listener.listen(socket);
  await once(listener, "listening");
  const cut = (): void => {
    for (const each of open) each.destroy();
  };
  return {
    cut,
    freeze() {
      frozen = true;
      for (const each of open) each.pause();
    },
    thaw() {
      frozen = false;
      for (const each of open) each.resume();
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      cut();
      await once(listener, "close");
    },
  };
}
