import { lstat } from "node:fs/promises";
import * as v from "valibot";
import { UserError, withPath } from "../errors.ts";
import { openRegularFile } from "./regular-file.ts";

/**
 * Reads one of our JSON files and checks it against a schema.
 * @returns undefined if the file does not exist.
 * @throws {UserError} if it is not a regular file, is not valid JSON, or does not match the schema.
 */
export async function readJson<S extends v.GenericSchema>(
  file: string,
  schema: S,
): Promise<v.InferOutput<S> | undefined> {
  const text = await readText(file);
  if (text === undefined) return undefined;
  return parseOrExplain(schema, parseJson(text, file), file, "remove the file if it is damaged");
}

/** Our files have a few KB; the list of all files of a large build has a few MB. */
const MOST_BYTES = 1 << 28;

/**
 * Reads one of our text files.
 * @returns undefined if the file does not exist.
 * @throws {UserError} if it is not a regular file or too large.
 */
export async function readText(file: string): Promise<string | undefined> {
  await using handle = await openRegularFile(file);
  if (handle === undefined) {
    const stats = await lstat(file).catch(() => undefined);
    if (stats === undefined) return undefined;
    if (stats.isFile()) return await readText(file); // created by another process since the attempt to open it
    throw new UserError(`${file} is not a regular file`, { hint: "move it away or rename it" });
  }
  if ((await handle.stat()).size > MOST_BYTES)
    throw new UserError(`${file} is too large`, { hint: "remove the file if it is damaged" });
  try {
    return await handle.readFile("utf8");
  } catch (error) {
    throw withPath(error, file);
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`${file} is not valid JSON`, {
      hint: "remove the file if it is damaged",
      cause: error,
    });
  }
}

/** Returns the value of a JSON text; undefined if there is no text or it is not valid JSON. */
export function parseJsonOrUndefined(text: string | null | undefined): unknown {
  try {
    return text == null ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

/**
 * Parses data from outside this process by a schema, and returns the result.
 * @param what names the data in the error message: "queued run", "state file /…".
 * @throws {UserError} naming the first field that does not match.
 */
export function parseOrExplain<S extends v.GenericSchema>(
  schema: S,
  data: unknown,
  what: string,
  hint = "use the same version of inet-swarm on the client and the workers",
): v.InferOutput<S> {
  const result = v.safeParse(schema, data);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const field = v.getDotPath(issue) ?? "its top level";
  if (field === "protocol" && typeof issue.input === "number") {
    const protocols = `protocol ${issue.input}, here ${issue.expected ?? "another"}`;
    throw new UserError(`${what} comes from another version of inet-swarm (${protocols})`, { hint });
  }
  throw new UserError(`${what} is malformed at ${field}: ${issue.message}`, { hint });
}
