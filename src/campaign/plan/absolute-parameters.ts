import type { CampaignEvent } from "../../model/events.ts";
import { OUTPUT_OPTIONS } from "../../omnetpp/output-options.ts";

/** A string with an absolute path in it, as the value of a parameter has it. */
const ABSOLUTE = /"\/[^"/][^"]*"/;

/**
 * Warns of parameters with absolute paths, for machines that have other disks: what runs read there is not there, and
 * what they write there is not collected. Output options are no parameters: those are mapped.
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
