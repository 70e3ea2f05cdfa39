import type { CampaignEvent } from "../../model/events.ts";
import { OUTPUT_OPTIONS } from "../../omnetpp/output-options.ts";

/** A string that contains an absolute path, as in the value of a parameter. */
const ABSOLUTE = /"\/[^"/][^"]*"/;

/**
 * Warns of parameters with absolute paths, for a swarm on other machines: files
 * that runs read there do not exist, and files that they write there are not
 * collected. Output options are not parameters, and their paths are mapped.
 * @param configuration of one run.
 */
export function* warnOfAbsoluteParameters(
  configuration: ReadonlyMap<string, string>,
): Generator<CampaignEvent> {
  const isOutput = (key: string): boolean => OUTPUT_OPTIONS.some((option) => key.endsWith(option));
  const details = [...configuration].flatMap(([key, value]) =>
    key.includes(".") && !isOutput(key) && ABSOLUTE.test(value) ? [`${key} = ${value}`] : [],
  );
  if (details.length === 0) return;
  const message =
    "parameters have absolute paths: the machines of this swarm do not see this machine's files, and files written there are not collected";
  yield { type: "warning", message, details };
}
