import path from "node:path";
import type { Campaign } from "../../model/campaign.ts";
import { isInside } from "../../system/paths.ts";

/**
 * Returns the needed projects of a campaign that have their own checkouts, with their folders beside the
 * campaign's.
 */
export function neededBeside({ directory, dependencies = [] }: Campaign): { name: string; folder: string }[] {
  const apart = dependencies.filter(({ source }) => source !== undefined);
  return apart.map(({ name, checkoutName }) => ({
    name,
    folder: path.join(path.dirname(directory), checkoutName),
  }));
}

/** Returns whether a campaign writes results into a needed project. Its slots must not share that project then. */
export function writesToNeeded(campaign: Campaign): boolean {
  const folders = neededBeside(campaign).map(({ folder }) => folder);
  return (campaign.outside ?? []).some((place) => folders.some((folder) => isInside(folder, place)));
}
