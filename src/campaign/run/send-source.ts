import type { Source } from "../../model/build.ts";
import type { CampaignEvent } from "../../model/events.ts";
import type { Code } from "../../project/git/code.ts";
import { fileSizes } from "../../project/git/code.ts";
import { nearestPublicCommit } from "../../project/git/origin.ts";
import { ancestorTrees, commitTree, isWhole, packCommit } from "../../project/git/pack.ts";
import type { SourceStore } from "../../stores/source-store.ts";

const LARGE_BYTES = 50e6;

/**
 * Sees to it that the workers can have the code, and says what was sent for that.
 * @param project name of a project that the study's one needs.
 * @returns how a worker puts it together.
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

/** What would be sent to a swarm that has the commit and nothing else. */
export async function measureShipment(code: Code, signal: AbortSignal): Promise<{ sizeBytes: number }> {
  if (code.changed.length === 0) return { sizeBytes: 0 };
  const commit = await commitTree(code, code.tree, code.commit);
  return await packCommit(code, commit, code.commit, signal);
}

/** The source where the swarm has it: it was sent before, or is a commit of a repository that workers can read. */
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

/** What the commit has, workers of this machine take from the repository itself. */
async function sendToThisMachine(code: Code, store: SourceStore, signal: AbortSignal): Promise<Sent> {
  const url = code.checkout.gitDirectory;
  return await send(code, { url, base: code.commit }, store, signal);
}

/**
 * What is public is fetched by the workers. Of what is not, the files of one commit are sent whole, once; they
 * are the base of what is sent later.
 */
async function sendAway(code: Code, store: SourceStore, signal: AbortSignal): Promise<Sent> {
  const origin = await nearestPublicCommit(code.checkout, code.commit, signal);
  if (origin !== undefined) return await send(code, { url: origin.url, base: origin.commit }, store, signal);
  for (const tree of await ancestorTrees(code, signal)) {
    const sent = await store.find(tree);
    if (sent !== undefined && tree === code.tree) return { source: sent, sizeBytes: 0 }; // by another, just now
    if (sent?.packs?.length !== 1 || sent.url !== undefined) continue;
    const base = await commitTree(code, tree, undefined);
    if (base === sent.commit) return await send(code, { base, packs: [tree] }, store, signal);
  }
  if (code.changed.length === 0) return await send(code, {}, store, signal);
  const tree = (await ancestorTrees(code, signal))[0]!;
  if (!(await isWhole(code, tree, signal))) return await send(code, {}, store, signal);
  const whole = await send({ ...code, tree }, {}, store, signal);
  if (whole.source.packs?.length !== 1 || whole.source.url !== undefined)
    return await send(code, {}, store, signal);
  const rest = await send(code, { base: whole.source.commit, packs: [tree] }, store, signal);
  return { source: rest.source, sizeBytes: whole.sizeBytes + rest.sizeBytes };
}

/**
 * Packs the code's tree without what the base has, and puts it into the store.
 * @returns what the store has of it then: others may have sent the same tree, on another base, at the same moment.
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
  const kept = store.sharesDisk ? undefined : await store.find(tree);
  return { source: kept ?? source, sizeBytes };
}

async function* warnOfLargeFiles({ checkout, changed }: Code): AsyncGenerator<CampaignEvent> {
  const sizes = await fileSizes(checkout.top, changed);
  const large = [...sizes].filter(([, sizeBytes]) => sizeBytes > LARGE_BYTES);
  if (large.length === 0) return;
  const message = "sending large files to the swarm; list those that runs do not need in .gitignore";
  const details = large.map(([file, sizeBytes]) => `${file}: ${Math.round(sizeBytes / 1e6)} MB`);
  yield { type: "warning", message, details };
}
