import { createHash } from "node:crypto";

/** SHA-256 of a text or bytes, as hexadecimal digits. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The first hexadecimal digits of a text's SHA-256, for names and keys. Names that are stored keep their number of digits. */
export function shortHash(text: string, digits = 32): string {
  return sha256(text).slice(0, digits);
}
