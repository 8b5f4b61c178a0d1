import type { Noted } from '../../lib/domain/reconcile/types.ts';
import type { Rejudged } from '../../lib/reconcile/rejudge.ts';
import { type Page, wrapped } from './page.ts';
import type { RunList } from './reconcile-runs.ts';
import { paintSeverity, paintStatus } from './reconcile-show.ts';
import { age, count, facts, plain, table, time, took, type View } from './view.ts';

export function showRuns({ account, runs, more }: RunList, view: View): string {
  if (runs.length === 0) return `Nothing was reconciled in ${account} yet. Begin with: reconcile.`;
  const columns = [
    { name: 'started' },
    { name: 'run' },
    { name: 'status' },
    { name: 'by' },
    { name: 'IB', right: true },
    { name: 'book', right: true },
    { name: 'found', right: true },
    { name: 'critical', right: true },
    { name: 'actions', right: true },
    { name: 'took', right: true },
  ];
  const number = (value: number, paint = (text: string) => text) =>
    value === 0 ? view.colours.dim('0') : paint(String(value));
  const rows = runs.map((run) => [
    time(view, run.startedAtMs),
    run.runId,
    `${paintStatus(run.status, view, run.lost)}${run.code === '' ? '' : ` ${run.code}`}`,
    run.trigger,
    ...(run.verdict === null
      ? ['', '', '', '', '']
      : [
          String(run.counts.broker),
          String(run.counts.book),
          number(run.discrepancies),
          number(run.severities.CRITICAL ?? 0, view.colours.red),
          number(run.actions),
        ]),
    run.endedAtMs === 0 ? '' : took(run.endedAtMs - run.startedAtMs),
  ]);
  const rest = more ? ', older ones are left out (--limit)' : '';
  return `${table(view, columns, rows)}\n${view.colours.dim(count(runs.length, 'run') + rest)}`;
}

export function showRejudged(again: Rejudged, { view, columns, nowMs }: Page): string {
  const {
    run,
    same,
    samePlan,
    planHashThen,
    planHashNow,
    ruleVersionThen,
    ruleVersionNow,
    onlyThen,
    onlyNow,
    verdict,
  } = again;
  const { colours } = view;
  const judged = `${run.runId} of ${time(view, run.startedAtMs)} (${age(nowMs - run.startedAtMs)} ago), judged again here from its evidence`;
  const rules =
    ruleVersionThen === ruleVersionNow
      ? `rules of version ${ruleVersionNow}`
      : `rules of version ${ruleVersionThen} then, ${ruleVersionNow} now`;
  const lines = [same ? colours.green('The same, to the byte.') : colours.red('Not the same.'), judged];
  lines.push(
    '',
    facts(view, [
      ['rules', rules],
      [
        'found',
        `${count(verdict.discrepancies.length, 'discrepancy').replace(/discrepancys$/, 'discrepancies')}, ${count(verdict.plan.actions.length, 'action')}`,
      ],
      ['plan', samePlan ? planHashNow : `${planHashThen} then, ${planHashNow} now`],
      ['evidence', `${again.evidence}, its SHA-256 is the one in the audit trail`],
    ]),
  );
  for (const [title, ids] of [
    ['Only then', onlyThen],
    ['Only now', onlyNow],
  ] as const) {
    if (ids.length > 0) lines.push('', colours.bold(title), ...ids.map((id) => `  ${plain(id)}`));
  }
  if (!same && ruleVersionThen !== ruleVersionNow) {
    lines.push(
      '',
      ...wrapped(
        'The rules have changed since: that is a reason to differ. Judge it with the program of that version to see what was meant then.',
        columns,
        '',
      ),
    );
  } else if (!same) {
    lines.push(
      '',
      ...wrapped(
        'The same rules should say the same of the same evidence: this is a fault of the program, or its version number was not raised. Keep the run id and look at the changes of lib/domain/reconcile.',
        columns,
        '',
      ),
    );
  }
  return lines.join('\n');
}

/** The open discrepancies that a person may acknowledge. */
export function showNoted(noted: readonly Noted[], { view, nowMs }: Page): string {
  const rows = noted.map(({ id, severity, state, runs, firstSeenMs }) => [
    paintSeverity(severity, view),
    plain(id),
    state,
    String(runs),
    `${age(nowMs - firstSeenMs)} ago`,
  ]);
  return table(
    view,
    [
      { name: 'severity' },
      { name: 'id' },
      { name: 'state' },
      { name: 'runs', right: true },
      { name: 'first seen' },
    ],
    rows,
  );
}
