import type { PlanRecord } from '../../lib/domain/reconcile/records.ts';
import type { PlanAction } from '../../lib/domain/reconcile/types.ts';
import type { Page } from './page.ts';
import type { PlanRead } from './plan-read.ts';
import { kindWords } from './plan-show.ts';
import { count, plain, time } from './view.ts';

export interface PlanDiff {
  readonly plan: string;
  readonly before: string;
  readonly added: readonly PlanAction[];
  readonly removed: readonly PlanAction[];
  readonly changed: readonly { readonly before: PlanAction; readonly after: PlanAction }[];
  readonly same: number;
  readonly ambiguous: { readonly before: number; readonly after: number };
}

/** What one plan does that the other does not; the same action has the same id in both. */
export function diffPlans(before: PlanRead, after: PlanRead): PlanDiff {
  const former = new Map(before.plan.actions.map((action) => [action.id, action]));
  const latter = new Map(after.plan.actions.map((action) => [action.id, action]));
  const both = [...latter.values()].flatMap((action) => {
    const other = former.get(action.id);
    return other === undefined ? [] : [{ before: other, after: action }];
  });
  const changed = both.filter((pair) => JSON.stringify(pair.before) !== JSON.stringify(pair.after));
  return {
    plan: after.record.hash,
    before: before.record.hash,
    added: [...latter.values()].filter(({ id }) => !former.has(id)),
    removed: [...former.values()].filter(({ id }) => !latter.has(id)),
    changed,
    same: both.length - changed.length,
    ambiguous: { before: before.plan.ambiguous.length, after: after.plan.ambiguous.length },
  };
}

export function showDiff(diff: PlanDiff, before: PlanRecord, after: PlanRecord, { view }: Page): string {
  const { colours } = view;
  const head = (sign: string, { hash, state, createdAtMs }: PlanRecord) =>
    `${sign} plan ${hash.slice(0, 12)}, ${state}, made ${time(view, createdAtMs)}`;
  const line = (sign: string, { kind, subject, summary }: PlanAction) =>
    `${sign} ${kindWords[kind]} ${plain(subject)}: ${plain(summary)}`;
  const lines = [colours.red(head('-', before)), colours.green(head('+', after)), ''];
  for (const action of diff.removed) lines.push(colours.red(line('-', action)));
  for (const action of diff.added) lines.push(colours.green(line('+', action)));
  for (const pair of diff.changed) {
    lines.push(colours.red(line('-', pair.before)), colours.green(line('+', pair.after)));
    if (pair.before.summary === pair.after.summary)
      lines.push(colours.dim('  the same in words; versions or fields differ'));
  }
  if (diff.added.length + diff.removed.length + diff.changed.length === 0) lines.push('Both do the same.');
  lines.push(colours.dim(`${count(diff.same, 'action')} the same in both`));
  if (diff.ambiguous.before !== diff.ambiguous.after) {
    lines.push(`ambiguous: ${diff.ambiguous.before} before, ${diff.ambiguous.after} now`);
  }
  return lines.join('\n');
}
