import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { errorCode, UserError } from "../../errors.ts";
import { ARCHIVE_IN_CONTEXT, buildContext } from "./context.ts";
import { docker, dockerEnvironment, endpointArguments, type DockerEndpoint } from "./cli.ts";
import type { BuiltImage, StackImages } from "./images.ts";
import type { BuildArguments } from "./services.ts";

/** Tells our images from others, so that `remove` takes none of somebody else's. */
export const IMAGE_LABEL = "inet-swarm.image";
const LAST_LINES = 15;
const PUSH_TIMEOUT_MS = 30 * 60_000;

/** Whether the Docker there has an image. */
export async function hasImage(
  endpoint: DockerEndpoint,
  image: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const found = await docker(endpoint, ["image", "ls", "--quiet", image], { signal });
  return found.trim() !== "";
}

/**
 * Builds the images of builder, runner, dashboard and compiler on the manager.
 * @yields what takes time.
 */
export async function* buildImages(
  endpoint: DockerEndpoint,
  targets: readonly BuiltImage[],
  images: StackImages,
  args: BuildArguments,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  for (const target of targets) {
    if (await hasImage(endpoint, images[target], signal)) continue;
    yield target === "worker"
      ? `building the image ${images.worker}: compiling OMNeT++ takes a quarter of an hour on two cores, once`
      : `building the image ${images.distcc}: takes a minute or two, once`;
    await buildImage(endpoint, target, images[target], args, signal);
  }
}

export async function pushImage(
  endpoint: DockerEndpoint,
  image: string,
  signal?: AbortSignal,
): Promise<void> {
  await docker(endpoint, ["push", "--quiet", image], { signal, timeoutMs: PUSH_TIMEOUT_MS });
}

async function buildImage(
  endpoint: DockerEndpoint,
  target: BuiltImage,
  image: string,
  args: BuildArguments,
  signal: AbortSignal | undefined,
): Promise<void> {
  const archive = args.omnetppArchive;
  const isFile = archive !== undefined && !/^https?:/.test(archive);
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
  const child = spawn("docker", [...endpointArguments(endpoint), ...command, ...options, "-"], {
    env: dockerEnvironment(endpoint),
    stdio: ["pipe", "pipe", "pipe"],
    ...(signal && { signal }),
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on("line", (line) => {
      lines.push(line);
      if (lines.length > LAST_LINES) lines.shift();
    });
  }
  const closed = once(child, "close") as Promise<[number | null]>;
  const sent = pipeline(await buildContext(isFile ? archive : undefined), child.stdin).catch(
    (error: unknown) => {
      if (errorCode(error) !== "EPIPE" && errorCode(error) !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
    }, // docker has ended before it had read all: it says why
  );
  const [[exitCode]] = await Promise.all([closed, sent]);
  signal?.throwIfAborted();
  if (exitCode === 0) return;
  const noSpace = lines.some((line) => /no space left on device/i.test(line));
  throw new UserError(`the image ${image} cannot be built:\n${lines.join("\n")}`, {
    hint: noSpace
      ? "make room on the manager: docker system df; docker image prune"
      : "see what is missing there, and try again: swarm-tool deploy --build",
  });
}

/**
 * Deletes the images that were built there; those that another swarm still uses stay.
 * @param keep names of those that stay as well.
 */
export async function removeBuiltImages(
  endpoint: DockerEndpoint,
  signal?: AbortSignal,
  keep: readonly string[] = [],
): Promise<void> {
  const options = ["--filter", `label=${IMAGE_LABEL}`, "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"];
  const listed = await docker(endpoint, ["image", "ls", ...options], { signal });
  const images = listed
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(" ") as [string, string])
    .map(([name, id]) => (name.includes("<none>") ? id : name));
  for (const image of images.filter((name) => !keep.includes(name))) {
    try {
      await docker(endpoint, ["image", "rm", image], { signal, timeoutMs: PUSH_TIMEOUT_MS });
    } catch (error) {
      if (!(error instanceof UserError && /being used|in use|conflict/i.test(error.message))) throw error;
    }
  }
}
