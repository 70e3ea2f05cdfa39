import { readFile } from "node:fs/promises";
import { errorText, UserError } from "../../errors.ts";
import { installedFile } from "../../system/installation.ts";
import type { Template } from "./stack.ts";

/** CloudFormation's limit for a template that is not in S3, in bytes. */
const MAX_BODY_BYTES = 51_200;

/**
 * Returns a CloudFormation template.
 * @param source path of a file, or a URL in S3 (default: our template).
 * @throws {UserError} if the file cannot be read or is too large.
 */
export async function readTemplate(source?: string): Promise<Template> {
  if (source !== undefined && /^https?:\/\//.test(source)) return { body: { TemplateURL: source } };
  const file = source ?? installedFile("cloudformation/swarm.yaml");
  try {
    const text = await readFile(file, "utf8");
    if (Buffer.byteLength(text) <= MAX_BODY_BYTES) return { body: { TemplateBody: text } };
  } catch (error) {
    throw new UserError(`cannot read the template: ${errorText(error)}`, { cause: error });
  }
  throw new UserError(`the template ${file} is larger than ${MAX_BODY_BYTES} bytes, which is AWS's limit`, {
    hint: "upload it to an S3 bucket and give its URL",
  });
}
