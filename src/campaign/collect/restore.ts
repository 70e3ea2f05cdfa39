import { errorText } from "../../errors.ts";
import type { CampaignEvent } from "../../model/events.ts";

/** Provides the sources and builds of a campaign again; the events are the same as before. */
export type Restore = () => AsyncIterator<CampaignEvent, unknown>;

/** Minimum time between two attempts: runs report one after the other that something is missing. */
const PAUSE_MS = 5000;

/** Sends what the swarm has lost, while a campaign is followed. */
export class Restorer {
  readonly #restore: Restore | undefined;
  #running: Promise<void> | undefined;
  #endedAt = -Infinity;
  #events: CampaignEvent[] = [];

  constructor(restore: Restore | undefined) {
    this.#restore = restore;
  }

  /** Starts to send what is missing, unless this is in progress or was just done. */
  begin(): void {
    if (this.#restore === undefined || this.#running !== undefined) return;
    if (performance.now() - this.#endedAt < PAUSE_MS) return;
    this.#running = this.#send(this.#restore).finally(() => {
      this.#running = undefined;
      this.#endedAt = performance.now();
    });
  }

  /** Returns the events since the last call. */
  takeEvents(): CampaignEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Waits until nothing is being sent. */
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
