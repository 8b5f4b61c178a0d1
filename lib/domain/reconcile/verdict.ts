/** The judgements of a run, added up to one verdict: sorted, remembered, with the plan that cures what may be cured. */
import { refText } from '../book/seen.ts';
import { isTerminal } from '../orders/legal-moves.ts';
import type { Judgement } from './context.ts';
import type { JudgedOrders } from './judged-orders.ts';
import type { Matches } from './match.ts';
import { carriedOver, escalatedIds, nextTurn, remember } from './memory.ts';
import { orderActions } from './order-actions.ts';
import type { OrderDesk } from './order-desk.ts';
import { bookSynthetic, gaps } from './order-gaps.ts';
import { discrepancy } from './order-words.ts';
import { sortedActions } from './plan.ts';
import { compareSeverity } from './severity.ts';
import {
  type AmbiguousMatch,
  type BrokerPicture,
  type Discrepancy,
  type Listed,
  type Noted,
  type Pending,
  type PlanAction,
  type ReconcileInput,
  ruleVersion,
  type Verdict,
} from './types.ts';

/** What one of the judges of holdings said, or that it failed. */
export interface Guarded {
  readonly name: 'positions' | 'cash' | 'protection';
  readonly judgement: Judgement;
  readonly failed: boolean;
}

/** @param nameless rows of orders that name none */
export function verdictOf(
  desk: OrderDesk,
  judged: JudgedOrders,
  holdings: readonly Guarded[],
  nameless: number,
): Verdict {
  const { input, matches, broker } = desk;
  const said = combined(holdings);
  const pending = [...judged.pending, ...judged.orphans.pending, ...said.pending].sort(bySubject);
  const discrepancies = unique([
    ...judged.discrepancies,
    ...gaps(desk, judged, said.fills, pending),
    ...matches.ambiguous.map((match) => ambiguity(match, input)),
    ...judged.orphans.discrepancies,
    ...said.discrepancies,
  ]);
  const remembered = remember(input, discrepancies, judgedBefore(desk, pending, holdings));
  const stopped = escalatedIds(remembered.noted);
  bookSynthetic(said.fills, judged, desk, stopped);
  const actions = [
    ...orderActions(judged.drafts.values()),
    ...judged.orphans.actions,
    ...said.actions,
  ].filter((action) => !isStopped(action, stopped));
  const asked = judged.asked.filter((key) => !stopped.has(`UNRESOLVED:order ${key}`));
  const turn = nextTurn(asked, input.memory.nextQuery, input.rules.queriesPerRun);
  const { noted, opened, resolved, escalated } = remembered;
  return {
    discrepancies,
    pending,
    plan: planOf(input, actions, matches.ambiguous, restsOf(judged.orphans.rests, actions)),
    ambiguous: matches.ambiguous,
    recommendations: said.recommendations,
    queries: turn.keys.map((orderKey) => {
      const { permId, orderRef } = judged.after.get(orderKey)!;
      return { orderKey, permId, orderRef };
    }),
    unjudged: [
      ...new Set([
        ...unjudgedLists(broker),
        ...(nameless > 0 ? [`${nameless} rows that name no order`] : []),
        ...judged.unjudged,
        ...said.unjudged,
      ]),
    ],
    memory: {
      noted,
      absent: sortedCounts({ ...kept(input, holdings), ...judged.absent, ...said.absent }),
      nextQuery: turn.nextQuery,
    },
    opened,
    resolved,
    escalated,
    counts: { broker: countBroker(broker, matches), book: countBook(input) },
  };
}

function combined(holdings: readonly Guarded[]) {
  const all = holdings.map(({ judgement }) => judgement);
  return {
    discrepancies: all.flatMap(({ discrepancies }) => discrepancies),
    pending: all.flatMap(({ pending }) => pending),
    actions: all.flatMap(({ actions }) => actions),
    fills: all.flatMap(({ fills = [] }) => fills).sort((a, b) => (a.fill.execId < b.fill.execId ? -1 : 1)),
    recommendations: all.flatMap(({ recommendations = [] }) => recommendations),
    unjudged: all.flatMap(({ unjudged }) => unjudged),
    absent: Object.assign({}, ...all.map(({ absent }) => absent)) as Record<string, number>,
  };
}

/** Counts of a judge that failed stand still. */
function kept({ memory }: ReconcileInput, holdings: readonly Guarded[]): Record<string, number> {
  const failed = holdings.filter((one) => one.failed).map(({ name }) => name);
  return carriedOver(
    memory,
    (subject) =>
      (failed.includes('positions') && /\bposition |^fills of /.test(subject)) ||
      (failed.includes('cash') && /\bcash /.test(subject)),
  );
}

