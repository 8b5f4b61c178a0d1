/**
 * A run of reconcile: one at a time for each account, from the question to the broker to the plan that lies ready. It
 * changes nothing but its own record, the lock, and which plan stands; whatever fails leaves SAFE_MODE and a lock.
 */
import type { Instrument } from '../domain/market/instrument.ts';
import { outcomeOf } from '../domain/reconcile/outcome.ts';
import type { PlanRecord, RunAnswer, RunRecord } from '../domain/reconcile/records.ts';
import { concludeRun } from './conclude-run.ts';
import { codeOf, failRun, isFenced, leaveRun } from './fail-run.ts';
import { judgeRun } from './judge-run.ts';
import { runLockMs } from './lost-run.ts';
import { allSessionsClosed, postponement } from './postpone.ts';
import { wordsOf } from './reconcile-error.ts';
import { parseRequest } from './request.ts';
import { isToBeResumed } from './resume.ts';
import { answerOf, type EndedRun } from './run-answer.ts';
import { RunContext, type RunOptions } from './run-context.ts';
import { readStanding, type Standing } from './state.ts';

export type { RunOptions } from './run-context.ts';

/**
 * One run. A failure of the run is an answer with the status FAILED.
 *
 * @param request the payload, or an event of the bus
 * @throws ReconcileError for a request that is none; nothing is changed then
 */
export async function runReconcile(request: unknown, options: RunOptions): Promise<RunAnswer> {
  const run = new RunContext(parseRequest(request, options.streamers), options);
  const answer = answerOf(run.account, await guarded(run));
  const { run_id, account, status, code, reason, summary, duration_ms } = answer;
  const fields = { run_id, account, status, code, reason, summary, duration_ms };
  if (status === 'FAILED') options.log.error('failed', fields);
  else options.log.info('ended', fields);
  return answer;
}

async function guarded(run: RunContext): Promise<EndedRun> {
  try {
    return await locked(run);
  } catch (error) {
    if (isFenced(error)) return leaveRun(run, 'SKIPPED', 'FENCED', wordsOf(error));
    // Everything of the book waits for the restore; nothing of this run was written.
    if (codeOf(error) === 'BOOK_RESTORING')
      return leaveRun(run, 'POSTPONED', 'BOOK_RESTORING', wordsOf(error));
    return failRun(run, error);
  }
}

async function locked(run: RunContext): Promise<EndedRun> {
  const { account, runId, startedMs } = run;
  const { runLocks, settings, nowMs, log } = run.options;
  const untilMs = startedMs + runLockMs(settings);
  const taken = await runLocks.take(account, { runId, nowMs: nowMs(), untilMs });
  if (!taken.taken) {
    const { heldBy } = taken;
    const why = `${heldBy.runId} is under way, at most until ${iso(heldBy.untilMs)}`;
    return leaveRun(run, 'SKIPPED', 'BUSY', why);
  }
  run.token = taken.token;
  try {
    return await decide(run);
  } finally {
    try {
      await runLocks.release(account, taken.token);
    } catch (error) {
      // It expires by itself.
      log.warn('the run lock was not given back', { error: wordsOf(error) });
    }
  }
}

async function decide(run: RunContext): Promise<EndedRun> {
  const { book, settings, nowMs } = run.options;
  const standing = await readStanding(book, run.account);
  const postponed = postponement(run.request.trigger, standing, settings, nowMs());
  if (postponed !== undefined) {
    const { status, code, reason } = outcomeOf({ kind: 'postponed', ...postponed });
    return postpone(run, { ...run.record(), status, code, reason });
  }
  if (await isTooSoon(run, standing)) {
    const why = 'every session is closed, and the last run was not long ago';
    return leaveRun(run, 'SKIPPED', 'SESSIONS_CLOSED', why);
  }
  await begin(run, standing);
  return concludeRun(run, await judgeRun(run, standing));
}

/** By the clock, while nothing trades, once in a longer while is enough; but an approved plan is to be gone on with. */
async function isTooSoon(run: RunContext, { state, plan, flags }: Standing): Promise<boolean> {
  const { book, settings, nowMs } = run.options;
  if (run.request.trigger !== 'schedule' || state?.lastJudgedMs == null) return false;
  if (nowMs() - state.lastJudgedMs >= settings.closedCadenceMs) return false;
  if (plan !== undefined && isToBeResumed(plan, flags, nowMs())) return false;
  const instruments: Instrument[] = [];
  for await (const { body } of book.list(run.account, 'instrument'))
    instruments.push(body as unknown as Instrument);
  return allSessionsClosed(instruments, nowMs());
}

async function postpone(run: RunContext, record: RunRecord): Promise<EndedRun> {
  const ended = { ...record, endedAtMs: run.options.nowMs() };
  let plan: PlanRecord | undefined;
  const { lock } = await run.change(`reconcile ${ended.status}`, (standing) => {
    plan = standing.plan;
    return { state: run.stateWith(standing, ended) };
  });
  const notices = run.notices().completed(ended, lock, plan?.hash ?? '', 0);
  // A plan that is half carried out is gone on with in any case. One that has not begun waits with the runs.
  if (plan?.state === 'applying') notices.approved(plan);
  await run.publish(notices);
  return { record: ended, lock, plan };
}

async function begin(run: RunContext, { state }: Standing): Promise<void> {
  if (state?.last.status === 'RUNNING') {
    const { runId, startedAtMs } = state.last;
    const message = `The run ${runId} began at ${iso(startedAtMs)} and never ended; it changed nothing but its record. This run goes on in its place. Look at the log of the function if it comes again.`;
    await run.publish(run.notices().alert('reconcile_failed', 'HIGH', runId, message));
  }
  await run.change('reconcile RUNNING', (standing) => ({ state: run.stateWith(standing, run.record()) }));
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
