/** The values of two tickGeneric messages around what is measured, for a request that no client has made. */
export const BEGIN = 1;
export const END = 2;
export const MARKER_REQ_ID = 2_000_000_000;
