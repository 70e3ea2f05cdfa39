import * as v from "valibot";

/** Of the services of a stack; made once, kept in the state file and as Docker secrets. */
const PasswordsSchema = v.object({ redis: v.string(), mongo: v.string() });
export type Passwords = v.InferOutput<typeof PasswordsSchema>;

/** Images that a user may bring himself. */
const ImageNamesSchema = v.object({
  worker: v.optional(v.string()),
  distcc: v.optional(v.string()),
  redis: v.optional(v.string()),
  mongo: v.optional(v.string()),
  visualizer: v.optional(v.string()),
  registry: v.optional(v.string()),
});
export type ImageNames = v.InferOutput<typeof ImageNamesSchema>;

/** How the images of workers are built, where they are. */
const BuildArgumentsSchema = v.object({
  /** Also where there are published ones. */
  own: v.optional(v.boolean()),
  baseImage: v.optional(v.string()),
  omnetppVersion: v.optional(v.string()),
  /** URL, or a file of this machine that is sent along. */
  omnetppArchive: v.optional(v.string()),
  /** SHA-256 of that file: it need not be on the machine from which the swarm is deployed next. */
  omnetppDigest: v.optional(v.string()),
  omnetppSha256: v.optional(v.string()),
});
export type BuildArguments = v.InferOutput<typeof BuildArgumentsSchema>;

/** What is deployed on a Docker Swarm, and with which passwords; the same wherever its machines are. */
export const ServicesSchema = v.object({
  passwords: v.optional(PasswordsSchema),
  /** The user's own images; the others are built or published ones. */
  images: v.optional(ImageNamesSchema, {}),
  build: v.optional(BuildArgumentsSchema, {}),
  /** Registry to which images that are built are pushed, of a swarm of several machines. */
  registry: v.optional(v.string()),
  /** Runs at once on each machine; as many as it has cores where that is not said. */
  runners: v.optional(v.number()),
});
export type Services = v.InferOutput<typeof ServicesSchema>;
