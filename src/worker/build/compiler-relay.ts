import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** Forwards connections from a local port, which distcc connects to, to a compiler on another machine. */
export interface CompilerRelay extends Disposable {
  port: number;
}

export interface RelayLimits {
  /** Interval of the checks whether the machine still answers, while it compiles something. */
  probeMs: number;
  /** Time after which a connection attempt counts as failed. */
  connectMs: number;
}

const LIMITS: RelayLimits = { probeMs: 2000, connectMs: 2000 };
/** Number of unanswered probes in a row after which the machine counts as lost: one may be a lost packet. */
const SILENT_PROBES = 2;

/**
 * Opens a local port that forwards connections to a compiler on another machine. A machine that vanishes does
 * not close its connections, and distcc would wait for five minutes. The relay closes them after a few
 * seconds, so that distcc compiles the file locally.
 */
export async function openCompilerRelay(
  host: string,
  port: number,
  limits: RelayLimits = LIMITS,
): Promise<CompilerRelay> {
  const pairs = new Set<[Socket, Socket]>();
  const close = ([client, compiler]: [Socket, Socket]): void => {
    client.destroy();
    compiler.destroy();
  };
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const compiler = connect({ host, port, noDelay: true, allowHalfOpen: true });
    const pair: [Socket, Socket] = [client, compiler];
    pairs.add(pair);
    const late = setTimeout(() => close(pair), limits.connectMs);
    compiler.once("connect", () => clearTimeout(late));
    for (const socket of pair) {
      socket.on("error", () => close(pair));
      socket.once("close", () => {
        clearTimeout(late);
        if (socket.errored ?? !socket.readableEnded) close(pair);
        if (client.closed && compiler.closed) pairs.delete(pair);
      });
    }
    client.pipe(compiler);
    compiler.pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  let silent = 0;
  let probing = false;
  const probe = async (): Promise<void> => {
    if (probing || pairs.size === 0) return;
    probing = true;
    silent = (await answers(host, port, limits.connectMs)) ? 0 : silent + 1;
    if (silent >= SILENT_PROBES) for (const pair of pairs) close(pair);
    probing = false;
  };
  const timer = setInterval(() => void probe(), limits.probeMs);
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]() {
      clearInterval(timer);
      for (const pair of pairs) close(pair);
      server.close();
    },
  };
}

/** Returns whether a machine accepts a connection. */
function answers(host: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (answered: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answered);
    };
    const timer = setTimeout(() => done(false), timeoutMs);
    socket.once("connect", () => done(true)).once("error", () => done(false));
  });
}
