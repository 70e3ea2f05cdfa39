/** How long to wait for a manager that is starting, which includes installing Docker. */
export const START_TIMEOUT_MS = 15 * 60_000;
/** How long to wait for a manager that should be running already. */
export const CONNECT_TIMEOUT_MS = 60_000;
/** Intervals for querying AWS: the first one, and the longest one to which they grow. */
export const AWS_PACE = { everyMs: 2000, growth: 1.25, slowestMs: 10_000 };
