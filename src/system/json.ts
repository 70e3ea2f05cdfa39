import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { errorCode, UserError, withPath } from "../errors.ts";

/**
 * Reads a JSON file of ours.
 * @returns undefined where there is no such file.
 * @throws {UserError} when its content is not what it should be.
 */
export async function readJson<S extends v.GenericSchema>(
  file: string,
  schema: S,
): Promise<v.InferOutput<S> | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return undefined;
    throw withPath(error, file);
  }
  return parseOrExplain(schema, parseJson(text, file), file, "remove the file if it is damaged");
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
  hint = "client and worker must be of the same version",
): v.InferOutput<S> {
  const result = v.safeParse(schema, data);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const field = v.getDotPath(issue) ?? "its top level";
  if (field === "protocol" && typeof issue.input === "number") {
    const protocols = `protocol ${issue.input}, here ${issue.expected ?? "another"}`;
    throw new UserError(`${what} is of another version of inet-swarm (${protocols})`, { hint });
  }
  throw new UserError(`${what} is malformed at ${field}: ${issue.message}`, { hint });
}
