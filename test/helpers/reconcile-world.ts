/**
 * A broker and a book from a few lines, and runs of reconcile over them. What the book has was told to it by a streamer
 * and booked by the real rules; a plan's writes are carried out with their version conditions.
 */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { cashValue } from '../../lib/domain/accounts/cash-value.ts';
import { positionReport } from '../../lib/domain/accounts/position-change.ts';
import type { BalanceBody, PositionBody } from '../../lib/domain/book/accounts.ts';
import { book } from '../../lib/domain/book/booking.ts';
import type { FillBody } from '../../lib/domain/book/fills.ts';
import type { BookItem, BookKind, BookWrite, Json } from '../../lib/domain/book/item.ts';
import type { News } from '../../lib/domain/book/news.ts';
import type { OrderBody } from '../../lib/domain/book/orders.ts';
import type { PointerBody } from '../../lib/domain/book/pointers.ts';
import { refText } from '../../lib/domain/book/seen.ts';
import type { Instrument } from '../../lib/domain/market/instrument.ts';
import type {
  AccountValueFact,
  CommissionFact,
  CompletedOrderFact,
  ExecutionFact,
  ListOutcome,
  OpenOrderFact,
  OrderStatusFact,
  PositionFact,
} from '../../lib/domain/orders/broker-facts.ts';
import type { TradedContract } from '../../lib/domain/orders/contract.ts';
import { parseExecId } from '../../lib/domain/orders/exec-id.ts';
import type { FillReport } from '../../lib/domain/orders/fill-report.ts';
import type { OrderReport, OrderStatus, OrderTerms, Side } from '../../lib/domain/orders/order-report.ts';
import type { Stamp } from '../../lib/domain/orders/stamp.ts';
import { reconcile } from '../../lib/domain/reconcile/engine.ts';
import type {
  BookPicture,
  BrokerPicture,
  PlanAction,
  ReconcileInput,
  ReconcileMemory,
  ReconcileRules,
  Verdict,
  Versioned,
} from '../../lib/domain/reconcile/types.ts';
import { es, limitTerms, openMs } from '../unit/orders/order-harness.ts';

export const account = 'DU1';
export const minute = 60_000;
const { parentKey: _, ...brokerTerms } = limitTerms;

export function digest(value: Json): string {
  return createHash('sha256')
    .update(canonicalize(value) ?? '')
    .digest('hex');
}

export const rules: ReconcileRules = {
  mode: 'warn',
  autoSync: ['MISSING_FILL', 'ORDER_STATUS_MISMATCH', 'MISSING_FROM_BOOK'],
  quantityTolerance: '0',
  cashTolerance: '1',
  priceTolerance: '0.0001',
  quietMs: 5_000,
  absentRuns: 3,
  escalateAfterRuns: 3,
  queriesPerRun: 10,
  // Midnight in New York.
  executionsSinceMs: Date.UTC(2026, 0, 5, 5),
  snapshotMaxAgeMs: minute,
  ignoredOrders: [],
  ownClientIds: [7],
  initialStateSymbols: ['ES', 'MES', 'SPY'],
  riskThreshold: '0.05',
  profitThreshold: '0.05',
  massChange: { share: '0.2', atLeast: 10 },
  planValidMs: 60 * minute,
};

/** An order by its permId; the other ids follow from it: client 7, order id = permId, reference `ref-<permId>`. */
export interface OrderWords {
  readonly key?: string;
  readonly clientId?: number;
  readonly orderId?: number;
  readonly orderRef?: string;
  readonly contract?: TradedContract;
  readonly terms?: Partial<OrderTerms>;
  readonly side?: Side;
  readonly quantity?: string;
  readonly limitPrice?: string;
}

export interface ToldOrderWords extends OrderWords {
  readonly status?: OrderStatus;
  readonly brokerStatus?: string;
  readonly reason?: OrderReport['reason'];
  readonly settled?: OrderReport['settled'];
  readonly filled?: string;
  readonly averagePrice?: string;
  /** Market time of the change; an hour ago where nothing is said, unknown for null. */
  readonly changedAtMs?: number | null;
}

export interface OpenWords extends OrderWords {
  readonly status?: string;
  readonly filled?: string;
  readonly transmit?: boolean;
  readonly warning?: string;
}

export interface CompletedWords extends OrderWords {
  readonly parentPermId?: number;
  readonly filled?: string;
  readonly atMs?: number | null;
}

export interface FillWords extends OrderWords {
  readonly price?: string;
  readonly atMs?: number;
  readonly cumulative?: string;
  readonly liquidation?: boolean;
  readonly synthetic?: boolean;
  readonly account?: string;
}

type Part = 'positions' | 'openOrders' | 'completedOrders' | 'executions' | 'accountValues';

