/** How a run of reconcile is shown: its words and its colour. */
import { type RunRecord, shownStatus } from '../../lib/domain/reconcile/records.ts';
import { locksTrading } from '../../lib/domain/reconcile/severity.ts';
import type { Severity } from '../../lib/domain/reconcile/types.ts';

type Ended = Pick<RunRecord, 'status' | 'code' | 'severities' | 'mode'>;

/** @param lost it began and never ended */
export function runTone(run: Ended, lost = false): 'good' | 'warn' | 'bad' | 'calm' {
  const { status } = run;
  if (lost || status === 'FAILED' || status === 'REFUSED') return 'bad';
  if (status === 'COMPLETED') return leavesLocked(run) ? 'warn' : 'good';
  return status === 'RUNNING' || status === 'SKIPPED' ? 'calm' : 'warn';
}

export function runWords(run: Ended, lost = false): string {
  if (lost) return shownStatus(run.status, lost);
  if (leavesLocked(run)) return `${run.status}, locked`;
  return run.code === '' ? run.status : `${run.status} ${run.code}`;
}

/** A run that completes opens the lock, unless it found something that locks. */
function leavesLocked({ status, severities, mode }: Ended): boolean {
  return (
    status === 'COMPLETED' &&
    (Object.entries(severities) as [Severity, number][]).some(
      ([severity, count]) => count > 0 && locksTrading(severity, mode),
    )
  );
}
