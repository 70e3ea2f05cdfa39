import type { Source } from "../../model/build.ts";
import type { CampaignEvent } from "../../model/events.ts";
import type { Code } from "../../project/git/code.ts";
import { fileSizes } from "../../project/git/code.ts";
import { nearestPublicCommit } from "../../project/git/origin.ts";
import { ancestorTrees, commitTree, isWhole, packCommit } from "../../project/git/pack.ts";
import type { SourceStore } from "../../stores/source-store.ts";

const LARGE_BYTES = 50e6;

/**
 * Provides the workers with the code, and yields what was sent.
 * @param project name of the project, if it is one that the study's project needs.
 * @returns how a worker gets the source.
 */
export async function* sendSource(
  code: Code,
  store: SourceStore,
  signal: AbortSignal,
  project?: string,
): AsyncGenerator<CampaignEvent, Source> {
  const startedAt = performance.now();
  for (const message of code.warnings) yield { type: "warning", message, details: [] };
  const known = await withoutSending(code, store, signal);
  if (known !== undefined) return known;
  yield* warnOfLargeFiles(code);
  const { source, sizeBytes } = store.sharesDisk
    ? await sendToThisMachine(code, store, signal)
    : await sendAway(code, store, signal);
  const tookMs = Math.round(performance.now() - startedAt);
  const whose = project === undefined ? {} : { project };
  if (sizeBytes > 0) yield { type: "sent", ...whose, changed: code.changed, sizeBytes, tookMs };
  return source;
}

/** Returns how many bytes would be sent to a swarm that only has the commit. */
export async function measureShipment(code: Code, signal: AbortSignal): Promise<{ sizeBytes: number }> {
  if (code.changed.length === 0) return { sizeBytes: 0 };
  const commit = await commitTree(code, code.tree, code.commit);
  return await packCommit(code, commit, code.commit, signal);
}

/**
 * Returns the source, if the swarm has it: it was sent earlier,
 * or is a commit in a repository that workers can read.
 */
async function withoutSending(
  code: Code,
  store: SourceStore,
  signal: AbortSignal,
): Promise<Source | undefined> {
  const { commit, tree, checkout } = code;
  const unchanged = code.changed.length === 0;
  if (store.sharesDisk && unchanged) return { url: checkout.gitDirectory, commit, tree };
  const sent = await store.find(tree);
  if (sent !== undefined && (!store.sharesDisk || sent.url === checkout.gitDirectory)) return sent;
  if (store.sharesDisk || !unchanged) return undefined;
  const origin = await nearestPublicCommit(checkout, commit, signal);
  return origin?.commit === commit ? { url: origin.url, commit, tree } : undefined;
}

interface Sent {
  source: Source;
  sizeBytes: number;
}

/** Sends code to workers on this machine, which read the commit from the repository itself. */
async function sendToThisMachine(code: Code, store: SourceStore, signal: AbortSignal): Promise<Sent> {
  const url = code.checkout.gitDirectory;
  return await send(code, { url, base: code.commit }, store, signal);
}

/**
 * Sends code to other machines. Workers fetch what is public. Otherwise, all files of one commit are sent
 * once, as the base for what is sent later.
 */
async function sendAway(code: Code, store: SourceStore, signal: AbortSignal): Promise<Sent> {
  const origin = await nearestPublicCommit(code.checkout, code.commit, signal);
  if (origin !== undefined) return await send(code, { url: origin.url, base: origin.commit }, store, signal);
  for (const tree of await ancestorTrees(code, signal)) {
    const sent = await store.find(tree);
    // another client has just sent it
    if (sent !== undefined && tree === code.tree) return { source: sent, sizeBytes: 0 };
    if (sent?.packs?.length !== 1 || sent.url !== undefined) continue;
    const base = await commitTree(code, tree, undefined);
    if (base === sent.commit) return await send(code, { base, packs: [tree] }, store, signal);
  }
  if (code.changed.length === 0) return await send(code, {}, store, signal);
  const tree = (await ancestorTrees(code, signal))[0]!;
  if (!(await isWhole(code, tree, signal))) return await send(code, {}, store, signal);
  const sentBase = await send({ ...code, tree }, {}, store, signal);
  if (sentBase.source.packs?.length !== 1 || sentBase.source.url !== undefined)
    return await send(code, {}, store, signal);
  const sentRest = await send(code, { base: sentBase.source.commit, packs: [tree] }, store, signal);
  return { source: sentRest.source, sizeBytes: sentBase.sizeBytes + sentRest.sizeBytes };
}

/**
 * Packs the code's tree without what the base has, and stores the pack.
 * @returns the source in the store: others may have sent the same tree at the same time, with another base.
 */
async function send(
  code: Code,
  from: Pick<Source, "url" | "base" | "packs">,
  store: SourceStore,
  signal: AbortSignal,
): Promise<Sent> {
  const { tree } = code;
  const commit = await commitTree(code, tree, from.base);
  const { file, sizeBytes } = await packCommit(code, commit, from.base, signal);
  const source: Source = { ...from, commit, tree, packs: [...(from.packs ?? []), tree] };
  await store.put(source, file);
  const stored = store.sharesDisk ? undefined : await store.find(tree);
  return { source: stored ?? source, sizeBytes };
}

async function* warnOfLargeFiles({ checkout, changed }: Code): AsyncGenerator<CampaignEvent> {
  const sizes = await fileSizes(checkout.top, changed);
  const large = [...sizes].filter(([, sizeBytes]) => sizeBytes > LARGE_BYTES);
  if (large.length === 0) return;
  const message = "sending large files to the swarm; list those that runs do not need in .gitignore";
  const details = large.map(([file, sizeBytes]) => `${file}: ${Math.round(sizeBytes / 1e6)} MB`);
  yield { type: "warning", message, details };
}
