import { once } from "node:events";
import { chmod, chown } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { checkQueue } from "../../src/queue/check.ts";
import { socketConnection } from "../../src/queue/names.ts";
import { describeWithService } from "../helpers/services.ts";
import { startRedis, type RedisServer } from "../helpers/redis.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

async function refusal(checked: Promise<void>): Promise<UserError> {
  const error: unknown = await checked.then(
    () => undefined,
    (refused: unknown) => refused,
  );
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
}

it("reports that nothing answers", async () => {
  const { message, hint } = await refusal(checkQueue(socketConnection("/nowhere/redis.sock")));
  expect(message).toMatch(/^cannot reach the queue's Redis at \/nowhere\/redis\.sock: .*ENOENT/);
  expect(hint).toContain("swarm-tool status");
});

it("reports a version that is too old", async () => {
  const info = "# Server\r\nredis_version:5.0.7\r\n";
  const server = createServer((socket) => {
    socket.on("data", () => socket.write(`$${info.length}\r\n${info}\r\n`));
    socket.on("error", () => undefined);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const { message } = await refusal(checkQueue({ host: "127.0.0.1", port, maxRetriesPerRequest: null }));
  expect(message).toBe(`the Redis at 127.0.0.1:${port} is 5.0.7; at least 6.2 is required`);
  server.close();
});

describeWithService("redis-server", "a Redis with a password", () => {
  it("is distinguished from one that does not exist", async () => {
    await using redis = await startRedis({ password: "secret" });
    const connection = socketConnection(redis.socket);
    await checkQueue({ ...connection, password: "secret" });
    for (const wrong of [connection, { ...connection, password: "wrong" }]) {
      const { message } = await refusal(checkQueue(wrong));
      expect(message).toBe(`the queue's Redis at ${redis.socket} refuses the password`);
    }
  });
});

describeWithService("redis-server", "a Redis that would lose jobs or is another's", () => {
  async function withRedis(work: (redis: Redis, server: RedisServer) => Promise<void>): Promise<void> {
    await using server = await startRedis();
    const redis = new Redis(server.socket);
    try {
      await work(redis, server);
    } finally {
      redis.disconnect();
    }
  }

  it.each(["allkeys-lru", "volatile-lru", "volatile-ttl", "allkeys-random"])(
    "is refused if it evicts keys: %s",
    async (policy) => {
      await withRedis(async (redis, { socket }) => {
        await redis.config("SET", "maxmemory-policy", policy);
        await checkQueue(socketConnection(socket)); // nothing is evicted without a limit
        await redis.config("SET", "maxmemory", "100mb");
        const { message, hint } = await refusal(checkQueue(socketConnection(socket)));
        expect(message).toContain(`maxmemory 104857600 bytes, maxmemory-policy ${policy}`);
        expect(hint).toContain("CONFIG SET maxmemory-policy noeviction");
        await redis.config("SET", "maxmemory-policy", "noeviction");
        await checkQueue(socketConnection(socket));
      });
    },
  );

  it("is refused if it is a replica", async () => {
    await withRedis(async (redis, { socket }) => {
      await redis.replicaof("127.0.0.1", "1");
      const { message, hint } = await refusal(checkQueue(socketConnection(socket)));
      expect(message).toContain("is a read-only replica");
      expect(hint).toContain("primary");
    });
  });

  it("is refused if it holds something else under the queue's names", async () => {
    await withRedis(async (redis, { socket }) => {
      await redis.set("unrelated", "1");
      await checkQueue(socketConnection(socket));
      await redis.sadd("bull:run:wait", "1");
      const { message } = await refusal(checkQueue(socketConnection(socket)));
      expect(message).toContain("holds data of another application: its key bull:run:wait is a set");
    });
  });

  it("is refused if its data is not the swarm's", async () => {
    await withRedis(async (_, { socket, directory }) => {
      await checkQueue(socketConnection(socket, directory));
      const { message, hint } = await refusal(checkQueue(socketConnection(socket, "/elsewhere/redis")));
      expect(message).toBe(`the Redis at ${socket} is not this swarm's: its data is in ${directory}`);
      expect(hint).toContain("/elsewhere/redis");
    });
  });

  it("is refused as soon as others can reach its socket, also when the connection is reopened", async () => {
    await withRedis(async (_, { socket, directory }) => {
      const connection = new Redis({ ...socketConnection(socket), retryStrategy: () => 10 });
      const errors: string[] = [];
      connection.on("error", (error) => errors.push(error.message));
      await connection.ping();
      await chmod(directory, 0o755);
      const { message, hint } = await refusal(checkQueue(socketConnection(socket)));
      expect(message).toContain(`${directory} belongs to another user or is accessible to others`);
      expect(hint).toContain("chmod 700");
      connection.disconnect(true);
      await expect.poll(() => errors.join("\n")).toContain("is accessible to others");
      await chmod(directory, 0o700);
      expect(await connection.ping()).toBe("PONG");
      connection.disconnect();
    });
  });
});

it("refuses a socket that another user created", async () => {
  if (process.getuid?.() !== 0) {
    console.warn("SKIPPED: to make another user's socket needs root");
    return;
  }
  await using directory = await temporaryDirectory();
  const socket = path.join(directory.path, "redis.sock");
  const server = createServer().listen(socket);
  await once(server, "listening");
  await chown(socket, 65534, 65534);
  const { message } = await refusal(checkQueue(socketConnection(socket)));
  expect(message).toContain(`${socket} belongs to another user`);
  server.close();
});
