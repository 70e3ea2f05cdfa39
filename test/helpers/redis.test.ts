import { existsSync } from "node:fs";
import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { startRedis } from "./redis.ts";
import { describeWithService } from "./services.ts";

/** The reply to one command on a connection of its own. */
async function ask<T>(socket: string, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(socket);
  try {
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}

describeWithService("redis-server", "startRedis", () => {
  it("answers on a short unix socket, and leaves nothing behind", async () => {
    const server = await startRedis();
    expect(Buffer.byteLength(server.socket)).toBeLessThanOrEqual(103);
    expect(await ask(server.socket, (redis) => redis.ping())).toBe("PONG");
    expect(await ask(server.socket, (redis) => redis.config("GET", "port"))).toEqual(["port", "0"]);
    await server[Symbol.asyncDispose]();
    expect(existsSync(server.directory)).toBe(false);
    expect(() => process.kill(server.pid, 0)).toThrow("ESRCH");
  });

  it("loses its data when it is killed, and keeps them with an append-only file", async () => {
    for (const appendOnly of [false, true]) {
      await using server = await startRedis({ appendOnly });
      const before = server.pid;
      await ask(server.socket, (redis) => redis.set("key", "value"));
      await server.restart();
      expect(server.pid).not.toBe(before);
      expect(await ask(server.socket, (redis) => redis.get("key"))).toBe(appendOnly ? "value" : null);
    }
  });

  it("starts again after a crash", async () => {
    await using server = await startRedis();
    await server.kill();
    expect(() => process.kill(server.pid, 0)).toThrow("ESRCH");
    await server.restart();
    expect(await ask(server.socket, (redis) => redis.ping())).toBe("PONG");
  });
});
