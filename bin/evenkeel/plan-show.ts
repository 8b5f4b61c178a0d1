import { refText } from '../../lib/domain/book/seen.ts';
import type { PlanRecord } from '../../lib/domain/reconcile/records.ts';
import type { Discrepancy, PlanAction } from '../../lib/domain/reconcile/types.ts';
import type { FlagsReading } from '../../lib/domain/safety/flags.ts';
import { type Page, wrapped } from './page.ts';
import type { PlanRead } from './plan-read.ts';
import { planSteps } from './plan-steps.ts';
import { actionsText, paintState, validText } from './plan-words.ts';
import { paintSeverity, showMatch } from './reconcile-show.ts';
import { age, facts, plain, table, time, type View } from './view.ts';

const indent = '     ';
const itemsShown = 6;

export const kindWords = {
  to_insert: 'insert',
  to_update: 'update',
  to_delete: 'delete',
  cancel: 'cancel',
} as const;

/** What a reviewer reads: what changes and why, on what it rests, how long it holds, who has said yes, and what to do next. */
export function showPlan(read: PlanRead, flags: FlagsReading, page: Page): string {
  const steps = planSteps(read.record, flags, page.nowMs);
  const next = steps.map((step, at) => `${at === 0 ? page.view.colours.bold('next  ') : '      '}${step}`);
  return [showReview(read, page), ...(next.length === 0 ? [] : ['', ...next])].join('\n');
}

/** The same without what to do next, for whoever is being asked just that. */
export function showReview({ record, plan, discrepancies }: PlanRead, page: Page): string {
  const { view } = page;
  const { colours } = view;
  const lines = [`${colours.bold('Plan')} ${record.hash}`, planFacts(record, page)];
  plan.actions.forEach((action, at) => {
    lines.push('', ...showAction(action, at, record.done, discrepancies ?? [], page));
  });
  if (plan.ambiguous.length > 0) {
    lines.push(
      '',
      colours.bold('Ambiguous: nothing is done about any of them'),
      ...plan.ambiguous.flatMap((match) => showMatch(match, page)),
    );
  }
  if (plan.rests.length > 0) {
    const items = plan.rests.map(({ ref, expectedVersion }) => itemText(refText(ref), expectedVersion));
    lines.push(
      '',
      ...wrapped(`It also rests on ${shortList(items)}, which it does not change.`, page.columns, ''),
    );
  }
  if (discrepancies === null) {
    lines.push('', colours.yellow('What the run found cannot be read any more: the evidence is not shown.'));
  }
  return lines.join('\n');
}

function planFacts(record: PlanRecord, { view, nowMs }: Page): string {
  const { state, approval, done, actions, backupId, refusedCode, refusedReason, madeFrom, replacedBy } =
    record;
  const valid = validText(record, view, nowMs);
  const progress =
    state === 'applying' || (state === 'refused' && done > 0) ? `, ${done} of ${actions} done` : '';
  const pairs: (readonly [string, string])[] = [
    ['state', `${paintState(state, view)}${refusedCode === '' ? '' : ` ${plain(refusedCode)}`}${progress}`],
    ['changes', actionsText(record)],
    ['made', `${time(view, record.createdAtMs)} (${age(nowMs - record.createdAtMs)} ago) by ${record.runId}`],
  ];
  if (valid !== '') pairs.push(['valid', valid]);
  pairs.push(['approved', approvalText(record, view)]);
  if (approval !== null && approval.reason !== '') pairs.push(['reason', plain(approval.reason)]);
  if (refusedReason !== '') pairs.push(['why', plain(refusedReason)]);
  if (backupId !== '') pairs.push(['backup', `${backupId}, made before the first action`]);
  if (madeFrom !== '') pairs.push(['made from', `${madeFrom.slice(0, 12)}, without what is ambiguous`]);
  if (replacedBy !== '') pairs.push(['replaced by', replacedBy.slice(0, 12)]);
  pairs.push([
    'rests on',
    `the snapshot with SHA-256 ${record.snapshotSha256.slice(0, 12)}, rules of version ${record.ruleVersion}`,
  ]);
  return facts(view, pairs);
}

