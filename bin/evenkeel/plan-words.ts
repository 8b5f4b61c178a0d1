import { isOver, type PlanRecord, type PlanState } from '../../lib/domain/reconcile/records.ts';
import { age, count, plain, time, type View } from './view.ts';

export function paintState(state: PlanState, { colours }: View): string {
  if (state === 'applied') return colours.green(state);
  if (state === 'refused' || state === 'rejected') return colours.red(state);
  return state === 'superseded' ? colours.dim(state) : colours.yellow(state);
}

/** `3 actions: 2 inserts, 1 update` */
export function actionsText({ actions, inserts, updates, deletes, cancels }: PlanRecord): string {
  const kinds = [
    [inserts, 'insert'],
    [updates, 'update'],
    [deletes, 'delete'],
    [cancels, 'cancel'],
  ] as const;
  const parts = kinds.flatMap(([number, noun]) => (number === 0 ? [] : [count(number, noun)]));
  return parts.length === 0 ? 'no action' : `${count(actions, 'action')}: ${parts.join(', ')}`;
}

/** How long it may still be approved; `''` where nobody will. */
export function validText(record: PlanRecord, view: View, nowMs: number): string {
  if (isOver(record)) return '';
  const { expiresAtMs } = record;
  const until = time(view, expiresAtMs);
  return nowMs < expiresAtMs
    ? `until ${until}, ${age(expiresAtMs - nowMs)} left`
    : view.colours.red(`expired at ${until}`);
}

/** A plan in one line. */
export function planLine(record: PlanRecord, view: View, nowMs: number): string {
  const { hash, state, refusedCode, done, actions } = record;
  const words = [paintState(state, view)];
  if (refusedCode !== '') words.push(view.colours.red(plain(refusedCode)));
  if (state === 'applying') words.push(`${done} of ${actions} done`);
  const valid = validText(record, view, nowMs);
  return [
    `${hash.slice(0, 12)} ${words.join(' ')}`,
    actionsText(record),
    ...(valid === '' ? [] : [valid]),
  ].join(', ');
}
