import { lstat } from "node:fs/promises";
import * as v from "valibot";
import { UserError, withPath } from "../errors.ts";
import { openRegularFile } from "./regular-file.ts";

/**
 * Reads a JSON file of ours.
 * @returns undefined where there is no such file.
 * @throws {UserError} when it cannot be read, or its content is not what it should be.
 */
export async function readJson<S extends v.GenericSchema>(
  file: string,
  schema: S,
): Promise<v.InferOutput<S> | undefined> {
  const text = await readText(file);
  if (text === undefined) return undefined;
  return parseOrExplain(schema, parseJson(text, file), file, "remove the file if it is damaged");
}

/** A file of ours has some KB; one that lists all files of a large build, some MB. */
const MOST_BYTES = 1 << 28;

/**
 * Reads a text file of ours.
 * @returns undefined if there is no such file.
 * @throws {UserError} if it is no regular file, too large, or cannot be read.
 */
export async function readText(file: string): Promise<string | undefined> {
  await using handle = await openRegularFile(file);
  if (handle === undefined) {
    const there = await lstat(file).catch(() => undefined);
    if (there === undefined) return undefined;
    if (there.isFile()) return await readText(file); // somebody has written it since it was opened
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

/** The value of a JSON text; undefined where it is not valid JSON, or there is none. */
export function jsonIn(text: string | null | undefined): unknown {
  try {
    return text == null ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

/**
 * Checks data that comes from outside this process.
 * @param what names the data in the message: "queued run", "state file /…".
 * @throws {UserError} naming the field that is wrong.
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
