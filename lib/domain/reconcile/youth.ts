/** Whether the book may be ahead of the snapshot: what was told while the broker was being asked is no difference. */
import type { Stamp } from '../orders/stamp.ts';
import type { ReconcileContext } from './context.ts';
import type { Versioned } from './types.ts';

/** Runs in which something must differ that was told in this epoch, and nobody knows when. */
export const differingRuns = 2;

/** It is known to have changed within the quiet period, or after the snapshot. */
export function isRecent(
  stored: Versioned<unknown> | undefined,
  { quietSinceMs }: ReconcileContext,
): boolean {
  return stored?.changedAtMs !== undefined && stored.changedAtMs > quietSinceMs;
}

/** Told in this epoch, and nobody knows when. What an earlier epoch told is older than the snapshot. */
export function isYoung(
  stored: Versioned<{ readonly stamp: Stamp }> | undefined,
  { broker }: ReconcileContext,
): boolean {
  return stored !== undefined && stored.changedAtMs === undefined && stored.body.stamp.epoch >= broker.epoch;
}
