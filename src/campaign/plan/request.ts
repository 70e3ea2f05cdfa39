import type { Environment } from "../../model/environment.ts";

/** What the user asked for. */
export interface CampaignRequest {
  /** Where it was typed, or `-C`. */
  directory: string;
  /** Commit, branch or tag; undefined for the working tree. */
  commit: string | undefined;
  program: string | undefined;
  /** Version of the OMNeT++ to use, where it is not to be the one that is here. */
  omnetpp?: string | undefined;
  /** The simulation's arguments, untouched. */
  arguments: readonly string[];
  /** Variables that are named for runs and builds, sorted by name. */
  environment?: Environment | undefined;
  /** Told what takes time on the way. */
  say?: (text: string) => void;
  /** The simulator and git have been asked, and their answers take some time. */
  onAsked?: () => void;
}
