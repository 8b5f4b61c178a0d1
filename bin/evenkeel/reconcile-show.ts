import type { PlanRecord, RunAnswer, RunRecord, RunStatus } from '../../lib/domain/reconcile/records.ts';
import { shownStatus, summaryOf } from '../../lib/domain/reconcile/records.ts';
import { compareSeverity } from '../../lib/domain/reconcile/severity.ts';
import type {
  AmbiguousMatch,
  Discrepancy,
  Pending,
  Recommendation,
  Severity,
  Verdict,
} from '../../lib/domain/reconcile/types.ts';
import type { FlagsReading } from '../../lib/domain/safety/flags.ts';
import { lockLine } from './lock-words.ts';
import { type Page, wrapped } from './page.ts';
import { planLine } from './plan-words.ts';
import { nextSteps } from './reconcile-steps.ts';
import { count, facts, plain, table, took, type View } from './view.ts';

/** What there is to say of one run, whether it has just answered or is looked up. */
export interface RunShown {
  readonly run: Pick<RunRecord, 'runId' | 'status' | 'code' | 'reason' | 'mode' | 'ruleVersion'>;
  readonly asked: string;
  readonly durationMs: number;
  readonly summary: string;
  readonly verdict: Verdict | null;
  readonly plan: PlanRecord | null;
  /** As they stand now: what to do next rests on them. */
  readonly flags: FlagsReading;
  /** Undefined where an older run is looked up: it says nothing of now. */
  readonly lock?: RunAnswer['lock'];
  /** Of the lease as it stands: a lock that was opened for an earlier term is closed. */
  readonly leaseToken?: number;
  readonly evidence: string;
  /** It began and never ended, and nobody is at work on it any more. */
  readonly lost?: boolean;
}

export function shownRun(
  run: RunRecord,
  verdict: Verdict | null,
  plan: PlanRecord | null,
  now: Pick<RunShown, 'flags' | 'lost'>,
): RunShown {
  return {
    ...now,
    run,
    asked: `${run.trigger}, ${run.by}${run.why === '' ? '' : `: ${run.why}`}`,
    durationMs: Math.max(0, run.endedAtMs - run.startedAtMs),
    summary: summaryOf(run),
    verdict,
    plan,
    evidence: run.evidence?.key ?? '',
  };
}

export function showRun(shown: RunShown, page: Page): string {
  const { run, verdict, summary, lost = false } = shown;
  const { view } = page;
  const { colours } = view;
  const head = `${paintStatus(run.status, view, lost)}${run.code === '' ? '' : ` ${colours.bold(run.code)}`}  ${run.runId}`;
  const lines = [head];
  if (run.reason !== '') lines.push(...wrapped(plain(reasonAlone(run)), page.columns, '  '));
  // A run that judged nothing has counted nothing.
  if (verdict !== null) lines.push(colours.bold(summary), ...showVerdict(verdict, page));
  lines.push('', factsOf(shown, page));
  const steps = nextSteps(shown, page.nowMs);
  if (steps.length > 0)
    lines.push('', ...steps.map((step, at) => `${at === 0 ? colours.bold('next  ') : '      '}${step}`));
  return lines.join('\n');
}

/** The code stands in the line above; a run without one keeps its reason as it is. */
function reasonAlone({ code, reason }: RunShown['run']): string {
  return code !== '' && reason.startsWith(`${code}: `) ? reason.slice(code.length + 2) : reason;
}

function factsOf(shown: RunShown, { view, nowMs }: Page): string {
  const { run, asked, durationMs, plan, lock, leaseToken = 0, evidence } = shown;
  const { colours } = view;
  const pairs: (readonly [string, string])[] = [
    ['asked by', plain(asked)],
    ['mode', `${run.mode}, rules of version ${run.ruleVersion}, took ${took(durationMs)}`],
  ];
  if (lock !== undefined) pairs.push(['lock', lockLine(lock, leaseToken, view)]);
  pairs.push(['plan', plan === null ? 'none' : planLine(plan, view, nowMs)]);
  if (evidence !== '') pairs.push(['evidence', colours.dim(evidence)]);
  return facts(view, pairs);
}

