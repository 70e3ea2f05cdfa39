import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import * as v from "valibot";
import { readJson } from "../../system/json.ts";

/** What Docker stores about a context, as far as it is read here. */
const MetaSchema = v.object({ Name: v.string() });

/**
 * Returns the names of Docker's contexts, from its files, because starting `docker` takes longer than a user waits for a
 * completion. Contexts that cannot be read are left out.
 * @see Docker CLI, "Docker contexts": `contexts/meta/HASH/meta.json` in the folder of its configuration.
 */
export async function dockerContexts(env: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const folder = env["DOCKER_CONFIG"] || path.join(env["HOME"] || homedir(), ".docker");
  const meta = path.join(folder, "contexts", "meta");
  const hashes = await readdir(meta).catch(() => []);
  const read = hashes.map((hash) =>
    readJson(path.join(meta, hash, "meta.json"), MetaSchema).catch(() => undefined),
  );
  const found = await Promise.all(read);
  return ["default", ...found.flatMap((context) => context?.Name ?? []).sort()];
}
