import type { Redis } from "ioredis";
import { runJobId } from "../model/campaign.ts";
import { FIELD, jobKey, luaPriorityOf, queueKey } from "./bull-layout.ts";
import { parkedKey, RUN_QUEUE } from "./names.ts";

/**
 * Lua script: gives the waiting jobs of a campaign, in the order of the numbers in ARGV, their scores in ascending order.
 * The scores as such stay, and so do the turns of other campaigns.
 */
const REORDER = `
local prioritized, parked = unpack(KEYS)
local ids, jobs = ARGV[1], ARGV[2]
local function reorder(set, memberOf)
  local members, scores = {}, {}
  for at = 3, #ARGV do
    local member = memberOf(ARGV[at])
    local score = redis.call('ZSCORE', set, member)
    if score then
      members[#members + 1] = { name = member, number = ARGV[at], score = score }
      scores[#scores + 1] = score
    end
  end
  table.sort(scores, function(a, b) return tonumber(a) < tonumber(b) end)
  local changed = {}
  for at, member in ipairs(members) do
    if member.score ~= scores[at] then
      redis.call('ZADD', set, scores[at], member.name)
      changed[#changed + 1] = { number = member.number, score = scores[at] }
    end
  end
  return changed
end
for _, job in ipairs(reorder(prioritized, function(number) return ids .. number end)) do
  redis.call('HSET', jobs .. job.number, '${FIELD.priority}', ${luaPriorityOf("tonumber(job.score)")})
end
reorder(parked, function(number) return number end)`;

/** Changes the order in which workers take the waiting runs of a campaign. Runs that do not wait any more are ignored. */
export async function reorderRuns(
  redis: Redis,
  campaign: string,
  runNumbers: readonly number[],
): Promise<void> {
  const ids = runJobId(campaign, 0).slice(0, -1);
  const sets = [queueKey(RUN_QUEUE, "prioritized"), parkedKey(campaign)];
  await redis.eval(REORDER, sets.length, ...sets, ids, jobKey(RUN_QUEUE, ids), ...runNumbers);
}
