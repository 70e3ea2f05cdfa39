import { UserError } from "../../errors.ts";
import { localProvider, repairLocal } from "../local/local.ts";
import type { Provider, ProviderContext } from "../provider.ts";
import type { SwarmState } from "../swarm-state.ts";

/** Options that determine the kind and the name of a new swarm. */
export interface KindFlags {
  local?: true;
  docker?: true;
  aws?: true;
  /** Alternative to the name. */
  stack?: string;
}

/** A kind of swarm for users who have not chosen one. */
export interface KindOffer {
  /** The option of `init` that selects it. */
  option: string;
  /** What it costs and needs, as one sentence. */
  description: string;
}

interface Kind {
  offer: KindOffer;
  /** Returns whether the options of `init` select this kind. */
  isMeant(flags: KindFlags): boolean;
  nameFor(given: string | undefined, flags: KindFlags): string;
  /** Whether the workers use the disk of this machine, and starting them costs nothing. */
  isHere: boolean;
  /** Whether running machines cost money. */
  isBilled: boolean;
  open(name: string, context: ProviderContext): Promise<Provider>;
}

/** All kinds of swarms. The modules of a kind are loaded when a swarm of that kind is used. */
const KINDS: Readonly<Record<SwarmState["target"], Kind>> = {
  local: {
    offer: {
      option: "--local",
      description: "on this machine: costs nothing and uses its processor cores; needs OMNeT++.",
    },
    isMeant: ({ local }) => local === true,
    nameFor: (given) => given ?? "local",
    isHere: true,
    isBilled: false,
    open: (name, context) => Promise.resolve(localProvider(name, context)),
  },
  docker: {
    offer: {
      option: "--docker",
      description: "on machines of yours that are a Docker Swarm: needs Docker on each of them.",
    },
    isMeant: ({ docker }) => docker === true,
    nameFor: (given) => given ?? "docker",
    isHere: false,
    isBilled: false,
    async open(name, context) {
      const { dockerProvider } = await import("../docker/docker.ts");
      return dockerProvider(name, context, await loadDeployer(context));
    },
  },
  aws: {
    offer: {
      option: "--aws",
      description:
        "on rented machines of Amazon Web Services: costs money while it runs; needs an account and its access key (aws configure).",
    },
    isMeant: ({ local, docker, aws }) => aws === true || (local === undefined && docker === undefined),
    nameFor: (given, { stack }) => oneName(given, stack) ?? "inet",
    isHere: false,
    isBilled: true,
    async open(name, context) {
      const { awsProvider } = await import("../aws/aws.ts");
      return awsProvider(name, context, await loadDeployer(context));
    },
  },
};

async function loadDeployer(context: ProviderContext) {
  return (await import("../docker/deployer.ts")).dockerDeployer(context);
}

function oneName(name: string | undefined, stack: string | undefined): string | undefined {
  if (name === undefined || stack === undefined || name === stack) return name ?? stack;
  throw new UserError(`two names given for the swarm: ${name} and ${stack}`, {
    hint: "give only one of them",
  });
}

/** Returns the provider of an existing swarm. */
export function openSwarm({ name, target }: SwarmState, context: ProviderContext): Promise<Provider> {
  return KINDS[target].open(name, context);
}

/**
 * Returns the kinds to choose from if the options of `init` name none and there are no credentials for the
 * default, AWS; otherwise undefined.
 */
export async function kindsToOffer({ local, docker, aws }: KindFlags): Promise<KindOffer[] | undefined> {
  if (local ?? docker ?? aws) return undefined;
  const { hasAwsCredentials } = await import("../aws/configured.ts");
  if (await hasAwsCredentials()) return undefined;
  return Object.values(KINDS).map(({ offer }) => offer);
}

/**
 * Returns the provider for a swarm that is to be created.
 * @throws {UserError} if the options for its kind or name contradict each other.
 */
export async function newSwarm(
  name: string | undefined,
  flags: KindFlags,
  context: ProviderContext,
): Promise<Provider> {
  const meant = Object.values(KINDS).filter((each) => each.isMeant(flags));
  const [kind, ...others] = meant;
  if (kind === undefined || others.length > 0)
    throw new UserError(`${meant.map(({ offer }) => offer.option).join(" and ")} cannot be used together`);
  return await kind.open(kind.nameFor(name, flags), context);
}

/** Returns whether the workers of a swarm use the disk of this machine, so that starting it costs nothing. */
export function isOnThisMachine({ target }: SwarmState): boolean {
  return KINDS[target].isHere;
}

/** Returns whether a swarm costs money while it is running. */
export function isBilled({ target }: SwarmState): boolean {
  return KINDS[target].isBilled;
}

/**
 * Recreates the state file of a swarm if it is damaged, or missing while the swarm's processes are running.
 * @param report called with what was wrong and what was done.
 * @returns whether anything was repaired.
 */
export const repairState: (name: string, report: (text: string) => void) => Promise<boolean> = repairLocal;
