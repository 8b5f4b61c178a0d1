/**
 * Cash by currency. Nothing says why cash has moved, so what trades and the variation of futures can explain is told
 * apart from what was paid in or out, as far as the broker's lists allow.
 */
import { type CashValue, cashValue, followsCash } from '../accounts/cash-value.ts';
import type { BalanceBody } from '../book/accounts.ts';
import type { BookBody } from '../book/item.ts';
import { type Amount, amount, plain, zero } from '../orders/decimals.ts';
import { flowsOfFills, variationBounds } from './cash-flows.ts';
import type { Judgement, ReconcileContext } from './context.ts';
import { severityOf } from './severity.ts';
import type {
  Discrepancy,
  DiscrepancyType,
  Pending,
  PlanAction,
  ReconcileInput,
  Versioned,
} from './types.ts';
import { differingRuns, isRecent, isYoung } from './youth.ts';

export function judgeCash(input: ReconcileInput, context: ReconcileContext): Judgement {
  const { book, rules } = input;
  if (context.accountValues === null) return unjudged(input, []);
  const broker = balancesOf(context);
  // One without any cash comes from a gateway that has not loaded the account yet.
  if (broker.size === 0) return unjudged(input, ['accountValues: no cash in it, so no verdict on cash']);
  const differing = [...new Set([...broker.keys(), ...book.cash.keys()])].sort().filter((currency) => {
    const [told, stored] = [broker.get(currency), book.cash.get(currency)?.body.cash];
    if (told === stored) return false;
    return amount(told ?? '0')
      .minus(stored ?? '0')
      .abs()
      .gt(rules.cashTolerance);
  });
  if (differing.length === 0) return { discrepancies: [], pending: [], actions: [], unjudged: [] };
  const movers: Movers = {
    flows: flowsOfFills(input, context),
    bounds: variationBounds(input, context),
    unsettled: unsettledCurrencies(input, context),
  };
  const judged = differing.map((currency) =>
    judgeCurrency(currency, broker.get(currency), movers, input, context),
  );
  return {
    discrepancies: judged.flatMap(({ discrepancy }) => (discrepancy ? [discrepancy] : [])),
    pending: judged.flatMap(({ pending }) => (pending ? [pending] : [])),
    actions: judged.flatMap(({ action }) => (action ? [action] : [])),
    unjudged: [],
    absent: Object.assign({}, ...judged.map(({ absent }) => absent)),
  };
}

/** What can have moved cash, by currency. */
interface Movers {
  readonly flows: ReadonlyMap<string, Amount>;
  readonly bounds: ReadonlyMap<string, Amount>;
  readonly unsettled: ReadonlySet<string>;
}

interface JudgedCurrency {
  readonly discrepancy?: Discrepancy;
  readonly action?: PlanAction;
  readonly pending?: Pending;
  readonly absent?: { readonly [subject: string]: number };
}

/** @param told undefined where the broker does not list the currency */
function judgeCurrency(
  currency: string,
  told: string | undefined,
  { flows, bounds, unsettled }: Movers,
  input: ReconcileInput,
  context: ReconcileContext,
): JudgedCurrency {
  const { book, rules, memory } = input;
  const subject = `cash ${currency}`;
  const stored = book.cash.get(currency);
  const counter = told === undefined ? subject : `differing ${subject}`;
  const counted = memory.absent[counter] ?? 0;
  const runs = counted + 1;
  const waiting = (why: string, absent: { readonly [subject: string]: number }): JudgedCurrency => ({
    pending: { subject, why, runs },
    absent,
  });
  const kept: { readonly [subject: string]: number } = counted > 0 ? { [counter]: counted } : {};
  if (unsettled.has(currency)) return waiting('executions in it may still be on their way', kept);
  if (isRecent(stored, context)) return waiting('the book was told of it just now', kept);
  const difference = amount(told ?? '0').minus(stored?.body.cash ?? '0');
  const flow = flows.get(currency) ?? zero;
  const bound = bounds.get(currency) ?? zero;
  const left = difference.minus(flow).abs();
  if (stored !== undefined && left.gt(rules.cashTolerance) && left.lte(bound)) {
    return waiting(`within the daily variation of the futures held: ${plain(difference)}`, {});
  }
  const absent = { [counter]: runs };
  if (told === undefined && runs < rules.absentRuns) return waiting('the broker does not list it', absent);
  if (told !== undefined && isYoung(stored, context) && runs < differingRuns) {
    return waiting('it differs, and may have changed after the snapshot', absent);
  }
  const type = stored === undefined ? 'MISSING_FROM_BOOK' : 'CASH_MISMATCH';
  const discrepancy: Discrepancy = {
    id: `${type}:${subject}`,
    type,
    severity: severityOf(type),
    subject,
    symbol: currency,
    broker: told ?? 'not listed',
    book: stored?.body.cash ?? 'nothing',
    message: meaningOf(difference, flow, bound, stored === undefined, amount(rules.cashTolerance)),
    evidence: [subject],
  };
  return {
    discrepancy,
    action: cashAction(currency, told ?? '0', stored, context.broker.epoch, type),
    absent,
  };
}

