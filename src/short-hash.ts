import { createHash } from "node:crypto";

/** Returns the SHA-256 of a text or of bytes, in hexadecimal digits. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/**
 * Returns the first hexadecimal digits of a text's SHA-256, for names and keys. Stored names depend on the
 * number of digits, so it must not change for them.
 */
export function shortHash(text: string, digits = 32): string {
  return sha256(text).slice(0, digits);
}
