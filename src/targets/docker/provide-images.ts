import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../../errors.ts";
import type { ReachableSwarm } from "../reachable-swarm.ts";
import { buildImages, pushImage } from "./build.ts";
import type { Engine } from "./engine.ts";
import { BUILT_IMAGES, imageTag, OWN_REGISTRY, PUBLISHED, stackImages, type StackImages } from "./images.ts";
import type { Services } from "./services.ts";
import { deployStack, listServices, stackOf } from "./stack.ts";

const REGISTRY_TIMEOUT_MS = 5 * 60_000;
const POLL_MS = 500;

/** The images of a stack, and the files of the folder `docker` that it is deployed from. */
export interface Provided {
  images: StackImages;
  files: string[];
}

/**
 * Makes the images that are neither published nor the user's own, where the swarm can have them.
 * @yields what takes time.
 */
export async function* provideImages(
  swarm: ReachableSwarm,
  engine: Engine,
  { images: given, build, registry: named }: Services,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, Provided> {
  const missing = BUILT_IMAGES.filter(
    (name) => given[name] === undefined && (PUBLISHED === undefined || build.own),
  );
  const several = swarm.workers === undefined ? engine.nodes.length > 1 : swarm.workers > 0;
  const registry =
    missing.length === 0 || !several ? undefined : (named ?? (swarm.isOurs ? OWN_REGISTRY : undefined));
  if (missing.length > 0 && several && registry === undefined) throw withoutRegistry(engine);
  const images = stackImages(given, build, await imageTag(build), registry);
  const files = swarm.isOurs ? ["stack.yaml", "aws.yaml"] : ["stack.yaml"];
  if (missing.length > 0) yield* buildImages(engine.endpoint, missing, images, build, signal);
  if (registry === OWN_REGISTRY) {
    files.push("registry.yaml");
    yield* startRegistry(swarm, engine, images, signal);
  }
  if (registry !== undefined) {
    for (const name of missing) {
      yield `pushing the image ${images[name]}`;
      await pushImage(engine.endpoint, images[name], signal);
    }
  }
  return { images, files };
}

/** Before all others: their images come from it. */
async function* startRegistry(
  swarm: ReachableSwarm,
  engine: Engine,
  images: StackImages,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const stack = stackOf(swarm.name);
  yield "starting the swarm's registry";
  await deployStack(engine, { stack, images, dockerSocket: "" }, ["registry.yaml"], signal);
  const deadline = Date.now() + REGISTRY_TIMEOUT_MS;
  for (;;) {
    const services = await listServices(engine.endpoint, stack, signal);
    if (services.some(({ name, running }) => name === "registry" && running > 0)) return;
    if (Date.now() > deadline) {
      throw new UserError("the swarm's registry does not start", {
        hint: `see: docker service ps ${stack}_registry`,
      });
    }
    await delay(POLL_MS, undefined, signal && { signal });
  }
}

function withoutRegistry({ nodes }: Engine): UserError {
  return new UserError(
    `this swarm has ${nodes.length} machines, and no registry from which all of them can have the worker's image`,
    {
      hint: "name one that they can reach: --registry HOST[:PORT][/PATH]; or an image of yours: --worker-image and --distcc-image",
    },
  );
}
