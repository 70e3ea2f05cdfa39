import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { checkQueue } from "../../src/queue/check.ts";
import { socketConnection } from "../../src/queue/names.ts";
import { describeWithService } from "../helpers/services.ts";
import { startRedis } from "../helpers/redis.ts";

async function refusal(checked: Promise<void>): Promise<UserError> {
  const error: unknown = await checked.then(
    () => undefined,
    (refused: unknown) => refused,
  );
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
}

it("tells that nothing answers", async () => {
  const { message, hint } = await refusal(checkQueue(socketConnection("/nowhere/redis.sock")));
  expect(message).toMatch(/^the queue's Redis at \/nowhere\/redis\.sock cannot be reached: .*ENOENT/);
  expect(hint).toContain("swarm-tool status");
});

it("tells of a version that is too old", async () => {
  const info = "# Server\r\nredis_version:5.0.7\r\n";
  const server = createServer((socket) => {
    socket.on("data", () => socket.write(`$${info.length}\r\n${info}\r\n`));
    socket.on("error", () => undefined);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const { message } = await refusal(checkQueue({ host: "127.0.0.1", port, maxRetriesPerRequest: null }));
  expect(message).toBe(`the Redis at 127.0.0.1:${port} is 5.0.7; at least 6.2 is needed`);
  server.close();
});

describeWithService("redis-server", "a Redis with a password", () => {
  it("is told from one that is not there", async () => {
    await using redis = await startRedis({ password: "secret" });
    const connection = socketConnection(redis.socket);
    await checkQueue({ ...connection, password: "secret" });
    for (const wrong of [connection, { ...connection, password: "wrong" }]) {
      const { message } = await refusal(checkQueue(wrong));
      expect(message).toBe(`the queue's Redis at ${redis.socket} refuses the password`);
    }
  });
});
