import { expect, it } from "vitest";
import { reasonToWait } from "../../src/stores/mongo-errors.ts";

const error = (name: string, message: string, more = {}): Error =>
  Object.assign(new Error(message), { name, ...more });

it.each([
  [error("MongoNetworkError", "connection 3 to 127.0.0.1:1 closed"), "is not responding"],
  [error("Error", "write EPIPE", { code: "EPIPE", syscall: "write" }), "is not responding (write EPIPE)"],
  [
    error("MongoServerError", "not primary", { code: 10107, errorLabels: ["RetryableWriteError"] }),
    "is not ready",
  ],
  [
    error("MongoServerError", "interrupted at shutdown", { code: 11600 }),
    "is not ready (interrupted at shutdown)",
  ],
])("waits for a temporary failure to pass: %s", (passing, reason) => {
  expect(reasonToWait(passing, false)).toContain(reason);
});

it("waits for free space only when writing, and shows no password", () => {
  const full = error("MongoServerError", "no space left for mongodb://me:secret@host/db", { code: 14031 });
  expect(reasonToWait(full, true)).toBe("refuses results (no space left for mongodb://host/db)");
  expect(reasonToWait(full, false)).toBeUndefined();
});

it.each([
  error("MongoServerError", "Authentication failed.", { code: 18 }),
  error("MongoCompatibilityError", "Server reports maximum wire version 6"),
  error("Error", "ENOENT: no such file", { code: "ENOENT", syscall: "open" }),
])("does not wait for %s", (lasting) => {
  expect(reasonToWait(lasting, true)).toBeUndefined();
});
