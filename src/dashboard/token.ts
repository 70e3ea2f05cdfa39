import { createHmac } from "node:crypto";

/**
 * Returns the token of a dashboard that all users of a queue share. It is derived from the queue's password,
 * with which these users can cancel and retry runs anyway.
 */
export function tokenFor(queuePassword: string): string {
  return createHmac("sha256", queuePassword).update("dashboard").digest("base64url").slice(0, 32);
}
