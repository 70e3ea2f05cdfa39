import { setInterval } from "node:timers";
import type { CampaignEvent, CampaignSummary } from "../../model/events.ts";
import type { ResultStore } from "../../stores/store.ts";
import { keepHeapSmall } from "../../system/memory.ts";
import type { Provider } from "../../providers/provider.ts";
import { count } from "../terminal/format.ts";
import { wantsColor } from "../terminal/color.ts";
import { EXIT, type CommandContext } from "../terminal/command.ts";
import { printableJson } from "../terminal/printable.ts";
import { CampaignRenderer } from "../terminal/render.ts";
import { REDRAW_MS } from "../terminal/status-line.ts";
import { keepHealthy, watchDiskSpace } from "../swarm/keep-healthy.ts";

export interface ShowOptions {
  quiet: boolean;
  verbose: boolean;
  /** Print events as JSON on stdout instead of text. */
  json: boolean;
  /** The client does not wait for the end: print how to attach to the campaign. */
  detached?: boolean;
  /** Ctrl-C leaves the campaign running. */
  leaves?: boolean;
  /** Directory to which printed paths are relative. */
  directory: string;
}

/** A campaign to be shown, and the swarm that must keep running meanwhile. */
export interface ShownCampaign {
  target: Provider;
  results: Pick<ResultStore, "freeShare">;
  events: AsyncIterable<CampaignEvent>;
  /** Aborted when the swarm has been removed; the events end with its reason. */
  gone: AbortController;
}

/**
 * Shows a campaign until it ends, and restarts dead processes of its swarm.
 * @param begin prepares the campaign, and prints its progress with the given function.
 * @returns the exit code.
 * @throws {UserError} if the swarm is removed before the campaign has ended.
 */
export async function showCampaign(
  options: ShowOptions,
  { stdout, stderr, interrupt, exitOnHangup }: CommandContext,
  begin: (say: (text: string) => void) => Promise<ShownCampaign>,
): Promise<number> {
  const color = { stdout: wantsColor(stdout, process.env), stderr: wantsColor(stderr, process.env) };
  const renderer = new CampaignRenderer({ ...options, stdout, stderr, color, now: Date.now });
  using _fresh = keepFresh(renderer, stderr);
  const { target, results, events, gone } = await begin((text) => renderer.say(text));
  using health = keepHealthy(target, gone, renderer);
  using _disk = watchDiskSpace(results, renderer);
  let campaign: string | undefined;
  const onInterrupt = (): void => renderer.say(interruption(campaign, options));
  interrupt.addEventListener("abort", onInterrupt, { once: true });
  let allDone = true;
  try {
    for await (const event of events) {
      const isQueued = event.type === "queued" || event.type === "joined";
      if (event.type === "expanded" || isQueued) keepHeapSmall(event.runs);
      health.heard(!["reconnecting", "unattended"].includes(event.type));
      if (options.json) stdout.write(`${printableJson(event)}\n`);
      else show(renderer, event, options);
      if (isQueued) {
        campaign = event.campaign;
        exitOnHangup();
      }
      if (isQueued && options.detached && !options.json) renderer.printDetached(event.campaign);
      if (event.type === "ended") allDone = isAllDone(event.summary);
    }
  } catch (error) {
    throw gone.signal.aborted ? gone.signal.reason : error; // the error is a consequence of the removal
  } finally {
    interrupt.removeEventListener("abort", onInterrupt);
    renderer.clear();
  }
  if (interrupt.aborted) return EXIT.interrupted;
  return allDone ? EXIT.done : EXIT.failed;
}

/** Shows an event. The id of a campaign is shown even if its progress is not. */
function show(renderer: CampaignRenderer, event: CampaignEvent, { detached }: ShowOptions): void {
  if (event.type === "queued" && !detached)
    renderer.say(
      event.runs === 0
        ? `campaign ${event.campaign}: all runs have already been collected`
        : `campaign ${event.campaign}: ${count(event.runs, "run")}`,
    );
  renderer.show(event);
}

function interruption(campaign: string | undefined, { leaves }: ShowOptions): string {
  if (leaves) return "leaving the campaign, which continues; press Ctrl-C again to exit immediately";
  if (campaign === undefined) return "stopping; nothing has been queued yet";
  return `cancelling; completed runs are being collected. Press Ctrl-C again to exit immediately, and collect them later with: runall-swarm attach ${campaign}`;
}

function isAllDone({ states, unrecorded }: CampaignSummary): boolean {
  const ended = Object.values(states).reduce<number>((sum, number) => sum + (number ?? 0), 0);
  return unrecorded === undefined && ended === (states.done ?? 0);
}

/** Without a terminal, the time between two checks whether a line is due. */
const CHECK_MS = 5000;

/** Redraws the status line regularly and when the terminal's width changes. */
function keepFresh(renderer: CampaignRenderer, stderr: NodeJS.WriteStream): Disposable {
  const resize = (): void => renderer.resize();
  const timer = setInterval(() => renderer.refresh(), stderr.isTTY ? REDRAW_MS : CHECK_MS);
  stderr.on("resize", resize);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      stderr.off("resize", resize);
    },
  };
}
