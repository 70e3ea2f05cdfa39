/** How long to wait for a manager that starts: it installs Docker. */
export const START_TIMEOUT_MS = 15 * 60_000;
/** How long where it should be there already. */
export const CONNECT_TIMEOUT_MS = 60_000;
