/** Version of everything that travels between client and worker. Raised with every incompatible change. */
export const PROTOCOL = 7 as const;
