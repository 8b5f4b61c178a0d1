import type { PlanRecord, RunState } from '../../lib/domain/reconcile/records.ts';
import { planRef, readPlanRecord } from '../../lib/domain/reconcile/records.ts';
import type { BookReader } from '../../lib/ports/book.ts';
import { isLost } from '../../lib/reconcile/lost-run.ts';
import { planLine } from './plan-words.ts';
import { readState } from './reconcile-read.ts';
import { paintStatus } from './reconcile-show.ts';
import { age, plain, time, type View } from './view.ts';

/** What an account's runs come to, and the plan that waits. */
export interface ReconcileStatus {
  readonly state: RunState | null;
  readonly plan: PlanRecord | null;
  /** The last run began and never ended, and nobody is at work on it any more. */
  readonly lost: boolean;
}

export async function readReconcile(
  book: Pick<BookReader, 'read'>,
  account: string,
  { settings, nowMs }: { readonly settings: { readonly snapshotTimeoutMs: number }; readonly nowMs: number },
): Promise<ReconcileStatus> {
  const state = await readState(book, account);
  const hash = state?.planHash ?? '';
  const [plan] = hash === '' ? [] : await book.read(account, [planRef(hash)]);
  const lost = state !== undefined && isLost(state.last, settings, nowMs);
  return { state: state ?? null, plan: readPlanRecord(plan?.body) ?? null, lost };
}

export function reconcileLines(
  { state, plan, lost }: ReconcileStatus,
  nowMs: number,
  view: View,
): (readonly [string, string])[] {
  const { colours } = view;
  if (state === null || state.last.runId === '') return [['reconcile', colours.yellow('not yet')]];
  const { status, code, startedAtMs, discrepancies, severities, verdict } = state.last;
  const found =
    verdict === null
      ? ''
      : `, ${discrepancies} ${discrepancies === 1 ? 'discrepancy' : 'discrepancies'} (${severities.CRITICAL ?? 0} critical)`;
  const lines: (readonly [string, string])[] = [
    [
      'reconcile',
      `${paintStatus(status, view, lost)}${code === '' ? '' : ` ${code}`} ${age(nowMs - startedAtMs)} ago${found}${lost ? ', it never ended (reconcile makes another)' : ''}`,
    ],
  ];
  const { paused } = state;
  if (paused !== null && nowMs < paused.untilMs) {
    lines.push([
      'paused',
      colours.yellow(`until ${time(view, paused.untilMs)} by ${plain(paused.by)}: ${plain(paused.reason)}`),
    ]);
  }
  if (plan !== null) lines.push(['plan', planLine(plan, view, nowMs)]);
  return lines;
}
