import type { Environment } from "../../model/environment.ts";

/** What the user requested. */
export interface CampaignRequest {
  /** Folder in which the command was typed, or that of `-C`. */
  directory: string;
  /** Commit, branch or tag; undefined for the working tree. */
  commit: string | undefined;
  program: string | undefined;
  /** Version of OMNeT++ to use, if not the one on this machine. */
  omnetpp?: string | undefined;
  /** The simulation's arguments, unchanged. */
  arguments: readonly string[];
  /** Variables for runs and builds that the user named with `--env`, sorted by name. */
  environment?: Environment | undefined;
  /** Reports steps that take time. */
  say?: (text: string) => void;
  /** Called when the simulator and git are running, while their answers are awaited. */
  onAsked?: () => void;
}
