import * as v from "valibot";

/** Passwords of a swarm's services: generated once, stored in the state file and as Docker secrets. */
const PasswordsSchema = v.object({ redis: v.string(), mongo: v.string() });
export type Passwords = v.InferOutput<typeof PasswordsSchema>;

/** Names of the user's own images. */
const ImageNamesSchema = v.object({
  worker: v.optional(v.string()),
  distcc: v.optional(v.string()),
  redis: v.optional(v.string()),
  mongo: v.optional(v.string()),
  visualizer: v.optional(v.string()),
  registry: v.optional(v.string()),
});
export type ImageNames = v.InferOutput<typeof ImageNamesSchema>;

/** How the workers' images are built, if they are. */
const BuildArgumentsSchema = v.object({
  /** Builds images even if there are published ones. */
  own: v.optional(v.boolean()),
  baseImage: v.optional(v.string()),
  omnetppVersion: v.optional(v.string()),
  /** URL, or a file of this machine that is sent with the build context. */
  omnetppArchive: v.optional(v.string()),
  /** SHA-256 of that file, which may not exist on the machine from which the swarm is deployed next. */
  omnetppDigest: v.optional(v.string()),
  omnetppSha256: v.optional(v.string()),
});
export type BuildArguments = v.InferOutput<typeof BuildArgumentsSchema>;

/** What is deployed on a Docker Swarm, and its passwords; independent of where its machines are. */
export const ServicesSchema = v.object({
  passwords: v.optional(PasswordsSchema),
  /** The user's own images. The others are built, or published ones are used. */
  images: v.optional(ImageNamesSchema, {}),
  build: v.optional(BuildArgumentsSchema, {}),
  /** Registry to which built images are pushed, for a swarm of several machines. */
  registry: v.optional(v.string()),
  /** Number of concurrent runs on each machine (default: its number of cores). */
  runners: v.optional(v.number()),
});
export type Services = v.InferOutput<typeof ServicesSchema>;
