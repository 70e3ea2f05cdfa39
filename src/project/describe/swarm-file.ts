import path from "node:path";
import * as v from "valibot";
import { UserError } from "../../errors.ts";
import { RepositoryUrlSchema, VersionSchema } from "../../model/git-names.ts";
import { nearest } from "../../model/near.ts";
import { SwarmFileSchema, UseSchema, type SwarmFile } from "../../model/swarm-file.ts";
import { readTextIfExists } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";

export const SWARM_FILE = "swarm.json";

/**
 * Returns the content of a project's `swarm.json`; undefined if there is none.
 * @param top git top level; no path in the file may lead out of it.
 * @throws {UserError} with the file, and with the entry as a dotted path.
 */
export async function readSwarmFile(root: string, top: string): Promise<SwarmFile | undefined> {
  const file = path.join(root, SWARM_FILE);
  const text = await readTextIfExists(file);
  if (text === undefined) return undefined;
  const data = parse(text, file);
  if (typeof data !== "object" || data === null || Array.isArray(data))
    throw wrong(file, "", "it must be an object");
  const result = v.safeParse(SwarmFileSchema, data);
  if (!result.success) throw explain(file, result.issues[0]);
  const problem =
    contradiction(result.output) ?? unusable(result.output) ?? leadingOut(result.output, root, top);
  if (problem !== undefined) throw wrong(file, ...problem);
  return result.output;
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = (error as Error).message.replace(/ \(line.*/, "");
    const position = /position (\d+)/.exec(reason);
    const line = position === null ? "" : `:${text.slice(0, Number(position[1])).split("\n").length}`;
    throw new UserError(`${file}${line} is not valid JSON: ${reason}`, { cause: error });
  }
}

interface Issue {
  type: string;
  message: string;
}

function explain(file: string, issue: v.BaseIssue<unknown>): UserError {
  const field = v.getDotPath(issue) ?? "";
  const deepest = issue.type === "union" ? innerIssue(issue) : undefined;
  const inner = deepest === undefined ? undefined : v.getDotPath(deepest);
  const place = [field, inner].filter((part) => part).join(".");
  const { type, message }: Issue = inner === undefined || inner === null ? issue : deepest!;
  if (type !== "strict_object" || message.startsWith("Invalid type")) return wrong(file, place, message);
  const known = Object.keys(inner ? UseSchema.entries : SwarmFileSchema.entries);
  const [near] = nearest(place.split(".").at(-1)!, known);
  const hint = near === undefined ? `known entries: ${known.join(", ")}` : `did you mean ${near}?`;
  return wrong(file, place, "unknown entry", hint);
}

/**
 * Returns the issue within an object in `uses`, whose entries
 * are strings or objects; undefined if no object was given.
 */
function innerIssue(issue: v.BaseIssue<unknown>): v.BaseIssue<unknown> | undefined {
  return issue.issues?.find((each) => each.path !== undefined);
}

function wrong(file: string, field: string, problem: string, hint?: string): UserError {
  const published = "see docs/swarm.schema.json of inet-swarm";
  return new UserError(`${file}${field === "" ? "" : `: ${field}`}: ${problem}`, { hint: hint ?? published });
}

type Problem = [field: string, problem: string];

function contradiction({ libraries, executable, uses = [] }: SwarmFile): Problem | undefined {
  if (libraries !== undefined && executable !== undefined)
    return ["executable", "give either an executable, or libraries to run with opp_run"];
  for (const [index, use] of uses.entries()) {
    if (typeof use === "string") continue;
    const field = `uses.${index}`;
    if (use.url !== undefined && use.version === undefined)
      return [`${field}.version`, "a url needs a version: a tag or a commit"];
    if (use.version !== undefined && use.url === undefined) return [`${field}.url`, "a version needs a url"];
    if (use.folder !== undefined && use.url !== undefined)
      return [`${field}.folder`, "give either a folder or a url"];
  }
  return undefined;
}

/** Rejects invalid addresses and versions, which could become options or commands of git. */
function unusable({ uses = [] }: SwarmFile): Problem | undefined {
  for (const [index, use] of uses.entries()) {
    if (typeof use === "string") continue;
    for (const [name, schema] of Object.entries({ url: RepositoryUrlSchema, version: VersionSchema })) {
      const result = v.safeParse(v.optional(schema), use[name as "url" | "version"]);
      if (!result.success) return [`uses.${index}.${name}`, result.issues[0].message];
    }
  }
  return undefined;
}

function leadingOut(file: SwarmFile, root: string, top: string): Problem | undefined {
  const { nedFolders = [], libraries = [], executable, ship = [] } = file;
  const named = { nedFolders, libraries, ship, executable: executable === undefined ? [] : [executable] };
  for (const [name, places] of Object.entries(named)) {
    const index = places.findIndex((each) => !isInside(top, path.resolve(root, each)));
    if (index === -1) continue;
    const field = name === "executable" ? name : `${name}.${index}`;
    return [field, `it leads out of the checkout ${top}; list projects outside the checkout under uses`];
  }
  return undefined;
}
