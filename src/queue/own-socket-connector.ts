import { createConnection, Socket } from "node:net";
import type { RedisOptions } from "ioredis";
import { checkSocket } from "../system/own-socket.ts";

type Connector = NonNullable<RedisOptions["Connector"]>;

/**
 * Connects ioredis to a unix socket, each time after a look at whose it is. A socket of somebody else is an error of the
 * connection, after which ioredis tries again.
 * Without a base class of ioredis, which would have to be loaded before it is needed.
 */
class SocketConnector {
  readonly #path: string;
  readonly #disconnectTimeoutMs: number;
  #stream: Socket | undefined;
  connecting = false;
  firstError: Error | undefined;

  constructor({ path, disconnectTimeout }: { path: string; disconnectTimeout: number }) {
    this.#path = path;
    this.#disconnectTimeoutMs = disconnectTimeout;
  }

  check(): boolean {
    return true;
  }

  async connect(): Promise<Socket> {
    this.connecting = true;
    await new Promise((resolve) => process.nextTick(resolve)); // listeners are added meanwhile
    if (!this.#isWanted()) throw new Error("Connection is closed.");
    this.#stream = this.#open();
    this.#stream.once("error", (error) => (this.firstError = error));
    return this.#stream;
  }

  /** Whether it has not been disconnected since. */
  #isWanted(): boolean {
    return this.connecting;
  }

  #open(): Socket {
    try {
      checkSocket(this.#path);
      return createConnection({ path: this.#path });
    } catch (error) {
      this.firstError = error as Error; // ioredis looks here, because the stream is closed already
      return new Socket().destroy(this.firstError);
    }
  }

  disconnect(): void {
    this.connecting = false;
    const stream = this.#stream;
    if (stream === undefined) return;
    const timer = setTimeout(() => stream.destroy(), this.#disconnectTimeoutMs);
    stream.once("close", () => clearTimeout(timer));
    stream.end();
  }
}

/** For the option `Connector` of ioredis, which gets the connection's options. */
export const OwnSocketConnector = SocketConnector as unknown as Connector;
