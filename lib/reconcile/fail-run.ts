/** The end of a run that failed, and of one that had nothing to say. */
import { outcomeOf } from '../domain/reconcile/outcome.ts';
import type { PlanRecord, RunRecord } from '../domain/reconcile/records.ts';
import { firstLock, type ReconcileLock } from '../domain/safety/lock.ts';
import { lockOf } from './conclude.ts';
import { ReconcileError, wordsOf } from './reconcile-error.ts';
import type { EndedRun } from './run-answer.ts';
import type { RunContext } from './run-context.ts';
import { readStanding } from './state.ts';

/** SAFE_MODE and the lock in one transaction with the record; the alert goes out even where the book does not answer. */
export async function failRun(run: RunContext, error: unknown): Promise<EndedRun> {
  const why = wordsOf(error);
  const { status, code, reason, lock: state } = outcomeOf({ kind: 'failed', why });
  const record: RunRecord = {
    ...run.record(),
    status,
    code: codeOf(error) || code,
    reason,
    epoch: run.epoch,
    endedAtMs: run.options.nowMs(),
  };
  let lock: ReconcileLock = { ...firstLock, reason, runId: run.runId };
  let plan: PlanRecord | undefined;
  let unwritten = '';
  try {
    const changed = await run.change('reconcile FAILED', (standing) => {
      plan = standing.plan;
      const wish = lockOf({ lock: state, reason }, record, standing.lock);
      return {
        state: run.stateWith(standing, record),
        flags: { flags: { ...standing.flags.flags, SAFE_MODE: true }, reason },
        ...(wish === undefined ? {} : { lock: wish }),
      };
    });
    lock = changed.lock;
  } catch (second) {
    if (isFenced(second)) return leaveRun(run, 'SKIPPED', 'FENCED', wordsOf(second));
    unwritten = ` SAFE_MODE and the lock could not be written (${wordsOf(second)}): set them by hand as soon as the book answers.`;
    run.options.log.error('the failure could not be written', { error: wordsOf(second) });
  }
  const message = `${why}${/[.!?]$/.test(why) ? '' : '.'} Nothing was compared to its end; SAFE_MODE is on and trading is locked.${unwritten} Review the log of the function, mend the cause, clear SAFE_MODE and run reconcile again.`;
  const notices = run.notices().alert('reconcile_failed', 'HIGH', run.runId, message);
  await run.publish(notices.completed(record, lock, plan?.hash ?? '', 0));
  return { record: { ...record, reason: `${reason}${unwritten}` }, lock, plan };
}

/** Nothing is written: another run has the word, there is nothing to do, or the book waits for something else. */
export async function leaveRun(
  run: RunContext,
  status: 'SKIPPED' | 'POSTPONED',
  code: string,
  reason: string,
): Promise<EndedRun> {
  const record = { ...run.record(), status, code, reason, endedAtMs: run.options.nowMs() };
  try {
    const { lock, plan } = await readStanding(run.options.book, run.account);
    const { state, token, runId } = lock;
    return { record, lock: { state, reason: lock.reason, token, runId }, plan };
  } catch {
    return { record, lock: { ...firstLock, reason: 'the book does not answer' } };
  }
}

/** A later run has taken over: its word stands. */
export function isFenced(error: unknown): boolean {
  return error instanceof ReconcileError && error.code === 'RUN_FENCED';
}

export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}
