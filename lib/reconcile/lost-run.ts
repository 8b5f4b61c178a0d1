/** How long a run holds the run lock, and which runs were cut off: begun, never ended, and their lock is over. */
import type { RunRecord } from '../domain/reconcile/records.ts';

/** For everything of a run but the wait for its snapshot. */
const workMs = 120_000;

/** A run that has not ended by then is taken over: the wait for its snapshot, and as much for all the rest. */
export function runLockMs({ snapshotTimeoutMs }: { readonly snapshotTimeoutMs: number }): number {
  return snapshotTimeoutMs + workMs;
}

/** Nobody is at work on it any more: the function was cut off before it could say how the run ended. */
export function isLost(
  { status, startedAtMs }: Pick<RunRecord, 'status' | 'startedAtMs'>,
  settings: { readonly snapshotTimeoutMs: number },
  nowMs: number,
): boolean {
  return status === 'RUNNING' && nowMs >= startedAtMs + runLockMs(settings);
}
