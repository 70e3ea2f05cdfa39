import { stat } from "node:fs/promises";
import path from "node:path";
import { errorText, UserError } from "../../errors.ts";
import { digestOf } from "../../providers/docker/images.ts";
import type { Services } from "../../providers/services.ts";
import { KNOWN_OMNETPP, type ServiceFlags } from "./docker-options.ts";

/**
 * Returns a function that applies the flags to the services of a swarm.
 * @throws {UserError} if an archive cannot be read, or its checksum is missing.
 */
export async function serviceChange(flags: ServiceFlags): Promise<(services: Services) => Services> {
  const archive = await archiveFrom(flags.omnetppArchive);
  checkVersion(flags, archive);
  const digest = archive === undefined ? undefined : ((await digestOf(archive)) ?? "");
  checkDigest(flags, digest);
  const images = {
    worker: flags.workerImage,
    distcc: flags.distccImage,
    redis: flags.redisImage,
    mongo: flags.mongoImage,
    visualizer: flags.visualizerImage,
    registry: flags.registryImage,
  };
  const build = {
    own: flags.build,
    baseImage: flags.baseImage,
    omnetppVersion: flags.omnetppVersion,
    omnetppArchive: archive,
    omnetppDigest: digest,
    omnetppSha256: flags.omnetppSha256,
  };
  const { runners, registry } = flags;
  return (services) => ({
    ...services,
    ...withoutEmpty({ runners, registry }),
    images: withoutEmpty({ ...services.images, ...withoutUndefined(images) }),
    build: withoutEmpty({ ...services.build, ...withoutUndefined(build) }),
  });
}

async function archiveFrom(given: string | undefined): Promise<string | undefined> {
  if (given === undefined || given === "" || /^https?:/.test(given)) return given;
  try {
    if ((await stat(given)).isFile()) return path.resolve(given);
  } catch (error) {
    throw new UserError(`cannot read the OMNeT++ archive: ${errorText(error)}`, { cause: error });
  }
  throw new UserError(`${given} is not an archive`, { hint: "give an OMNeT++ release archive (.tgz)" });
}

/** Throws if an archive would be downloaded without a known checksum, because it may have been tampered with. */
function checkVersion({ omnetppVersion, omnetppSha256 }: ServiceFlags, archive: string | undefined): void {
  const isLocal = archive !== undefined && archive !== "" && !/^https?:/.test(archive);
  const isOther =
    (omnetppVersion !== undefined && omnetppVersion !== KNOWN_OMNETPP) || /^https?:/.test(archive ?? "");
  if (isLocal || !isOther || omnetppSha256 !== undefined) return;
  throw new UserError("the checksum of this OMNeT++ archive is unknown", {
    hint: "give --omnetpp-sha256 SUM, as shown on the release's page on GitHub",
  });
}

/** Throws if an archive on this machine does not have the checksum that was given. */
function checkDigest({ omnetppArchive, omnetppSha256 }: ServiceFlags, digest: string | undefined): void {
  if (!digest || !omnetppSha256 || digest === omnetppSha256.toLowerCase()) return;
  throw new UserError(
    `${omnetppArchive} does not have the checksum of --omnetpp-sha256; its SHA-256 is ${digest}`,
    {
      hint: "download the archive again, or correct the checksum",
    },
  );
}

type Defined<T> = { [K in keyof T]?: NonNullable<T[K]> };

function withoutUndefined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}

function withoutEmpty<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== ""),
  ) as Defined<T>;
}
