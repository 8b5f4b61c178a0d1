/** What is found about one position: the discrepancy, the action on its item, and the fills that no execution explains. */
import type { PositionReport } from '../accounts/position-report.ts';
import { type Amount, plain, zero } from '../orders/decimals.ts';
import { fillKey } from '../orders/exec-id.ts';
import type { FillReport } from '../orders/fill-report.ts';
import type { ReconcileContext, SyntheticFill } from './context.ts';
import { averagePriceOf } from './holdings.ts';
import { positionAction } from './position-actions.ts';
import type { PositionEvidence } from './position-evidence.ts';
import type { PositionPair } from './position-pairs.ts';
import { severityOf } from './severity.ts';
import { fillsOfLegs, legsOf, unexplained } from './synthetic-fills.ts';
import type { Discrepancy, DiscrepancyType, PlanAction, ReconcileInput } from './types.ts';
import type { UnreportedFills } from './unreported-fills.ts';

export interface PositionFinding {
  readonly discrepancy: Discrepancy;
  readonly action?: PlanAction;
  readonly fills: readonly SyntheticFill[];
}

type SizeType = 'NAKED_POSITION' | 'MISSING_FROM_BOOK' | 'POSITION_MISMATCH';

const meanings: Readonly<Record<SizeType, string>> = {
  NAKED_POSITION:
    'The book has a position that the broker does not have: an order that closes it would open another.',
  MISSING_FROM_BOOK: 'The broker has a position that the book does not know.',
  POSITION_MISMATCH: 'Broker and book disagree about the size of the position.',
};

/** Another size: the item takes the broker's, and what no execution explains becomes a fill. */
export function findSize(
  pair: PositionPair,
  report: PositionReport,
  evidence: PositionEvidence,
  { missing }: UnreportedFills,
  input: ReconcileInput,
  context: ReconcileContext,
): PositionFinding {
  const type = typeOf(pair);
  const taken = missing.get(pair.conId) ?? zero;
  const { fills, why } = fillsFor(pair, report, evidence, taken, input, context);
  const note = [input.book.isFirstRun ? 'initial state' : '', ownerOf(pair.broker, evidence)]
    .filter((text) => text !== '')
    .join(', ');
  const message = `${meanings[type]} ${why}${note === '' ? '' : ` (${note})`}`;
  const found = findingOf(pair, type, report, note, message, context);
  const execBases = evidence.window.map(({ execBase }) => execBase);
  return {
    ...found,
    discrepancy: { ...found.discrepancy, evidence: [...found.discrepancy.evidence, ...execBases] },
    fills: fills.map((fill) => ({ fill, cures: [type] })),
  };
}

/** The same size at another price. */
export function findPrice(
  pair: PositionPair,
  report: PositionReport,
  context: ReconcileContext,
): PositionFinding {
  const message =
    'The broker counts another average price, in which odd costs may be: the plan takes it over.';
  return findingOf(pair, 'PRICE_MISMATCH', report, '', message, context);
}

/** The contract has ended, and the position with it: nothing was traded, so there is no fill to make. */
export function findExpiry(
  pair: PositionPair,
  report: PositionReport,
  context: ReconcileContext,
): PositionFinding {
  const { lastTradeDate } = report.contract;
  const message = `EXPIRY: the contract ended on ${lastTradeDate}, and the position with it, by settlement or exercise. No fill is made.`;
  const found = findingOf(pair, 'NAKED_POSITION', report, `EXPIRY ${lastTradeDate}`, message, context);
  return { ...found, discrepancy: { ...found.discrepancy, severity: 'INFO' } };
}

function typeOf({ broker, book }: PositionPair): SizeType {
  if (broker.isZero()) return 'NAKED_POSITION';
  return book.isZero() ? 'MISSING_FROM_BOOK' : 'POSITION_MISMATCH';
}

function fillsFor(
  { row, stored, instrument, broker, book }: PositionPair,
  { contract }: PositionReport,
  evidence: PositionEvidence,
  taken: Amount,
  input: ReconcileInput,
  { complete }: ReconcileContext,
): { readonly fills: readonly FillReport[]; readonly why: string } {
  const none = (why: string) => ({ fills: [], why });
  if (!complete.executions) return none('The list of executions is not complete: no fill is made.');
  const rest = unexplained(book, broker, evidence, stored?.body.stamp ?? null, taken);
  if (rest === null) return none('Which executions the book counts already cannot be told: no fill is made.');
  if (rest.isZero()) return none('Its fills explain the difference.');
  const ofBook = stored && averagePriceOf(stored.body.averageCost, stored.body.contract, instrument);
  const ofBroker = row && averagePriceOf(row.averageCost, row.contract, instrument);
  const legs = legsOf(
    rest,
    { size: book, price: ofBook ?? null },
    { size: broker, price: broker.isZero() ? null : (ofBroker ?? null) },
    evidence.window,
  );
  const version = (stored?.version ?? 0) + 1;
  const made = fillsOfLegs(input.account, contract, legs, version, input.rules.executionsSinceMs);
  const fills = made.filter((fill) => !input.book.fills.has(fillKey(fill)));
  const words = made.map(({ side, quantity, price }) => `${side} ${quantity} at ${price}`).join(', ');
  const how = words === '' ? 'no price is known, so no fill is made' : `synthetic ${words}`;
  return { fills, why: `No execution explains ${plain(rest)} of it: ${how}.` };
}

/** Whose it is, as far as fills tell: what strangers hold is not a risk of our strategies. */
function ownerOf(broker: Amount, { own }: PositionEvidence): string {
  if (broker.isZero() || own.eq(broker)) return '';
  return own.isZero() ? 'EXTERNAL: no order of ours' : `EXTERNAL but for ${plain(own)}`;
}

function findingOf(
  { conId, row, stored, broker, book }: PositionPair,
  type: DiscrepancyType,
  report: PositionReport,
  note: string,
  message: string,
  context: ReconcileContext,
): PositionFinding {
  const subject = `position ${conId}`;
  const { symbol, localSymbol } = report.contract;
  const action = positionAction(report, stored, context.broker.epoch, type, note);
  return {
    discrepancy: {
      id: `${type}:${subject}`,
      type,
      severity: severityOf(type),
      subject,
      symbol: localSymbol || symbol,
      broker: row ? `${plain(broker)} at ${report.averagePrice}` : 'not listed',
      book: stored ? `${plain(book)} at ${stored.body.averagePrice}` : 'nothing',
      message,
      evidence: [`position ${conId}`],
    },
    ...(action.changes.length > 0 && { action }),
    fills: [],
  };
}
