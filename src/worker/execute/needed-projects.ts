import path from "node:path";
import type { Campaign } from "../../model/campaign.ts";
import { isInside } from "../../system/paths.ts";

/** Projects that a campaign needs and that have checkouts of their own, by their places beside its own. */
export function neededBeside({ directory, dependencies = [] }: Campaign): { name: string; folder: string }[] {
  const apart = dependencies.filter(({ source }) => source !== undefined);
  return apart.map(({ name, checkoutName }) => ({
    name,
    folder: path.join(path.dirname(directory), checkoutName),
  }));
}

/** Whether the results of a campaign belong in a project that it needs: what slots share must not change. */
export function writesToNeeded(campaign: Campaign): boolean {
  const folders = neededBeside(campaign).map(({ folder }) => folder);
  return (campaign.outside ?? []).some((place) => folders.some((folder) => isInside(folder, place)));
}
