import type { Instrument } from '../../lib/domain/market/instrument.ts';
import { type RunState, shownStatus } from '../../lib/domain/reconcile/records.ts';
import { readLock } from '../../lib/domain/safety/lock.ts';
import { isLost } from '../../lib/reconcile/lost-run.ts';
import { allSessionsClosed } from '../../lib/reconcile/postpone.ts';
import { attempt, type DoctorSession, type Finding, ok, problem } from './doctor-checks.ts';
import { lockWords } from './lock-words.ts';
import { readState } from './reconcile-read.ts';
import { age, plain } from './view.ts';

/** So many runs may fail to come before somebody has to look. */
const intervalsMax = 3;

/** Whether runs come and complete, and whether trading is locked, and why. */
export async function checkReconcile(session: DoctorSession): Promise<Finding[]> {
  return [
    ...(await attempt('reconcile', session, async () => [await runFinding(session)])),
    ...(await attempt('trading lock', session, async () => [await lockFinding(session)])),
  ];
}

async function runFinding(session: DoctorSession): Promise<Finding> {
  const { ports, account, config, io } = session;
  const state = await readState(ports.book, account);
  if (state === undefined || state.last.runId === '') {
    return warning(
      'reconcile',
      'nothing was reconciled yet',
      'Runs come by the clock and at the streamer’s start; make one now: reconcile.',
    );
  }
  const lost = isLost(state.last, config.reconcile, io.nowMs());
  return judge(state, lost, io.nowMs(), intervalsMax * (await everyMs(session)));
}

/** While every session is closed runs by the clock are rarer. */
async function everyMs({ ports, account, config, io }: DoctorSession): Promise<number> {
  const { everyMinutes, closedCadenceMs } = config.reconcile;
  const instruments: Instrument[] = [];
  for await (const { body } of ports.book.list(account, 'instrument'))
    instruments.push(body as unknown as Instrument);
  const openMs = everyMinutes * 60_000;
  return allSessionsClosed(instruments, io.nowMs()) ? Math.max(openMs, closedCadenceMs) : openMs;
}

function judge(
  { last, lastCompletedMs, paused }: RunState,
  lost: boolean,
  nowMs: number,
  ageMaxMs: number,
): Finding {
  const { status, code, startedAtMs, reason, severities, runId } = last;
  const words = `${shownStatus(status, lost)}${code === '' ? '' : ` ${code}`}`;
  const lastText = `the last run ${age(nowMs - startedAtMs)} ago was ${words}`;
  if (status === 'FAILED') {
    return problem(
      'reconcile',
      `${lastText}: ${plain(reason)}`,
      'See logs reconcile, mend the cause, clear SAFE_MODE, then reconcile.',
    );
  }
  if (paused !== null && nowMs < paused.untilMs) {
    return warning(
      'reconcile',
      `paused until ${new Date(paused.untilMs).toISOString()} by ${plain(paused.by)}: ${plain(paused.reason)}`,
      'It ends by itself; earlier with reconcile resume.',
    );
  }
  const isCompleted = lastCompletedMs !== null && nowMs - lastCompletedMs <= ageMaxMs;
  if (lost) {
    return {
      check: 'reconcile',
      state: isCompleted ? 'warning' : 'problem',
      message: `${lastText}: it began and never ended`,
      advice:
        'It changed nothing but its record, and the next run goes on in its place: reconcile. Where it comes again: logs reconcile.',
    };
  }
  const critical = severities.CRITICAL ?? 0;
  if (isCompleted) {
    if (critical > 0)
      return problem(
        'reconcile',
        `${lastText}, with ${critical} critical: ${plain(reason)}`,
        `See reconcile show ${runId}.`,
      );
    return ok(
      'reconcile',
      `completed ${age(nowMs - lastCompletedMs)} ago, ${last.discrepancies} ${last.discrepancies === 1 ? 'discrepancy' : 'discrepancies'}`,
    );
  }
  const completed =
    lastCompletedMs === null
      ? 'none was ever completed'
      : `none was completed for ${age(nowMs - lastCompletedMs)}`;
  const isRecent = nowMs - startedAtMs <= ageMaxMs;
  if (isRecent && (status === 'DRY_RUN' || status === 'AWAITING_DRY_RUN_CONFIRM')) {
    const advice =
      status === 'DRY_RUN'
        ? 'Review reconcile show latest; flags preset stage ends the dry run.'
        : 'A plan waits for somebody: plan show.';
    return warning('reconcile', `${lastText}, ${completed}`, advice);
  }
  return problem(
    'reconcile',
    `${lastText}, ${completed}${isRecent && reason !== '' ? `: ${plain(reason)}` : ''}`,
    isRecent
      ? `See reconcile show ${runId}, and mend what it names.`
      : 'Runs do not come: see logs reconcile and the schedule; make one now: reconcile.',
  );
}

async function lockFinding({ ports, account }: DoctorSession): Promise<Finding> {
  const [[item], lease] = await Promise.all([
    ports.book.read(account, [{ kind: 'lock', id: '' }]),
    ports.leases.read(account),
  ]);
  const lock = readLock(item?.body);
  const { isOpen, text } = lockWords(lock, lease?.token ?? 0);
  if (isOpen) return ok('trading lock', text);
  if (lock.state === 'open') {
    return warning(
      'trading lock',
      text,
      'The run at the streamer’s start opens it; make one now: reconcile.',
    );
  }
  return warning(
    'trading lock',
    text,
    'Only what closes or protects a position leaves. A reconcile that finds nothing to lock for opens it: reconcile.',
  );
}

function warning(check: string, message: string, advice: string): Finding {
  return { check, state: 'warning', message, advice };
}
