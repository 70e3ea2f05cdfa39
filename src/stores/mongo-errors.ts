import { errorText, UserError } from "../errors.ts";

/** Fields of the driver's errors, which are recognized by name so that the driver need not be loaded. */
interface MongoError extends Error {
  code?: unknown;
  errorLabels?: readonly string[];
}

/** A MongoDB server cannot be used as it is: the user or an administrator has to do something. */
export class MongoUnusable extends UserError {
  override name = "MongoUnusable";
}

/** MongoDB's error codes Unauthorized and AuthenticationFailed, and Atlas's code for the latter. */
const USER_REFUSED = [13, 18, 8000];
const TRANSIENT = ["RetryableWriteError", "TransientTransactionError", "ResetPool"];
const UNREACHABLE = [
  ...["MongoServerSelectionError", "MongoNetworkError", "MongoNetworkTimeoutError"],
  ...["MongoPoolClearedError", "PoolClearedOnNetworkError"],
];
/** Codes with which a server answers that shuts down, starts, or is not the primary. @see MongoDB specification "Retryable Reads" */
const NOT_READY = [6, 7, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436];

/** A connection breaks during a write: the driver does not wrap some of these errors. */
const BROKEN = ["EPIPE", "ECONNRESET", "ECONNREFUSED", "ETIMEDOUT"];

/**
 * Returns why an operation may succeed later: the server does not answer or, with `writing`, cannot store more data.
 * Returns undefined if waiting does not help.
 */
export function reasonToWait(error: unknown, writing: boolean): string | undefined {
  const { name, code, errorLabels = [] } = error as MongoError;
  if (asUserError(error, "") !== undefined) return undefined;
  if (UNREACHABLE.includes(name) || BROKEN.includes(String(code)))
    return `is not responding (${textOf(error)})`;
  if (NOT_READY.includes(Number(code)) || errorLabels.some((label) => TRANSIENT.includes(label)))
    return `is not ready (${textOf(error)})`;
  if (writing && isRefusal(error)) return `refuses results (${textOf(error)})`;
  return undefined;
}

/** Returns whether the server has answered, with an error. Unlike a failed connection, this may be a lasting condition. */
export function isRefusal(error: unknown): boolean {
  const { name, code } = error as MongoError;
  return name.startsWith("Mongo") && code !== undefined;
}

/** Returns an error for an operation that the server refuses. */
export function asRefused(error: unknown, where: string): MongoUnusable {
  return new MongoUnusable(`${where} refuses an operation: ${textOf(error)}`, {
    hint: "look into the log of that server; then enter the command again",
    cause: error,
  });
}

/**
 * Returns an error that the user can fix: a rejected password or an unsupported version. Undefined for any other error.
 * @param where names the server.
 */
export function asUserError(error: unknown, where: string): MongoUnusable | undefined {
  const { name, code } = error as MongoError;
  const userError = (text: string, hint: string): MongoUnusable =>
    new MongoUnusable(text, { hint, cause: error });
  if (typeof code === "number" && USER_REFUSED.includes(code) && /auth/i.test(textOf(error)))
    return userError(
      `${where} rejected the user name or password: ${textOf(error)}`,
      "check the MongoDB URL",
    );
  if (name === "MongoCompatibilityError" || /wire version/.test(textOf(error)))
    return userError(
      `${where} has a version that is not supported: ${textOf(error)}`,
      "MongoDB 4.2 or later is required",
    );
  return undefined;
}

/** Returns an error for a server that does not answer at the first connection, which the user can fix; or undefined. */
export function asUnreachable(error: unknown, where: string): MongoUnusable | undefined {
  const reason = reasonToWait(error, false);
  if (reason === undefined) return undefined;
  return new MongoUnusable(`${where} ${reason}`, {
    hint: "check that it is running and can be reached from this machine",
    cause: error,
  });
}

/** Returns a text without the user names and passwords of the URLs in it. */
export function withoutSecrets(text: string): string {
  return text.replace(/\/\/[^@/\s]*@/g, "//");
}

function textOf(error: unknown): string {
  return withoutSecrets(errorText(error));
}
