/** Whatever a command's sender wrote: behind it wait others of its account, a person's cancel among them. */
const WAIT_MAX_MS = 60_000;

/** How long a command that begins now waits for the gateway, the book or an earlier command. */
export function waitingMs(validUntil: string, systemMs: number): number {
  return Math.min(Date.parse(validUntil) - systemMs, WAIT_MAX_MS);
}
