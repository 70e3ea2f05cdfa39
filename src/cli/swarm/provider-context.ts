import type { ProviderContext, Question } from "../../providers/provider.ts";
import { Declined } from "../../errors.ts";
import { ask, canAsk, confirm } from "./ask.ts";

/** Options that answer questions in advance. */
export interface ForceOptions {
  force?: true;
  yes?: true;
}

/** Returns what providers need from other modules, which are loaded on use, and from the user. */
export function providerContext({ force, yes }: ForceOptions = {}, signal?: AbortSignal): ProviderContext {
  return {
    countJobs: async (connection) => (await import("../../queue/counts.ts")).countJobs(connection),
    connectedRunners: async (connection) =>
      (await import("../../queue/workers.ts")).connectedRunners(connection),
    endSimulations: async (directory) =>
      (await import("../../worker/tree/slot.ts")).endLeftoversIn(directory),
    async approve(question) {
      if (!force && !yes) await ask(factOf(question), signal);
    },
    async offerInstallation(what) {
      if (yes) return true;
      const isAccepted = await confirm(
        `the queue needs redis-server or valkey-server, which is not installed. ${what} can be installed for this user only, without root. Install it?`,
        signal,
      );
      if (!isAccepted && canAsk()) throw new Declined("nothing was installed, and no swarm was created");
      return isAccepted;
    },
    // not answered by --yes: a script must see what has failed before anything is removed
    offerRemoval: ({ message }) => confirm(`${message}.\nRemove what was created?`, signal),
    signal,
  };
}

/** Returns the consequence that the user has to accept. */
function factOf(question: Question): string {
  const { name } = question;
  switch (question.type) {
    case "interrupts-runs":
      return question.runs === 1
        ? `1 run or build of the swarm ${name} is running; after resume it starts from the beginning`
        : `${question.runs} runs or builds of the swarm ${name} are running; after resume they start from the beginning`;
    case "loses-runs":
      if (question.runs === 1)
        return `1 run of the swarm ${name} is queued, running or not yet collected; it would be lost`;
      if (question.runs !== undefined)
        return `${question.runs} runs of the swarm ${name} are queued, running or not yet collected; they would be lost`;
      return question.volume
        ? `the swarm ${name} and all data on its volume would be deleted; its queue is not responding, so it may hold runs and results`
        : `the queue of the swarm ${name} is not responding; any runs and results in it would be lost`;
    case "costs-money":
      return `the swarm ${name} costs money from now until it is halted`;
    default:
      question satisfies never;
      throw new Error("unknown question");
  }
}
