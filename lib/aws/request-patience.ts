/**
 * How long a request may take before it is given up and tried again by the SDK. Without `throwOnRequestTimeout` the SDK
 * only warns and waits on; without any of these a call that never comes back holds its place until the process ends.
 */
export const requestPatience = {
  connectionTimeout: 3_000,
  requestTimeout: 6_000,
  /** Between two pieces of an answer that has begun: `requestTimeout` ends with its first line. */
  socketTimeout: 60_000,
  throwOnRequestTimeout: true,
} as const;

/** The same for whoever carries events out: the bus and the book's queue may take longer over a batch. */
export const publishPatience = { ...requestPatience, requestTimeout: 10_000 } as const;
