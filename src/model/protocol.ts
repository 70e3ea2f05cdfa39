/** Version of everything that travels between client and worker. Raised with every incompatible change. */
export const PROTOCOL = 5 as const;
