import * as v from "valibot";

/**
 * One run of a config, as the simulator expands it.
 * @see OMNeT++ Simulation Manual, "Configuring Simulations", "Parameter Studies".
 */
export const RunSchema = v.object({
  /** Section of the ini file, without the word `Config`. */
  config: v.string(),
  runNumber: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** In the simulator's order; an unnamed iteration is called `0`, `1`, … as in `$0`. */
  iterationVariables: v.record(v.string(), v.string()),
  repetition: v.pipe(v.number(), v.integer(), v.minValue(0)),
});
export type Run = v.InferOutput<typeof RunSchema>;

/** Returns a run's label for messages: `PureAlohaExperiment #12`. */
export function runLabel(run: Pick<Run, "config" | "runNumber">): string {
  return `${run.config} #${run.runNumber}`;
}

/** Returns the iteration variables as OMNeT++ prints them: `$numHosts=10, $iaMean=1, $repetition=0`. */
export function runVariables(run: Run): string {
  const variables = Object.entries(run.iterationVariables).map(([name, value]) => `$${name}=${value}`);
  return [...variables, `$repetition=${run.repetition}`].join(", ");
}
