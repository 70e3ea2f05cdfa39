/** How long to wait for a manager that starts: it installs Docker. */
export const START_TIMEOUT_MS = 15 * 60_000;
/** How long where it should be there already. */
export const CONNECT_TIMEOUT_MS = 60_000;
/** AWS is asked no more often than that, and ever more seldom. */
export const AWS_PACE = { everyMs: 2000, growth: 1.25, slowestMs: 10_000 };
