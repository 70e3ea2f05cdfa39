/** Version of the data that client and worker exchange. Raised with every incompatible change. */
export const PROTOCOL = 9 as const;