export class World {
  readonly account = account;
  readonly items = new Map<string, BookItem>();
  readonly changedAtMs = new Map<string, number>();
  readonly instruments = new Map<string, Instrument>();
  rules: ReconcileRules = rules;
  memory: ReconcileMemory = { noted: [], absent: {}, nextQuery: '' };
  marketMs = openMs + 60 * minute;
  epoch = 1;
  isFirstRun = false;
  hasSnapshot = true;
  snapshotAgeMs = 1_000;
  snapshotTookMs = 2_000;
  rows = {
    positions: [] as PositionFact[],
    openOrders: [] as (OpenOrderFact | OrderStatusFact)[],
    completedOrders: [] as CompletedOrderFact[],
    executions: [] as (ExecutionFact | CommissionFact)[],
    accountValues: [] as AccountValueFact[],
  };
  outcomes: Partial<Record<Part, ListOutcome>> = {};
  #seq = 0;
  #runs = 0;

  // What a streamer told the book.

  told(permId: number, words: ToldOrderWords = {}): this {
    const { status = 'Submitted', reason = null, filled = '0', averagePrice, changedAtMs } = words;
    const report: OrderReport = {
      ...identityOf(permId, words),
      contract: words.contract ?? es,
      terms: { ...termsOf(words), parentKey: words.terms?.parentKey ?? null },
      status,
      brokerStatus: words.brokerStatus ?? (status === 'PartiallyFilled' ? 'Submitted' : status),
      whyHeld: '',
      reason,
      reportedFilled: filled,
      reportedAveragePrice: filled === '0' ? null : (averagePrice ?? '5000'),
      ...(words.settled && { settled: words.settled }),
    };
    this.tell({ kind: 'order', at: this.stamp(), report });
    if (changedAtMs === null) this.changedAtMs.delete(report.orderKey);
    else this.changedAtMs.set(report.orderKey, changedAtMs ?? openMs);
    return this;
  }

  toldFill(permId: number, execId: string, quantity: string, words: FillWords = {}): this {
    return this.tell({ kind: 'fill', at: this.stamp(), report: fillOf(permId, execId, quantity, words) });
  }

  toldCommission(permId: number, execId: string, commission: string, currency = 'USD'): this {
    const key = identityOf(permId, {}).orderKey;
    const report = { orderKey: key, execId, ...parseExecId(execId), commission, currency, realizedPnl: null };
    return this.tell({ kind: 'commission', at: this.stamp(), report });
  }

  /** @param averageCost as IB says it: price x multiplier */
  toldPosition(size: string, averageCost = '250000', contract: TradedContract = es): this {
    const fact = { kind: 'position' as const, account, contract, position: size, averageCost };
    return this.tell({ kind: 'position', at: this.stamp(), report: positionReport(fact) });
  }

  toldCash(cash: string, currency = 'USD'): this {
    return this.tell({ kind: 'balance', at: this.stamp(), report: { currency, cash } });
  }

  /** Any news, booked by the rules of the book. */
  tell(news: News): this {
    const seen = new Map<string, BookItem | undefined>();
    for (;;) {
      const booking = book(news, seen);
      if (booking.do === 'write') {
        this.write(booking.writes);
        return this;
      }
      for (const ref of booking.refs) seen.set(refText(ref), this.items.get(refText(ref)));
    }
  }

