/** The oldest version of Redis that BullMQ recommends. @see BullMQ guide, "Redis compatibility" */
export const OLDEST_REDIS = [6, 2] as const;