/** The counts stand still while nobody can tell. */
function unjudged({ memory }: ReconcileInput, why: readonly string[]): Judgement {
  const kept = Object.entries(memory.absent).filter(([subject]) => /^(differing )?cash /.test(subject));
  return {
    discrepancies: [],
    pending: [],
    actions: [],
    unjudged: why,
    absent: Object.fromEntries(kept),
  };
}

/** Canonical decimal text by currency; of IB's two names for it the one that the streamer follows. */
function balancesOf({ accountValues }: ReconcileContext): ReadonlyMap<string, string> {
  const values = new Map<string, CashValue>();
  for (const fact of accountValues ?? []) {
    const value = cashValue(fact);
    if (value === undefined) continue;
    const { currency } = value.balance;
    const known = values.get(currency);
    // Two rows of one name: which comes last must not decide.
    const isSame = known?.rank === value.rank;
    if (isSame ? amount(value.balance.cash).gt(known.balance.cash) : followsCash(known, value)) {
      values.set(currency, value);
    }
  }
  return new Map([...values].map(([currency, { balance }]) => [currency, balance.cash]));
}

/** Currencies of the contracts whose fills are still arriving. */
function unsettledCurrencies(
  { book }: ReconcileInput,
  { unsettled, positions, newFills }: ReconcileContext,
): ReadonlySet<string> {
  const found = new Set<string>();
  for (const conId of unsettled.keys()) {
    const known = positions?.get(conId) ?? book.positions.get(conId)?.body ?? newFills.get(conId)?.[0];
    const { currency, symbol, secType } = known?.contract ?? { currency: '', symbol: '', secType: '' };
    found.add(currency || (book.instruments.get(conId)?.currency ?? ''));
    if (secType === 'CASH') found.add(symbol);
  }
  return found;
}

function meaningOf(
  difference: Amount,
  flow: Amount,
  bound: Amount,
  isNew: boolean,
  tolerance: Amount,
): string {
  if (isNew) return 'The broker has cash that the book does not know.';
  const left = difference.minus(flow);
  if (left.abs().lte(tolerance)) return 'The executions that the book lacks explain it.';
  const direction = left.isPositive() ? 'deposit, dividend or interest' : 'withdrawal, fee or interest';
  const beyond = bound.isZero() ? '' : ', and it is more than the futures held can move in a day';
  return `No execution explains ${plain(left)}${beyond}: ${direction}.`;
}

/** Content at the stored stamp, as with positions. */
function cashAction(
  currency: string,
  cash: string,
  stored: Versioned<BalanceBody> | undefined,
  epoch: number,
  cures: DiscrepancyType,
): PlanAction {
  const before = stored?.body;
  const stamp = before ? { epoch: before.stamp.epoch, seq: before.stamp.seq } : { epoch, seq: 0 };
  const body: BalanceBody = { currency, cash, stamp };
  return {
    id: `cash:${currency}`,
    kind: before ? 'to_update' : 'to_insert',
    cures: [cures],
    subject: `cash ${currency}`,
    summary: `${currency}: ${before?.cash ?? 'nothing'} -> ${cash}`,
    changes: [{ field: 'cash', before: before?.cash ?? '', after: cash }],
    orderKey: '',
    writes: [
      {
        ref: { kind: 'cash', id: currency },
        expectedVersion: stored?.version ?? 0,
        body: body as unknown as BookBody,
      },
    ],
    cancel: null,
  };
}
