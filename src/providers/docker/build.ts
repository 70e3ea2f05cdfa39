import { once } from "node:events";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { errorCode, UserError } from "../../errors.ts";
import { ARCHIVE_IN_CONTEXT, buildContext } from "./context.ts";
import { no, YES, type Verdict } from "../../model/verdict.ts";
import { lstatIfExists } from "../../system/files.ts";
import { startPiped } from "../../system/program.ts";
import { docker, dockerEnvironment, endpointArguments } from "./cli.ts";
import type { DockerEndpoint } from "../docker-endpoint.ts";
import { isUrl, omnetppImage, type BuiltImage } from "./images.ts";
import type { BuildArguments } from "../services.ts";

/** Label of our images, so that `remove` does not remove others. */
export const IMAGE_LABEL = "inet-swarm.image";
const LAST_LINES = 15;
const PUSH_TIMEOUT_MS = 30 * 60_000;

/** Returns whether the manager has an image. */
export async function hasImage(
  endpoint: DockerEndpoint,
  image: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const found = await docker(endpoint, ["image", "ls", "--quiet", image], { signal });
  return found.trim() !== "";
}

/** Pulls an image on the manager. @returns whether that succeeded; otherwise Docker's reason. */
export async function pullImage(
  endpoint: DockerEndpoint,
  image: string,
  signal?: AbortSignal,
): Promise<Verdict> {
  try {
    await docker(endpoint, ["pull", "--quiet", image], { signal, timeoutMs: PUSH_TIMEOUT_MS });
    return YES;
  } catch (error) {
    if (error instanceof UserError) return no(error.message.replace(/^docker pull \S+: (Error[^:]*: )?/, ""));
    throw error;
  }
}

/** Pushes an image from the manager to its registry. */
export async function pushImage(
  endpoint: DockerEndpoint,
  image: string,
  signal?: AbortSignal,
): Promise<void> {
  await docker(endpoint, ["push", "--quiet", image], { signal, timeoutMs: PUSH_TIMEOUT_MS });
}

/**
 * Builds the image for builder, runner and dashboard, or the one for compilers, on the manager. OMNeT++ is kept as a
 * separate image, so that the next version of this tool does not compile it again.
 * @throws {UserError} with the last lines of the build's output.
 */
export async function buildImage(
  endpoint: DockerEndpoint,
  target: BuiltImage,
  image: string,
  args: BuildArguments,
  signal: AbortSignal | undefined,
): Promise<void> {
  await build(endpoint, "omnetpp", await omnetppImage(args), args, signal);
  await build(endpoint, target, image, args, signal);
}

async function build(
  endpoint: DockerEndpoint,
  target: BuiltImage | "omnetpp",
  image: string,
  args: BuildArguments,
  signal: AbortSignal | undefined,
): Promise<void> {
  const archive = args.omnetppArchive;
  const isFile = archive !== undefined && !isUrl(archive);
  if (isFile && (await lstatIfExists(archive)) === undefined) {
    throw new UserError(
      `cannot build the image ${image}: the OMNeT++ archive ${archive} is not on this machine`,
      {
        hint: "deploy from the machine that has it, or give its location: swarm-tool deploy --omnetpp-archive FILE",
      },
    );
  }
  const values = {
    BASE_IMAGE: args.baseImage,
    OMNETPP_VERSION: args.omnetppVersion,
    OMNETPP_ARCHIVE: isFile ? ARCHIVE_IN_CONTEXT : archive,
    OMNETPP_SHA256: args.omnetppSha256,
  };
  const options = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : ["--build-arg", `${name}=${value}`],
  );
  const command = ["build", "--network", "host", "--target", target, "--label", IMAGE_LABEL, "--tag", image];
  const child = startPiped("docker", [...endpointArguments(endpoint), ...command, ...options, "-"], {
    env: dockerEnvironment(endpoint),
    signal,
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on("line", (line) => {
      lines.push(line);
      if (lines.length > LAST_LINES) lines.shift();
    });
  }
  const closed = once(child, "close") as Promise<[number | null]>;
  const sent = pipeline(buildContext(isFile ? archive : undefined), child.stdin).catch(
    (error: unknown) => {
      if (errorCode(error) !== "EPIPE" && errorCode(error) !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
    }, // docker has ended before it has read everything; its output contains the reason
  );
  const [[exitCode]] = await Promise.all([closed, sent]);
  signal?.throwIfAborted();
  if (exitCode === 0) return;
  const noSpace = lines.some((line) => /no space left on device/i.test(line));
  throw new UserError(`cannot build the image ${image}:\n${lines.join("\n")}`, {
    hint: noSpace
      ? "free disk space on the manager: docker system df; docker image prune"
      : "check what is missing on the manager, then retry: swarm-tool deploy --build",
  });
}

/**
 * Deletes the images that were built on the manager, and their stages, except those that are in use.
 * @param keep names of further images that are kept for the next deployment.
 */
export async function removeBuiltImages(
  endpoint: DockerEndpoint,
  signal?: AbortSignal,
  keep: readonly string[] = [],
): Promise<void> {
  const options = ["--filter", `label=${IMAGE_LABEL}`, "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"];
  for (;;) {
    const listed = await docker(endpoint, ["image", "ls", ...options], { signal });
    const images = listed
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split(" ") as [string, string])
      .map(([name, id]) => (name.includes("<none>") ? id : name))
      .filter((name) => !keep.includes(name));
    let removed = 0;
    for (const image of images) if (await removeImage(endpoint, image, signal)) removed++;
    // The stages of an image are listed only after the image has been removed.
    if (removed === 0) return;
  }
}

/** Deletes the containers of a stack's ended tasks on the manager, with their volumes. */
export async function removeEndedContainers(
  endpoint: DockerEndpoint,
  stack: string,
  signal?: AbortSignal,
): Promise<void> {
  const filters = [`label=com.docker.stack.namespace=${stack}`, "status=exited", "status=dead"];
  const options = filters.flatMap((filter) => ["--filter", filter]);
  const listed = await docker(endpoint, ["ps", "--all", "--quiet", ...options], { signal });
  for (const id of listed.split("\n").filter((line) => line !== "")) {
    try {
      await docker(endpoint, ["rm", "--volumes", id], { signal });
    } catch (error) {
      if (!(error instanceof UserError && /no such container|in progress/i.test(error.message))) throw error;
    }
  }
}

/** Deletes an image unless it is in use. @returns whether it was deleted. */
export async function removeImage(
  endpoint: DockerEndpoint,
  image: string,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    await docker(endpoint, ["image", "rm", image], { signal, timeoutMs: PUSH_TIMEOUT_MS });
    return true;
  } catch (error) {
    if (error instanceof UserError && /being used|in use|conflict|no such image/i.test(error.message))
      return false;
    throw error;
  }
}