  stamp(): Stamp {
    this.#seq += 1;
    return { epoch: this.epoch, seq: this.#seq };
  }

  // What the broker says.

  open(permId: number, words: OpenWords = {}): this {
    const { filled, status = 'Submitted', transmit = true, warning = '' } = words;
    const { orderKey: __, origin: ___, ...ids } = identityOf(permId, words);
    const terms = termsOf(words);
    const contract = words.contract ?? es;
    this.rows.openOrders.push({
      kind: 'open-order',
      account,
      ...ids,
      contract,
      terms,
      transmit,
      status,
      warning,
    });
    if (filled === undefined) return this;
    return this.status(permId, status, filled, words);
  }

  status(permId: number, status: string, filled: string, words: OpenWords = {}): this {
    const { clientId, orderId } = identityOf(permId, words);
    const remaining = String(Number(words.quantity ?? '5') - Number(filled));
    const averageFillPrice = filled === '0' ? '0' : '5000';
    this.rows.openOrders.push({
      kind: 'order-status',
      orderId,
      clientId,
      permId,
      parentId: words.terms?.parentId ?? 0,
      status,
      filled,
      remaining,
      averageFillPrice,
      whyHeld: '',
    });
    return this;
  }

  /** @param said IB's words: `Filled Size: 5`, `Cancelled by Trader`, `Rejected by System: …` */
  completed(permId: number, said: string, words: CompletedWords = {}): this {
    const filledAll = said.startsWith('Filled');
    this.rows.completedOrders.push({
      kind: 'completed-order',
      account,
      permId,
      parentPermId: words.parentPermId ?? 0,
      orderRef: words.orderRef ?? `ref-${permId}`,
      contract: words.contract ?? es,
      terms: { ...termsOf(words), quantity: '0', parentId: 0 },
      status: said.startsWith('Filled') ? 'Filled' : 'Cancelled',
      filled: words.filled ?? (filledAll ? (words.quantity ?? '5') : '0'),
      completedStatus: said,
      completedAtMs: words.atMs === undefined ? openMs + minute : words.atMs,
    });
    return this;
  }

  execution(permId: number, execId: string, quantity: string, words: FillWords = {}): this {
    const { clientId, orderId, orderRef } = identityOf(permId, words);
    const price = words.price ?? '5000';
    this.rows.executions.push({
      kind: 'execution',
      account: words.account ?? account,
      orderId,
      clientId,
      permId,
      orderRef,
      contract: words.contract ?? es,
      execId,
      timeMs: words.atMs ?? openMs + minute,
      side: words.side ?? 'BUY',
      quantity,
      price,
      exchange: 'CME',
      liquidation: words.liquidation ?? false,
      liquidity: 1,
      cumulativeQuantity: words.cumulative ?? quantity,
      averagePrice: price,
    });
    return this;
  }

  commission(execId: string, commission: string | null, currency = 'USD'): this {
    this.rows.executions.push({ kind: 'commission', execId, commission, currency, realizedPnl: null });
    return this;
  }

  /** @param averageCost as IB says it: price x multiplier */
  position(size: string, averageCost = '250000', contract: TradedContract = es): this {
    this.rows.positions.push({ kind: 'position', account, contract, position: size, averageCost });
    return this;
  }

  cash(value: string, currency = 'USD', key = 'TotalCashBalance'): this {
    this.rows.accountValues.push({ kind: 'account-value', account, key, value, currency });
    return this;
  }

  // Both: what the broker and the book agree about.

  /** An order that works on both sides. */
  both(permId: number, words: OrderWords & { readonly filled?: string } = {}): this {
    return this.told(permId, words).open(permId, words);
  }

  bothPosition(size: string, averageCost = '250000', contract: TradedContract = es): this {
    return this.toldPosition(size, averageCost, contract).position(size, averageCost, contract);
  }

  bothCash(value: string, currency = 'USD'): this {
    return this.toldCash(cashOf(value, currency), currency).cash(value, currency);
  }

  // Circumstances.

  outcome(part: Part, outcome: ListOutcome): this {
    this.outcomes = { ...this.outcomes, [part]: outcome };
    return this;
  }

  ruled(changes: Partial<ReconcileRules>): this {
    this.rules = { ...this.rules, ...changes };
    return this;
  }

  firstRun(): this {
    this.isFirstRun = true;
    return this;
  }

  withoutSnapshot(): this {
    this.hasSnapshot = false;
    return this;
  }

  /** The broker is asked anew, and has nothing until it is said. */
  askedAgain(afterMs = 5 * minute): this {
    this.rows = { positions: [], openOrders: [], completedOrders: [], executions: [], accountValues: [] };
    this.outcomes = {};
    return this.later(afterMs);
  }

  later(ms = 5 * minute): this {
    this.marketMs += ms;
    return this;
  }

  instrument(contract: TradedContract, changes: Partial<Instrument> = {}): this {
    const { conId, symbol, localSymbol, secType, exchange, currency, multiplier } = contract;
    this.instruments.set(String(conId), {
      conId,
      configured: symbol,
      symbol,
      localSymbol,
      secType,
      exchange,
      currency,
      multiplier,
      minTick: '0.25',
      timeZone: 'America/Chicago',
      tradingHours: '',
      ...changes,
    });
    return this;
  }

  // Runs.

  get input(): ReconcileInput {
    return {
      account,
      runId: `run-${this.#runs}`,
      nowMs: this.marketMs + this.snapshotAgeMs,
      rules: this.rules,
      broker: this.hasSnapshot ? this.broker : null,
      book: this.picture,
      memory: this.memory,
    };
  }

  get broker(): BrokerPicture {
    const part = <P extends Part>(name: P) => ({
      outcome: this.outcomes[name] ?? ('ok' as const),
      rows: this.rows[name],
    });
    return {
      id: `snapshot-${this.#runs}`,
      sha256: 'f'.repeat(64),
      epoch: this.epoch,
      startedAtMs: this.marketMs - this.snapshotTookMs,
      completedAtMs: this.marketMs,
      brokerTimeMs: this.marketMs,
      positions: part('positions'),
      openOrders: part('openOrders'),
      completedOrders: part('completedOrders'),
      executions: part('executions'),
      accountValues: part('accountValues'),
    };
  }

  get picture(): BookPicture {
    const pointers = new Map<string, Versioned<PointerBody>>();
    for (const kind of ['perm', 'ref', 'api'] as const) {
      for (const [id, item] of this.#kind<PointerBody>(kind)) pointers.set(refText({ kind, id }), item);
    }
    return {
      orders: this.#kind<OrderBody>('order'),
      fills: this.#kind<FillBody>('fill'),
      positions: this.#kind<PositionBody>('position'),
      cash: this.#kind<BalanceBody>('cash'),
      pointers,
      instruments: this.instruments,
      isFirstRun: this.isFirstRun,
    };
  }

  /** One run: its verdict, and its memory for the next one. */
  run(): Verdict {
    const verdict = reconcile(this.input, digest);
    this.memory = verdict.memory;
    this.#runs += 1;
    return verdict;
  }

  /** As many runs as are said, the broker and the book as they are; the last verdict. */
  runs(count: number): Verdict {
    let verdict = this.run();
    for (let n = 1; n < count; n += 1) verdict = this.later().run();
    return verdict;
  }

  /** Carries out what the plan writes, each action on the condition of its versions. */
  apply(verdict: Verdict): this {
    for (const action of verdict.plan.actions) this.write(action.writes);
    this.isFirstRun = false;
    return this;
  }

  write(writes: readonly BookWrite[]): void {
    for (const { ref, expectedVersion, body } of writes) {
      const version = this.items.get(refText(ref))?.version ?? 0;
      if (version !== expectedVersion)
        throw new Error(`${refText(ref)} is at ${version}, not ${expectedVersion}`);
      if (body === null) this.items.delete(refText(ref));
      // As a table does it: what comes back is a copy.
      else this.items.set(refText(ref), { account, ref, version: version + 1, body: structuredClone(body) });
    }
  }

  order(key: string): OrderBody {
    return this.items.get(`order ${key}`)?.body as never;
  }

  #kind<T>(kind: BookKind): Map<string, Versioned<T>> {
    const found = new Map<string, Versioned<T>>();
    for (const { ref, version, body } of this.items.values()) {
      if (ref.kind !== kind) continue;
      const changedAtMs = kind === 'order' ? this.changedAtMs.get(ref.id) : undefined;
      found.set(ref.id, { version, body: body as never, ...(changedAtMs !== undefined && { changedAtMs }) });
    }
    return found;
  }
}

/** `<type> <subject>` of each discrepancy. */
export function found({ discrepancies }: Pick<Verdict, 'discrepancies'>): string[] {
  return discrepancies.map(({ type, subject }) => `${type} ${subject}`);
}

/** `<kind> <subject>` of each action. */
export function planned({ plan }: Verdict): string[] {
  return plan.actions.map(({ kind, subject }: PlanAction) => `${kind} ${subject}`);
}

export function fillOf(permId: number, execId: string, quantity: string, words: FillWords = {}): FillReport {
  const price = words.price ?? '5000';
  return {
    ...identityOf(permId, words),
    execId,
    ...parseExecId(execId),
    contract: words.contract ?? es,
    side: words.side ?? 'BUY',
    quantity,
    price,
    timeMs: words.atMs ?? openMs + minute,
    exchange: 'CME',
    liquidation: words.liquidation ?? false,
    liquidity: 1,
    cumulativeQuantity: words.cumulative ?? quantity,
    averagePrice: price,
    synthetic: words.synthetic ?? false,
  };
}

export function identityOf(
  permId: number,
  words: OrderWords,
): Pick<OrderReport, 'orderKey' | 'permId' | 'clientId' | 'orderId' | 'orderRef' | 'origin'> {
  const orderId = words.orderId ?? permId;
  return {
    orderKey: words.key ?? `P${permId}`,
    permId,
    clientId: words.clientId ?? 7,
    orderId,
    orderRef: words.orderRef ?? `ref-${permId}`,
    origin: orderId > 0 ? 'api' : 'manual',
  };
}

function termsOf({ terms, side, quantity, limitPrice }: OrderWords): OpenOrderFact['terms'] {
  const { parentKey: __, ...rest } = terms ?? {};
  return {
    ...brokerTerms,
    ...rest,
    ...(side !== undefined && { action: side }),
    ...(quantity !== undefined && { quantity }),
    ...(limitPrice !== undefined && { limitPrice }),
  };
}

function cashOf(value: string, currency: string): string {
  const said = cashValue({ kind: 'account-value', account, key: 'TotalCashBalance', value, currency });
  return said!.balance.cash;
}
