import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { queueFrom, secretFrom } from "../../src/cli/worker/access-from-environment.ts";
import { UserError } from "../../src/errors.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

it.each([
  ["redis://redis", { host: "redis", port: 6379 }],
  ["redis://:p%40ss@10.0.0.1:6380", { host: "10.0.0.1", port: 6380, password: "p@ss" }],
  ["redis://me:p@[::1]:6380/", { host: "::1", port: 6380, username: "me", password: "p" }],
])("finds the queue by REDIS_URL=%s", async (url, connection) => {
  expect(await queueFrom({ REDIS_URL: url }, undefined)).toEqual({
    ...connection,
    maxRetriesPerRequest: null,
  });
});

it("prefers the named socket", async () => {
  const connection = await queueFrom({ REDIS_URL: "redis://redis" }, "/run/redis.sock");
  expect(connection).toMatchObject({ path: "/run/redis.sock", maxRetriesPerRequest: null });
});

it("reads a secret from the file that Docker mounts", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "secret");
  await writeFile(file, "redis://:word@redis\n");
  expect(await queueFrom({ REDIS_URL_FILE: file }, undefined)).toMatchObject({ password: "word" });
  expect(await secretFrom({ MONGO_URL_FILE: file, MONGO_URL: "other" }, "MONGO_URL")).toBe(
    "redis://:word@redis",
  );
  expect(await secretFrom({}, "MONGO_URL")).toBeUndefined();
});

it("reports what is missing or wrong, and never shows a password", async () => {
  for (const REDIS_URL of ["", "redis", "http://:word@host", "rediss://:word@host"]) {
    const failure = await queueFrom({ REDIS_URL }, undefined).catch((error: unknown) => error as UserError);
    expect(failure).toBeInstanceOf(UserError);
    expect((failure as UserError).message).not.toContain("word@");
  }
  await expect(secretFrom({ MONGO_URL_FILE: "/nowhere" }, "MONGO_URL")).rejects.toThrow("MONGO_URL_FILE");
});
