import type { QueueClient } from "../../queue/client.ts";
import type { ResultStore } from "../../stores/store.ts";

/** The connections of a command that follows or collects campaigns. */
export interface CampaignSession {
  queue: QueueClient;
  store: ResultStore;
  /** Aborted when the user interrupts the command. */
  interrupt: AbortSignal;
}