function ambiguity(match: AmbiguousMatch, { book }: ReconcileInput): Discrepancy {
  const body = book.orders.get(match.book[0]!)!.body;
  return discrepancy('AMBIGUOUS_MATCH', body, {
    subject: match.subject,
    broker: match.broker.join(', '),
    book: match.book.join(', '),
    message: `${match.reason}. Nothing is done about any of them: compare them in TWS.`,
    evidence: [...match.broker.map((permId) => `permId ${permId}`), ...match.book],
  });
}

/** Of two that say the same of one subject the worse stays, with the evidence of both. */
function unique(all: readonly Discrepancy[]): Discrepancy[] {
  const found = new Map<string, Discrepancy>();
  for (const one of all) {
    const known = found.get(one.id);
    if (known === undefined) found.set(one.id, one);
    else {
      const evidence = [...new Set([...known.evidence, ...one.evidence])].sort();
      const severity = compareSeverity(known.severity, one.severity) < 0 ? one.severity : known.severity;
      found.set(one.id, { ...known, severity, message: `${known.message} ${one.message}`, evidence });
    }
  }
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Whether a discrepancy of an earlier run would have been found again, were it still there. */
function judgedBefore(
  { complete, broker, input }: OrderDesk,
  pending: readonly Pending[],
  holdings: readonly Guarded[],
): (noted: Noted) => boolean {
  const waiting = new Set(pending.map(({ subject }) => subject));
  const orders = complete.open && complete.completed && complete.executions;
  const ok = (list: Listed<unknown>) => list.outcome === 'ok';
  const works = (name: Guarded['name']) => !holdings.some((one) => one.name === name && one.failed);
  return ({ id, type }) => {
    const subject = id.slice(type.length + 1);
    if (type === 'STALE_DATA') return true;
    if (waiting.has(subject)) return false;
    if (type === 'UNPROTECTED_POSITION') return ok(broker.positions) && complete.open && works('protection');
    if (subject.startsWith('position ')) return ok(broker.positions) && works('positions');
    if (subject.startsWith('cash ')) return ok(broker.accountValues) && works('cash');
    return orders && input.broker !== null;
  };
}

/** Nothing more is done about what is escalated, until somebody has acknowledged it. */
function isStopped({ subject, cures }: PlanAction, stopped: ReadonlySet<string>): boolean {
  return cures.length > 0 && cures.every((type) => stopped.has(`${type}:${subject}`));
}

function restsOf(rests: Verdict['plan']['rests'], actions: readonly PlanAction[]): Verdict['plan']['rests'] {
  if (!actions.some(({ kind }) => kind === 'cancel')) return [];
  const written = new Set(actions.flatMap(({ writes }) => writes.map(({ ref }) => refText(ref))));
  const byItem = new Map(rests.map((rest) => [refText(rest.ref), rest]));
  return [...byItem]
    .filter(([text]) => !written.has(text))
    .map(([, rest]) => rest)
    .sort((a, b) => (a.ref.id < b.ref.id ? -1 : 1));
}

const lists = {
  positions: 'positions',
  openOrders: 'orders that work or are missing',
  completedOrders: 'orders that have ended or are missing',
  executions: 'fills, and orders that are missing',
  accountValues: 'cash',
} as const;

function unjudgedLists(broker: BrokerPicture): string[] {
  const names = Object.keys(lists) as (keyof typeof lists)[];
  return names.flatMap((name) => {
    const { outcome } = broker[name];
    return outcome === 'ok' ? [] : [`${name} is ${outcome}: no verdict on ${lists[name]}`];
  });
}

export function planOf(
  { account, runId, nowMs, rules, broker }: ReconcileInput,
  actions: readonly PlanAction[],
  ambiguous: readonly AmbiguousMatch[],
  rests: Verdict['plan']['rests'],
): Verdict['plan'] {
  return {
    account,
    runId,
    createdAtMs: nowMs,
    expiresAtMs: nowMs + rules.planValidMs,
    ruleVersion,
    snapshotSha256: broker?.sha256 ?? '',
    actions: sortedActions(actions),
    ambiguous,
    rests,
  };
}

function countBroker({ positions, openOrders }: BrokerPicture, { orders, unnumbered }: Matches): number {
  let count = 0;
  if (positions.outcome === 'ok')
    for (const { position } of positions.rows) if (Number(position) !== 0) count += 1;
  if (openOrders.outcome !== 'ok') return count;
  for (const { open, completed } of [...orders.values(), ...unnumbered]) if (open && !completed) count += 1;
  return count;
}

export function countBook({ book }: ReconcileInput): number {
  let count = 0;
  for (const { body } of book.positions.values()) if (body.position !== '0') count += 1;
  for (const { body } of book.orders.values())
    if (body.terms !== null && !isTerminal(body.status)) count += 1;
  return count;
}

function sortedCounts(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function bySubject(a: Pending, b: Pending): number {
  return a.subject < b.subject ? -1 : Number(a.subject > b.subject) || (a.why < b.why ? -1 : 1);
}