function approvalText({ approval }: PlanRecord, { colours, ...view }: View): string {
  if (approval === null) return 'by nobody';
  return `${colours.green(`by ${plain(approval.by)}`)}, ${time({ colours, ...view }, approval.at)}`;
}

function showAction(
  action: PlanAction,
  at: number,
  done: number,
  found: readonly Discrepancy[],
  page: Page,
): string[] {
  const { view, columns } = page;
  const { colours } = view;
  const { kind, subject, summary, changes, cures, writes, cancel } = action;
  const mark = at < done ? colours.green('done ') : `${String(at + 1).padStart(4)} `;
  const paint =
    kind === 'to_delete' || kind === 'cancel'
      ? colours.red
      : kind === 'to_insert'
        ? colours.green
        : colours.yellow;
  const lines = [
    `${mark}${paint(kindWords[kind])} ${colours.bold(plain(subject))}`,
    ...wrapped(plain(summary), columns, indent),
  ];
  if (changes.length > 0) lines.push(...changeLines(action, page));
  const reasons = found.filter((one) => one.subject === subject && cures.includes(one.type));
  for (const one of reasons) lines.push(...why(one, page));
  if (reasons.length === 0 && cures.length > 0) lines.push(`${indent}for ${cures.join(', ')}`);
  if (cancel !== null) {
    lines.push(
      `${indent}${colours.dim(`a command to IB: cancel order ${cancel.orderId} of client ${cancel.clientId}, permId ${cancel.permId}`)}`,
    );
  }
  const items = writes.map(({ ref, expectedVersion }) => itemText(refText(ref), expectedVersion));
  if (items.length > 0)
    lines.push(...wrapped(`items: ${shortList(items)}`, columns, indent).map((text) => colours.dim(text)));
  return lines;
}

function changeLines({ kind, changes }: PlanAction, { view, columns }: Page): string[] {
  if (kind === 'to_insert') {
    // What is 0, false or empty says nothing new of a new item; `--json` has it.
    const said = changes.filter(({ after }) => !['', '0', 'false'].includes(after));
    const fields = said.map(({ field, after }) => `${plain(field)} ${plain(after) || '-'}`);
    return wrapped(fields.join(', '), columns, `${indent}  `).map(view.colours.green);
  }
  const rows = changes.map(({ field, before, after }) => [
    `${indent}  ${plain(field)}`,
    before === '' ? view.colours.dim('-') : view.colours.red(plain(before)),
    '->',
    after === '' ? view.colours.dim('-') : view.colours.green(plain(after)),
  ]);
  const [, ...lines] = table(view, [{ name: '' }, { name: '' }, { name: '' }, { name: '' }], rows).split(
    '\n',
  );
  return lines;
}

function why(
  { severity, type, broker, book, message, evidence }: Discrepancy,
  { view, columns }: Page,
): string[] {
  const said = `${type}: IB ${plain(broker) || '-'}; book ${plain(book) || '-'}.`;
  return [
    `${indent}${paintSeverity(severity, view)} ${said}`,
    ...wrapped(plain(message), columns, indent),
    ...(evidence.length === 0
      ? []
      : wrapped(`evidence: ${shortList(evidence.map(plain))}`, columns, indent).map((text) =>
          view.colours.dim(text),
        )),
  ];
}

function itemText(item: string, version: number): string {
  return version === 0 ? `${plain(item)} (new)` : `${plain(item)} (version ${version})`;
}

function shortList(texts: readonly string[]): string {
  const rest = texts.length - itemsShown;
  return `${texts.slice(0, itemsShown).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** The last plans, in one table. */
export function showPlans(plans: readonly PlanRecord[], { view, nowMs }: Page): string {
  const rows = plans.map((record) => [
    record.hash.slice(0, 12),
    `${paintState(record.state, view)}${record.refusedCode === '' ? '' : ` ${record.refusedCode}`}`,
    actionsText(record),
    `${age(nowMs - record.createdAtMs)} ago`,
    plain(record.approval?.by.split(':').at(-1) ?? ''),
  ]);
  return table(
    view,
    [{ name: 'plan' }, { name: 'state' }, { name: 'changes' }, { name: 'made' }, { name: 'approved by' }],
    rows,
  );
}