function showVerdict(verdict: Verdict, page: Page): string[] {
  const { discrepancies, pending, ambiguous, recommendations, unjudged } = verdict;
  const { view } = page;
  return [
    ...(discrepancies.length === 0 ? [] : ['', ...showDiscrepancies(discrepancies, page)]),
    ...section(
      'Ambiguous: nothing is done about any of them',
      ambiguous.flatMap((match) => showMatch(match, page)),
      view,
    ),
    ...section(
      'Not judged',
      unjudged.flatMap((why) => wrapped(plain(why), page.columns, '  ')),
      view,
    ),
    ...section('Given time, no verdict yet', showPending(pending, page), view),
    ...section(
      'Recommended, never done by itself',
      recommendations.flatMap((one) => showRecommendation(one, view)),
      view,
    ),
  ];
}

function section(title: string, lines: readonly string[], { colours }: View): string[] {
  return lines.length === 0 ? [] : ['', colours.bold(title), ...lines];
}

/** One line for each, and below it what it means and what to do. */
export function showDiscrepancies(found: readonly Discrepancy[], { view, columns }: Page): string[] {
  const sorted = [...found].sort((a, b) => compareSeverity(b.severity, a.severity) || (a.id < b.id ? -1 : 1));
  const names = ['severity', 'type', 'subject', '', 'IB', 'book'].map((name) => ({ name }));
  const rows = sorted.map(({ severity, type, subject, symbol, broker, book }) => [
    paintSeverity(severity, view),
    type,
    plain(subject),
    plain(symbol),
    plain(broker) || '-',
    plain(book) || '-',
  ]);
  const [head = '', ...lines] = table(view, names, rows).split('\n');
  const indent = ' '.repeat('CRITICAL  '.length);
  return [
    head,
    ...lines.flatMap((line, at) => [
      line,
      ...wrapped(plain(sorted[at]?.message ?? ''), columns, indent).map((text) => view.colours.dim(text)),
    ]),
  ];
}

function showPending(pending: readonly Pending[], { view }: Page): string[] {
  if (pending.length === 0) return [];
  const rows = pending.map(({ subject, why, runs }) => [
    `  ${plain(subject)}`,
    count(runs, 'run'),
    plain(why),
  ]);
  return table(view, [{ name: '  subject' }, { name: 'so far' }, { name: 'why' }], rows).split('\n');
}

export function showMatch(
  { subject, book, broker, reason }: AmbiguousMatch,
  { columns }: Pick<Page, 'columns'>,
): string[] {
  const pair = `book ${book.join(', ') || '-'} <-> IB ${broker.join(', ') || '-'}`;
  return [`  ${plain(subject)}: ${plain(pair)}`, ...wrapped(plain(reason), columns, '    ')];
}

function showRecommendation(one: Recommendation, { colours }: View): string[] {
  const words = {
    hold: colours.green('hold'),
    review_loss: colours.red('review the loss'),
    take_profit: colours.yellow('take profit'),
    no_price: colours.dim('no price'),
  };
  return [
    `  ${plain(one.symbol)} (${plain(one.instrumentClass)}) ${plain(one.position)}: ${words[one.recommendation]}`,
    ...one.arithmetic.map((sum) => colours.dim(`    ${plain(sum)}`)),
  ];
}

export function paintSeverity(severity: Severity, { colours }: View): string {
  const paint = {
    CRITICAL: (text: string) => colours.bold(colours.red(text)),
    HIGH: colours.red,
    MEDIUM: colours.yellow,
    INFO: colours.dim,
  };
  return paint[severity](severity);
}

/** @param lost it never ended: its record still says RUNNING */
export function paintStatus(status: RunStatus, { colours }: View, lost = false): string {
  const word = shownStatus(status, lost);
  if (word === 'COMPLETED') return colours.green(word);
  if (word === 'LOST' || word === 'FAILED' || word === 'REFUSED') return colours.red(word);
  return colours.yellow(word);
}
