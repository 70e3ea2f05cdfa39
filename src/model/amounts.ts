/**
 * Returns a duration in readable units: `7 ms`, `0.4 s`, `12 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`. A
 * negative duration, as between the clocks of two machines, counts as 0.
 * @param duration in ms.
 */
export function formatDuration(duration: number): string {
  const ms = Math.max(0, duration);
  if (ms < 100) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const wholeSeconds = Math.round(seconds);
  if (wholeSeconds < 60) return `${wholeSeconds} s`;
  const minutes = Math.floor(wholeSeconds / 60);
  if (minutes < 60) return `${minutes} min ${pad(wholeSeconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${pad(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** Returns a number with its noun: `1 run`, `2 runs`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Returns an amount of US dollars: `$0.42`, and `less than $0.01` for an amount below one cent. */
export function dollars(amount: number): string {
  return amount > 0 && amount < 0.01 ? "less than $0.01" : `$${amount.toFixed(2)}`;
}
