/** How long to wait for a manager that is starting, which includes installing Docker. */
export const START_TIMEOUT_MS = 15 * 60_000;
/** How long to wait for a manager that should be running already. */
export const CONNECT_TIMEOUT_MS = 60_000;
/** Intervals for querying AWS: the first one, and the longest one to which they grow. */
export const FIRST_POLL_MS = 2000;
export const SLOWEST_POLL_MS = 10_000;
