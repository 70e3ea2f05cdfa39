import { setInterval } from "node:timers";
import { errorText, UserError } from "../errors.ts";
import type { CampaignEvent } from "../model/events.ts";
import type { Target } from "../targets/target.ts";
import { wantsColor } from "./color.ts";
import { EXIT, type CommandContext } from "./main.ts";
import { CampaignRenderer } from "./render.ts";
import { REDRAW_MS } from "./status-line.ts";

export interface ShowOptions {
  quiet: boolean;
  verbose: boolean;
  /** Events as JSON on stdout instead of text. */
  json: boolean;
  /** Nobody waits for the end: say how to come back. */
  detached?: boolean;
  /** Paths are shown relative to it. */
  directory: string;
}

/** A campaign to be shown, on a swarm that is to be kept running meanwhile. */
export interface ShownCampaign {
  target: Target;
  events: AsyncIterable<CampaignEvent>;
}

const HEALTH_INTERVAL_MS = 5000;

/**
 * Shows a campaign until it ends.
 * @param begin makes ready what is needed; what takes time is said on the way.
 * @returns the exit code.
 */
export async function showCampaign(
  options: ShowOptions,
  { stdout, stderr, interrupt }: CommandContext,
  begin: (say: (text: string) => void) => Promise<ShownCampaign>,
): Promise<number> {
  const color = { stdout: wantsColor(stdout, process.env), stderr: wantsColor(stderr, process.env) };
  const renderer = new CampaignRenderer({ ...options, stdout, stderr, color, now: Date.now });
  using _fresh = keepFresh(renderer, stderr);
  const { target, events } = await begin((text) => renderer.say(text));
  using _health = keepHealthy(target, renderer);
  const onInterrupt = (): void =>
    renderer.say("cancelling; what is done is collected. Press Ctrl-C again to leave at once");
  interrupt.addEventListener("abort", onInterrupt, { once: true });
  let failed = 0;
  try {
    for await (const event of events) {
      if (options.json) stdout.write(`${JSON.stringify(event)}\n`);
      else renderer.show(event);
      if (event.type === "queued" && options.detached && !options.json) renderer.sayDetached(event.campaign);
      if (event.type === "ended") failed = event.summary.failed.length;
    }
  } finally {
    interrupt.removeEventListener("abort", onInterrupt);
    renderer.clear();
  }
  if (interrupt.aborted) return EXIT.interrupted;
  return failed > 0 ? EXIT.failed : EXIT.done;
}

/** Progress goes on also where no event comes, and the terminal may change its width. */
function keepFresh(renderer: CampaignRenderer, stderr: NodeJS.WriteStream): Disposable {
  if (!stderr.isTTY) return { [Symbol.dispose]: () => undefined };
  const resize = (): void => renderer.resize();
  const timer = setInterval(() => renderer.refresh(), REDRAW_MS);
  stderr.on("resize", resize);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      stderr.off("resize", resize);
    },
  };
}

/** A process of the swarm that dies is started again: nobody else would do it while we wait. */
function keepHealthy(target: Target, renderer: CampaignRenderer): Disposable {
  let checking = false;
  let told: string | undefined;
  const check = async (): Promise<void> => {
    if (checking) return;
    checking = true;
    try {
      for (const text of await target.repair()) renderer.warn(text);
      told = undefined;
    } catch (error) {
      const text = withHint(error);
      if (text !== told) renderer.warn(text);
      told = text;
    } finally {
      checking = false;
    }
  };
  const timer = setInterval(() => void check(), HEALTH_INTERVAL_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function withHint(error: unknown): string {
  const hint = error instanceof UserError ? error.hint : undefined;
  return hint === undefined ? errorText(error) : `${errorText(error)}; ${hint}`;
}
