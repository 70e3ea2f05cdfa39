import { createConnection, Socket } from "node:net";
import type { RedisOptions } from "ioredis";
import { checkSocket } from "../system/own-socket.ts";

type Connector = NonNullable<RedisOptions["Connector"]>;

/**
 * Connects ioredis to a Unix socket, and checks the socket's owner before each connection. A socket of another user is a
 * connection error, after which ioredis tries again.
 * Does not extend a class of ioredis, which would have to be loaded before it is needed.
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
    await new Promise((resolve) => process.nextTick(resolve)); // ioredis adds its listeners in the meantime
    if (!this.#isWanted()) throw new Error("Connection is closed.");
    this.#stream = this.#open();
    this.#stream.once("error", (error) => (this.firstError = error));
    return this.#stream;
  }

  /** Returns whether `disconnect` has not been called in the meantime. */
  #isWanted(): boolean {
    return this.connecting;
  }

  #open(): Socket {
    try {
      checkSocket(this.#path);
      return createConnection({ path: this.#path });
    } catch (error) {
      this.firstError = error as Error; // ioredis reads the error from here, because the stream is closed already
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

/** Value for the option `Connector` of ioredis, which passes the connection's options to it. */
export const OwnSocketConnector = SocketConnector as unknown as Connector;
