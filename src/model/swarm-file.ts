import * as v from "valibot";

const text = v.pipe(v.string(), v.nonEmpty("it is empty"));

/** A path relative to the project's folder. */
const place = v.pipe(v.string(), v.regex(/^[^/]/, "it must be a path relative to the project's folder"));

const variable = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z_]\w*$/, "it is not a valid name of an environment variable"),
);

/**
 * Accepts more letters than ProjectNameSchema, because JSON Schema has no Unicode classes; names are checked
 * again when they are used.
 */
const projectName = v.pipe(
  v.string(),
  v.regex(
    /^[\w\u0080-\uffff](?:[\w\u0080-\uffff.+()[\] -]*[\w\u0080-\uffff.+()[\]-])?$/,
    "a name has only letters, digits, spaces and the characters . _ + - ( ) [ ], and begins with a letter or digit",
  ),
);

/** A needed project. If only its name is given, it is searched for; otherwise it is at the given location. */
export const UseSchema = v.strictObject({
  name: projectName,
  folder: v.optional(
    v.pipe(text, v.description("its folder on this machine; relative to the project's folder, or absolute")),
  ),
  url: v.optional(v.pipe(text, v.description("its git repository"))),
  version: v.optional(v.pipe(text, v.description("a tag or a commit of that repository"))),
  variable: v.optional(
    v.pipe(variable, v.description("environment variable with its folder; INET_ROOT for a project inet")),
  ),
});

/** The content of `swarm.json`: properties of a project that override those that are detected. */
export const SwarmFileSchema = v.strictObject({
  $schema: v.optional(v.string()),
  name: v.optional(v.pipe(projectName, v.description("the name by which other projects refer to it"))),
  nedFolders: v.optional(v.array(place)),
  nedExclusions: v.optional(v.pipe(v.array(text), v.description("NED packages that are not loaded"))),
  libraries: v.optional(
    v.pipe(v.array(place), v.description("without lib, _dbg and suffix: src/INET for src/libINET.so")),
  ),
  executable: v.optional(v.pipe(place, v.description("the simulation program, without _dbg"))),
  build: v.optional(
    v.pipe(
      v.array(text),
      v.description("shell commands in the project's folder; MODE and JOBS are in the environment"),
    ),
  ),
  ship: v.optional(
    v.pipe(v.array(place), v.description("files and folders to send although git ignores them")),
  ),
  uses: v.optional(v.array(v.union([projectName, UseSchema]))),
  environment: v.optional(
    v.pipe(
      v.record(variable, v.string()),
      v.description("for the build and the runs; ${project} is the project's folder"),
    ),
  ),
});
export type SwarmFile = v.InferOutput<typeof SwarmFileSchema>;
