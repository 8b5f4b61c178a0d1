/**
 * Reconcile: the broker's picture against the book's, to discrepancies and to the plan that would cure them. Pure: the
 * same input gives the same verdict, in whatever order rows and items come.
 */
import { brokerOrdersOf, foreignOrders, pictureOf } from './broker-orders.ts';
import { judgeCash } from './cash.ts';
import type { Judgement } from './context.ts';
import { judgeOrders } from './judged-orders.ts';
import { matchOrders } from './match.ts';
import type { Digest } from './match-proofs.ts';
import { remember } from './memory.ts';
import { openDesk } from './order-desk.ts';
import { judgePositions } from './positions.ts';
import { judgeProtection } from './protection.ts';
import { contextOf } from './run-context.ts';
import { severityOf } from './severity.ts';
import type { Discrepancy, ReconcileInput, Verdict } from './types.ts';
import { countBook, type Guarded, planOf, verdictOf } from './verdict.ts';

/** @param digest SHA-256 of a value's canonical JSON, lower-case hexadecimal */
export function reconcile(input: ReconcileInput, digest: Digest): Verdict {
  const { broker } = input;
  const stale = staleness(input);
  if (broker === null || stale !== undefined) return staleVerdict(input, stale ?? 'no snapshot came in time');
  const own = (row: { readonly account: string }) => row.account === input.account || row.account === '';
  const picture = pictureOf(broker, input.account);
  const listed = brokerOrdersOf(picture, foreignOrders(broker, own));
  const matches = matchOrders(listed.orders, input.book, input.account, digest);
  const desk = openDesk(input, picture, listed, matches);
  const judged = judgeOrders(desk);
  const context = contextOf(desk, judged);
  const holdings = [
    guarded('positions', () => judgePositions(input, context)),
    guarded('cash', () => judgeCash(input, context)),
    guarded('protection', () => judgeProtection(input, context)),
  ];
  return verdictOf(desk, judged, holdings, listed.nameless);
}

/** Why there is nothing to judge by; undefined for a snapshot that is young enough. */
function staleness({ broker, rules, nowMs }: ReconcileInput): string | undefined {
  if (broker === null) return 'no snapshot came in time';
  const ageMs = nowMs - broker.completedAtMs;
  return ageMs > rules.snapshotMaxAgeMs ? `the snapshot is ${Math.round(ageMs / 1000)} s old` : undefined;
}

function staleVerdict(input: ReconcileInput, why: string): Verdict {
  const found: Discrepancy = {
    id: 'STALE_DATA:snapshot',
    type: 'STALE_DATA',
    severity: severityOf('STALE_DATA'),
    subject: 'snapshot',
    symbol: '',
    broker: why,
    book: '',
    message: `Nothing was compared: ${why}. A broker that does not answer is not an empty broker. Look at the streamer and the gateway.`,
    evidence: input.broker === null ? [] : [input.broker.id],
  };
  const { noted, opened, resolved, escalated } = remember(input, [found], () => false);
  return {
    discrepancies: [found],
    pending: [],
    plan: planOf(input, [], [], []),
    ambiguous: [],
    recommendations: [],
    queries: [],
    unjudged: [`everything: ${why}`],
    memory: { noted, absent: input.memory.absent, nextQuery: input.memory.nextQuery },
    opened,
    resolved,
    escalated,
    counts: { broker: 0, book: countBook(input) },
  };
}

const silent: Judgement = { discrepancies: [], pending: [], actions: [], unjudged: [] };

/** A judge that fails says nothing; the others go on. */
function guarded(name: Guarded['name'], judge: () => Judgement): Guarded {
  try {
    return { name, judgement: judge(), failed: false };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { name, judgement: { ...silent, unjudged: [`${name}: ${why}`] }, failed: true };
  }
}
