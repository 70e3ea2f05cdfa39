import { bootScript, VALUES } from "../template.ts";

/** When the watchdogs of the boot scripts end machines, in minutes. */
export interface Watchdogs {
  /** The manager's: since there was work, or nobody knew. */
  idle: number;
  /** The manager's: since its boot. */
  life: number;
  /** A worker's: since it could reach a manager. */
  worker: number;
  /** How old the dashboard's mark may be. */
  mark: number;
}

/** Reads the limits from the boot scripts, as they are with the values of parameters. */
export async function watchdogLimits(idleMinutes: number, maxHours: number): Promise<Watchdogs> {
  const values = { ...VALUES, IdleMinutes: String(idleMinutes), MaxHours: String(maxHours) };
  const [manager, worker] = await Promise.all([bootScript("Manager", values), bootScript("Worker", values)]);
  return {
    idle: limit(manager, /find "\$WORKED" -mmin \+\$\(\((.*?)\)\)/),
    life: limit(manager, /find "\$BOOTED" -mmin \+\$\(\((.*?)\)\)/),
    worker: limit(worker, /find "\$SEEN" -mmin \+(\d+)/),
    mark: limit(manager, /find "\$MARK" -mmin -(\d+)/),
  };
}

/** Returns the value of a sum of products, such as `24 * 60 + 60`. */
function limit(script: string, pattern: RegExp): number {
  const expression = pattern.exec(script)?.[1];
  if (expression === undefined) throw new Error(`the boot script has no limit ${pattern.source}`);
  const product = (term: string): number => term.split("*").reduce((all, factor) => all * Number(factor), 1);
  return expression.split("+").reduce((all, term) => all + product(term), 0);
}
