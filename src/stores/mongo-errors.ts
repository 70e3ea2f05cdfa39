import { errorText, UserError } from "../errors.ts";

/** What the driver's errors have in common; they are told apart by name, so that it need not be loaded for that. */
interface MongoError extends Error {
  code?: unknown;
  errorLabels?: readonly string[];
}

/** MongoDB's error codes Unauthorized and AuthenticationFailed, and Atlas's for the latter. */
const USER_REFUSED = [13, 18, 8000];
const PASSES = ["RetryableWriteError", "TransientTransactionError", "ResetPool"];
const UNREACHABLE = ["MongoServerSelectionError", "MongoNetworkError", "MongoNetworkTimeoutError"];
const UNREACHABLE_TOO = ["MongoPoolClearedError", "PoolClearedOnNetworkError"];

/** A connection that breaks while something is written to it: the driver passes some of these on as they are. */
const BROKEN = ["EPIPE", "ECONNRESET", "ECONNREFUSED", "ETIMEDOUT"];

/**
 * Why the same thing may work later: the server does not answer, or (where `writing`) has no room.
 * @returns undefined where waiting does not help.
 */
export function reasonToWait(error: unknown, writing: boolean): string | undefined {
  const { name, code, errorLabels = [] } = error as MongoError;
  if (asUserError(error, "") !== undefined) return undefined;
  if ([...UNREACHABLE, ...UNREACHABLE_TOO].includes(name) || BROKEN.includes(String(code)))
    return `is not responding (${textOf(error)})`;
  if (errorLabels.some((label) => PASSES.includes(label))) return `is not ready (${textOf(error)})`;
  if (writing && name.startsWith("Mongo") && code !== undefined) return `refuses results (${textOf(error)})`;
  return undefined;
}

/**
 * What the user of a MongoDB has to change.
 * @param where names the server.
 * @returns undefined where it is no error of that kind.
 */
export function asUserError(error: unknown, where: string): UserError | undefined {
  const { name, code } = error as MongoError;
  const told = (text: string, hint: string): UserError => new UserError(text, { hint, cause: error });
  if (typeof code === "number" && USER_REFUSED.includes(code) && /auth/i.test(textOf(error)))
    return told(`${where} rejected the user name or password: ${textOf(error)}`, "check the MongoDB URL");
  if (name === "MongoCompatibilityError" || /wire version/.test(textOf(error)))
    return told(
      `${where} has a version that is not supported: ${textOf(error)}`,
      "MongoDB 4.2 or later is required",
    );
  return undefined;
}

/** For the first contact: that nothing answers is for the user to mend, too. */
export function asUnreachable(error: unknown, where: string): UserError | undefined {
  const reason = reasonToWait(error, false);
  if (reason === undefined) return undefined;
  return new UserError(`${where} ${reason}`, {
    hint: "check that it is running and can be reached from this machine",
    cause: error,
  });
}

export function withoutSecrets(text: string): string {
  return text.replace(/\/\/[^@/\s]*@/g, "//");
}

function textOf(error: unknown): string {
  return withoutSecrets(errorText(error));
}
