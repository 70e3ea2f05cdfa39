import { UserError } from "../../errors.ts";
import { localProvider, repairLocal } from "../local/local.ts";
import type { Provider, ProviderContext } from "../provider.ts";
import type { SwarmState } from "../swarm-state.ts";

/** What decides of which kind a new swarm is, and its name. */
export interface KindFlags {
  local?: true;
  docker?: true;
  /** Another way to give the name. */
  stack?: string;
}

interface Kind {
  /** Whether the flags of `init` ask for it. */
  isMeant(flags: KindFlags): boolean;
  nameFor(given: string | undefined, flags: KindFlags): string;
  /** Whether its workers use the disk of this machine, and it costs nothing to start. */
  isHere: boolean;
  open(name: string, context: ProviderContext): Promise<Provider>;
}

/** All kinds of swarms; what belongs to one is loaded when a swarm of it is used. */
const KINDS: Readonly<Record<SwarmState["target"], Kind>> = {
  local: {
    isMeant: ({ local }) => local === true,
    nameFor: (given) => given ?? "local",
    isHere: true,
    open: (name, context) => Promise.resolve(localProvider(name, context)),
  },
  docker: {
    isMeant: ({ docker }) => docker === true,
    nameFor: (given) => given ?? "docker",
    isHere: false,
    async open(name, context) {
      const { dockerProvider } = await import("../docker/docker.ts");
      return dockerProvider(name, context, await loadDeployer(context));
    },
  },
  aws: {
    isMeant: ({ local, docker }) => local === undefined && docker === undefined,
    nameFor: (given, { stack }) => oneName(given, stack) ?? "inet",
    isHere: false,
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

/** A swarm that exists. */
export function openSwarm({ name, target }: SwarmState, context: ProviderContext): Promise<Provider> {
  return KINDS[target].open(name, context);
}

/**
 * A swarm that is to be made.
 * @throws {UserError} if its kind or its name is ambiguous.
 */
export async function newSwarm(
  name: string | undefined,
  flags: KindFlags,
  context: ProviderContext,
): Promise<Provider> {
  const [kind, ...others] = Object.values(KINDS).filter((each) => each.isMeant(flags));
  if (kind === undefined || others.length > 0)
    throw new UserError("--local and --docker cannot be used together");
  return await kind.open(kind.nameFor(name, flags), context);
}

/** Whether the workers of a swarm use the disk of this machine; then it also costs nothing to start it. */
export function isOnThisMachine({ target }: SwarmState): boolean {
  return KINDS[target].isHere;
}

/**
 * Makes a swarm known again whose state file is damaged, or missing while its processes run.
 * @param report told what was wrong and what was done.
 * @returns whether there was anything to repair.
 */
export const repairState: (name: string, report: (text: string) => void) => Promise<boolean> = repairLocal;
