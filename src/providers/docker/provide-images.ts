import { UserError } from "../../errors.ts";
import { poll } from "../../system/poll.ts";
import type { ReachableSwarm } from "../reachable-swarm.ts";
import { buildImage, hasImage, pullImage, pushImage } from "./build.ts";
import type { Engine } from "./engine.ts";
import { BUILT_IMAGES, imageTag, OWN_REGISTRY, PUBLISHED, stackImages, type StackImages } from "./images.ts";
import { listNodes } from "./engine.ts";
import { observeStack } from "./observe.ts";
import { checkRegistry } from "./registry-check.ts";
import { imageOption } from "./wait-until-stable.ts";
import type { ImageNames, Services } from "../services.ts";
import { deployStack, stackOf } from "./stack.ts";

const REGISTRY_TIMEOUT_MS = 5 * 60_000;
const POLL_MS = 500;
/** Images of the required services that run on the manager. */
const ON_MANAGER = ["redis", "mongo", "worker"] as const;

/** The images of a stack, and the files in the folder `docker` from which it is deployed. */
export interface Provided {
  images: StackImages;
  files: string[];
}

/**
 * Builds and pushes the images that are neither published nor the user's own, and checks that the others can be pulled.
 * @yields descriptions of steps that take time.
 * @throws {UserError} if an image or the registry cannot be used; no services have been changed then.
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
  const hasSeveralMachines = swarm.workers === undefined ? engine.nodes.length > 1 : swarm.workers > 0;
  // A registry that the user has named is used for one machine, too: others may join, and pull the images.
  const usual = hasSeveralMachines && swarm.isOurs ? OWN_REGISTRY : undefined;
  const registry = missing.length === 0 ? undefined : (named ?? usual);
  if (missing.length > 0 && hasSeveralMachines && registry === undefined) throw withoutRegistry(engine);
  const images = stackImages(given, build, await imageTag(build), registry);
  const files = swarm.isOurs ? ["stack.yaml", "aws.yaml"] : ["stack.yaml"];
  yield* pullGiven(engine, given, images, signal);
  if (registry === OWN_REGISTRY) {
    files.push("registry.yaml");
    yield* startRegistry(swarm, engine, images, signal);
  }
  const isAvailable = (name: (typeof missing)[number]): Promise<boolean> =>
    registry === undefined
      ? hasImage(engine.endpoint, images[name], signal)
      : canPull(engine, images[name], signal);
  const absent: typeof missing = [];
  for (const name of missing) if (!(await isAvailable(name))) absent.push(name);
  if (absent.length > 0) yield* checkForeign(swarm, engine, registry, signal);
  for (const name of absent) {
    yield* buildMissing(engine, name, images, build, signal);
    if (registry === undefined) continue;
    yield `pushing the image ${images[name]}`;
    await pushImage(engine.endpoint, images[name], signal);
  }
  return { images, files };
}

/** Checks a registry that the swarm does not run itself. */
async function* checkForeign(
  swarm: ReachableSwarm,
  engine: Engine,
  registry: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  if (registry === undefined || registry === OWN_REGISTRY) return;
  yield* checkRegistry(engine, stackOf(swarm.name), registry, signal);
}

async function* buildMissing(
  { endpoint }: Engine,
  name: (typeof BUILT_IMAGES)[number],
  images: StackImages,
  build: Services["build"],
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  if (await hasImage(endpoint, images[name], signal)) return;
  yield buildingText(name, images);
  await buildImage(endpoint, name, images[name], build, signal);
}

/** Returns whether the registry has an image, by pulling it on the manager. */
async function canPull(engine: Engine, image: string, signal: AbortSignal | undefined): Promise<boolean> {
  return (await pullImage(engine.endpoint, image, signal)).ok;
}

/** Pulls the user's own images on the manager, so that a missing one is noticed before any service is stopped. */
async function* pullGiven(
  { endpoint }: Engine,
  given: ImageNames,
  images: StackImages,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  for (const service of ON_MANAGER) {
    const image = images[service];
    if (given[service] === undefined || (await hasImage(endpoint, image, signal))) continue;
    yield `pulling the image ${image}`;
    const pulled = await pullImage(endpoint, image, signal);
    if (pulled.ok) continue;
    throw new UserError(`cannot pull the image ${image} on the manager: ${pulled.reason}`, {
      hint: `give another one: swarm-tool deploy ${imageOption(service)}`,
    });
  }
}

function buildingText(name: (typeof BUILT_IMAGES)[number], images: StackImages): string {
  return name === "worker"
    ? `building the image ${images.worker}: compiling OMNeT++ takes about 15 minutes on two cores, only once`
    : `building the image ${images.distcc}: takes one or two minutes, only once`;
}

/** Starts the swarm's registry and waits for it, before the other services, whose images come from it. */
async function* startRegistry(
  swarm: ReachableSwarm,
  engine: Engine,
  images: StackImages,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const stack = stackOf(swarm.name);
  yield "starting the swarm's registry";
  await deployStack(engine, { stack, images, dockerSocket: "" }, ["registry.yaml"], signal);
  const isRunning = async (): Promise<boolean> => {
    const nodes = await listNodes(engine.endpoint, signal);
    const services = await observeStack(engine.endpoint, nodes, stack, signal);
    return services.some(({ name, running }) => name === "registry" && running > 0);
  };
  if (await poll(isRunning, { everyMs: POLL_MS, timeoutMs: REGISTRY_TIMEOUT_MS, signal })) return;
  throw new UserError("the swarm's registry does not start", {
    hint: `check with: docker service ps ${stack}_registry`,
  });
}

function withoutRegistry({ nodes }: Engine): UserError {
  return new UserError(
    `this swarm has ${nodes.length} machines, but no registry from which all of them can pull the worker image`,
    {
      hint: "give a registry that they can reach: --registry HOST[:PORT][/PATH]; or your own images: --worker-image and --distcc-image",
    },
  );
}
