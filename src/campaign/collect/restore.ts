import { errorText } from "../../errors.ts";
import type { CampaignEvent } from "../../model/events.ts";

/** Sees to it that the swarm has the sources and builds of a campaign; its events are those of the first time. */
export type Restore = () => AsyncIterator<CampaignEvent, unknown>;

/** Runs tell one after the other that something is lacking. */
const PAUSE_MS = 5000;

/** Sends what the swarm has lost while a campaign is followed, beside the collecting of its results. */
export class Restoring {
  readonly #restore: Restore | undefined;
  #running: Promise<void> | undefined;
  #endedAt = -Infinity;
  #events: CampaignEvent[] = [];

  constructor(restore: Restore | undefined) {
    this.#restore = restore;
  }

  /** Something is lacking. */
  begin(): void {
    if (this.#restore === undefined || this.#running !== undefined) return;
    if (performance.now() - this.#endedAt < PAUSE_MS) return;
    this.#running = this.#send(this.#restore).finally(() => {
      this.#running = undefined;
      this.#endedAt = performance.now();
    });
  }

  /** What has come up since it was last asked. */
  takeEvents(): CampaignEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  async done(): Promise<void> {
    await this.#running;
  }

  async #send(restore: Restore): Promise<void> {
    try {
      const events = restore();
      for (let next = await events.next(); next.done !== true; next = await events.next())
        if (next.value.type === "sent" || next.value.type === "building") this.#events.push(next.value);
    } catch (error) {
      const message = `cannot resend what the swarm has lost: ${errorText(error)}`;
      this.#events.push({ type: "warning", message, details: [] });
    }
  }
}
