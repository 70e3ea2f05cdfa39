import { dockerAnswers } from "../docker/docker-ping.ts";
import { notConnected } from "../docker/deployer.ts";
import { forwardedDashboard } from "../docker/forwarded-dashboard.ts";
import { drain, haltedError, notOnDocker, type Provider, type ProviderContext } from "../provider.ts";
import type { SwarmDeployer } from "../reachable-swarm.ts";
import { readState } from "../state-file.ts";
import type { AwsState } from "../swarm-state.ts";
import { describeAws } from "./describe-aws.ts";
import type { AwsStatus } from "./status.ts";
import { existingAws, notComplete, reachable, removedError, type Aws } from "./swarm.ts";
import { isOpen } from "./tunnel.ts";

/** Signal that is never aborted. */
const never = new AbortController().signal;

/** Loads AWS's SDK, which a swarm with an open tunnel does not need. */
const operations = () => import("./operations.ts");

/** Returns the provider for a swarm on AWS. */
export function awsProvider(name: string, context: ProviderContext, deployer: SwarmDeployer): Provider {
  const aws: Aws = { name, context, deployer, signal: context.signal ?? never };
  return {
    name,
    async *init(options) {
      yield* (await operations()).init(aws, options);
    },
    async *connect(options) {
      yield* (await operations()).connect(aws, options);
    },
    async *disconnect() {
      yield* (await operations()).disconnect(aws);
    },
    async *deploy(change) {
      yield* (await operations()).deploy(aws, change);
    },
    async *halt() {
      yield* (await operations()).halt(aws);
    },
    async *resume(options = {}) {
      yield* (await operations()).resume(aws, options);
    },
    async *scale(workers) {
      yield* (await operations()).scale(aws, workers);
    },
    async *remove() {
      yield* (await operations()).remove(aws);
    },
    forget() {
      throw notOnDocker(name);
    },
    status: async () => (await operations()).status(aws),
    describe: (status) => describeAws(status as AwsStatus),
    isReady: async () => await answers(await existingAws(name)),
    async repair({ signal = aws.signal, onWaiting } = {}) {
      if ((await readState(name)) === undefined) throw removedError(name);
      const state = await existingAws(name);
      if (state.state === "halted") throw haltedError(name);
      if (await answers(state)) return [];
      await connected({ ...aws, signal }, onWaiting);
      return ["the tunnel to the swarm had closed and was reopened"];
    },
    async access(onWaiting, gone) {
      const state = await connected(aws, onWaiting);
      return await deployer.access(reachable(state)!, onWaiting, gone);
    },
    async dashboard() {
      const swarm = reachable(await existingAws(name));
      if (swarm === undefined) throw notConnected(name);
      return await forwardedDashboard(swarm);
    },
  };
}

/** Returns whether the tunnel is open and Docker answers through it. */
async function answers(state: AwsState): Promise<boolean> {
  return isOpen(state.tunnel) && (await dockerAnswers(state.tunnel.dockerSocket));
}

/** Opens the tunnel if it is not open, and returns the state. If several clients need it, only one of them opens it. */
async function connected(aws: Aws, onStep: (text: string) => void = () => undefined): Promise<AwsState> {
  const { name } = aws;
  const before = await existingAws(name);
  if (await answers(before)) return before;
  if (before.state === "halted") throw haltedError(name);
  if (before.state === "creating") throw notComplete(name);
  const { ensureTunnel } = await operations();
  return await drain(ensureTunnel(aws), (event) => {
    if ("text" in event) onStep(event.text);
  });
}
