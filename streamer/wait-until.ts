/** Whatever a command's sender wrote: behind it wait others of its account, a person's cancel among them. */
const WAIT_MAX_MS = 60_000;

/** Until when a command that begins now waits for the gateway, the book or an earlier command; Unix ms, as `nowMs`. */
export function waitUntilMs(validUntil: string, nowMs: number): number {
  return Math.min(Date.parse(validUntil), nowMs + WAIT_MAX_MS);
}
