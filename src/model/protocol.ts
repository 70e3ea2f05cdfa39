/** Version of the data that client and worker exchange. Raised with every incompatible change. */
export const PROTOCOL = 8 as const;
