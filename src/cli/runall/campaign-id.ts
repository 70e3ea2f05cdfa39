import { UserError } from "../../errors.ts";
import type { Campaign } from "../../model/campaign.ts";
import { nearest } from "../../model/near.ts";
import { noCampaign } from "../../queue/entries.ts";
import { formatDuration } from "../terminal/format.ts";

/** Stands for the user's newest campaign. */
const LAST = "last";

/**
 * Returns the id of the campaign that is meant: the id itself, the beginning of only one id, or `last`.
 * @param campaigns those of the swarm, newest first.
 * @param user whose newest campaign is `last`.
 * @throws {UserError} if it is ambiguous, or there is no such campaign.
 */
export function campaignId(
  typed: string,
  campaigns: readonly Campaign[],
  user: string,
  now = Date.now(),
): string {
  const exact = campaigns.find(({ id }) => id === typed);
  if (exact !== undefined) return exact.id;
  const own = campaigns.find((campaign) => campaign.user === user);
  if (typed === LAST && own !== undefined) return own.id;
  if (typed === LAST) throw new UserError("you have no campaign in this swarm", { hint: LIST });
  const matching = campaigns.filter(({ id }) => typed !== "" && id.startsWith(typed));
  const [first, ...others] = matching;
  if (first === undefined) throw unknown(typed, campaigns);
  if (others.length === 0) return first.id;
  const lines = matching.map(({ id, config, createdAt }) => {
    return `  ${id}  ${config}, queued ${formatDuration(now - createdAt)} ago`;
  });
  throw new UserError(`several campaigns begin with ${typed}:\n${lines.join("\n")}`, {
    hint: "type more characters of the id",
  });
}

const LIST = "list campaigns with: runall-swarm list";

function unknown(typed: string, campaigns: readonly Campaign[]): UserError {
  const [near] = nearest(
    typed,
    campaigns.map(({ id }) => id),
  );
  const { message } = noCampaign(typed);
  return new UserError(message, { hint: near === undefined ? LIST : `did you mean ${near}? ${LIST}` });
}
