/**
 * The fencing token of a restored account must not fall behind the epochs that its book speaks of: what a streamer says
 * under a lower one would count as older than what is there.
 */
import type { Lease, LeaseStore } from '../ports/lease-store.ts';
import { RestoreError } from './restore-error.ts';

const attemptsMax = 10;

/** @returns the token before and after; null where it was high enough */
export async function raiseLease(
  account: string,
  epoch: number,
  leases: LeaseStore,
  nowMs: number,
): Promise<{ readonly before: number | null; readonly after: number } | null> {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const stored = await leases.read(account);
    if (epoch === 0 || (stored !== undefined && stored.token >= epoch)) return null;
    const next: Lease = {
      holder: stored?.holder ?? 'restore',
      token: epoch,
      version: (stored?.version ?? 0) + 1,
      renewedAtMs: nowMs,
      // Whoever held it held a token that is too low: its next renewal fails, and it takes the lease anew.
      released: true,
    };
    if (await leases.replace(account, stored, next)) return { before: stored?.token ?? null, after: epoch };
  }
  throw new RestoreError('RESTORE_CONTENDED', `The lease of account ${account} moved ${attemptsMax} times.`);
}
