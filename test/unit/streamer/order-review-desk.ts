/** The sender of orders over a book in memory and a broker that says only what a test makes it say. */
import { DatabaseSync } from 'node:sqlite';
import { configSchema } from '../../../config/schema.ts';
import { digest } from '../../../lib/aws/audit-hash.ts';
import type { BookRef } from '../../../lib/domain/book/item.ts';
import { parsePrice } from '../../../lib/domain/market/fixed.ts';
import { alwaysOpen } from '../../../lib/domain/market/sessions.ts';
import type { BrokerFact, ListOutcome } from '../../../lib/domain/orders/broker-facts.ts';
import { foldFill } from '../../../lib/domain/orders/order-state.ts';
import { judgeEnd } from '../../../lib/domain/orders/tracker-ends.ts';
import { firstFlags, flagsBody } from '../../../lib/domain/safety/flags.ts';
import { lockBody } from '../../../lib/domain/safety/lock.ts';
import { type TradingMode, tradingBody } from '../../../lib/domain/safety/trading-state.ts';
import type { EventData } from '../../../lib/events/catalogue.ts';
import { commandSchema } from '../../../lib/events/command.ts';
import { AccountWorth } from '../../../streamer/account-worth.ts';
import { createLine } from '../../../streamer/line.ts';
import { OrderCommands } from '../../../streamer/order-commands.ts';
import { OrderDesk, type TradeCommand } from '../../../streamer/order-desk.ts';
import { OrderJournal } from '../../../streamer/order-journal.ts';
import type { OrderToWrite } from '../../../streamer/order-writer.ts';
import type { BrokerListener } from '../../../streamer/tracker-driver.ts';
import type { TradingView } from '../../../streamer/trading-view.ts';
import { MemoryBook } from '../../helpers/memory-book.ts';
import { fillOf } from '../orders/order-harness.ts';
import { TrackedDesk } from '../orders/tracker-harness.ts';

export const account = 'DU1234567';
export const conId = 17;
export const clientId = 1;
const at = '2026-01-05T15:00:00.000Z';
const first = { epoch: 1, seq: 1 };
const nothing = () => undefined;
export const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };

const limited = configSchema.parse({
  stage: 'sandbox',
  streamers: [
    { name: 'main', account, symbols: ['GC'], gateway: { clientId, port: 4002 }, dbPath: ':memory:' },
  ],
  risk: {
    maxQuantity: '50',
    maxNotional: null,
    maxPosition: '50',
    maxOpenOrders: null,
    maxOrdersPerMinute: null,
    maxDailyLoss: null,
    maxDrawdown: null,
    priceCollar: '0.05',
  },
});

interface Told {
  readonly orderId: number;
  readonly orderRef: string;
  readonly action?: 'BUY' | 'SELL';
  readonly quantity?: string;
  readonly orderType?: string;
  readonly limitPrice?: string | null;
  readonly stopPrice?: string | null;
  readonly clientId?: number;
  readonly parentId?: number;
  readonly ocaGroup?: string;
  /** By its executions; none when left out. */
  readonly filled?: string;
  /** The broker's lists lack it, and a person was told. */
  readonly isUnresolved?: boolean;
}

const line = Object.assign(createLine(0, 'GC', 'GC', []), {
  instrument: {
    conId,
    configured: 'GC',
    symbol: 'GC',
    localSymbol: 'GCG6',
    secType: 'FUT',
    exchange: 'COMEX',
    currency: 'USD',
    multiplier: '100',
    minTick: '0.1',
    timeZone: 'UTC',
    tradingHours: '',
  },
  calendar: alwaysOpen(),
  feed: 'live' as const,
  lastPrice: parsePrice('2700'),
});

export class ReviewDesk {
  readonly memory = new MemoryBook();
  readonly placed: OrderToWrite[] = [];
  readonly cancelled: number[] = [];
  readonly answers: EventData<'command.answered'>[] = [];
  readonly alerts: EventData<'alert.raised'>[] = [];
  readonly desk: OrderDesk;
  readonly commands: OrderCommands;
  readonly journal: OrderJournal;
  /** Net, as the streamer has been told; and as the broker answers when it is asked. */
  position = '0';
  listed: string | undefined;
  listOutcome: ListOutcome = 'ok';
  ordersOutcome: ListOutcome = 'ok';
  nextValidId = 1;
  isReady = true;
  /** Positions and open orders are known whole; as `isReady` when it is not set. */
  canClose: boolean | undefined;
  isLinked = true;
  nowMs = Date.parse(at);
  /** Called with each placeOrder, and each cancel. */
  onPlace: (order: OrderToWrite) => void = () => undefined;
  onCancel: (orderId: number) => void = () => undefined;
  /** Called where the broker's lists are wanted soon. */
  onDoubt: () => void = () => undefined;
  /** The tracker that knows which orders the broker's lists lack. */
  readonly tracked = new TrackedDesk({ account });
  /** Called with each question for positions, before it is answered. */
  onList: () => void = () => undefined;
  /** The broker's answer to a what-if question. */
  askMargin: TradingView['askMargin'] = () => Promise.reject(new TypeError('nobody asks for margin here'));
  readonly #living = new Map<string, Told>();
  readonly #listeners: BrokerListener[] = [];
  #ids = 0;

  constructor(risk: Partial<(typeof limited)['risk']> = {}, steadyMs?: () => number) {
    const config = { ...limited, risk: { ...limited.risk, ...risk } };
    const db = new DatabaseSync(':memory:');
    db.exec(`CREATE TABLE sends (key TEXT PRIMARY KEY, next_order_id INTEGER NOT NULL) STRICT;
      CREATE TABLE ended (key TEXT PRIMARY KEY) STRICT`);
    this.journal = new OrderJournal(db);
    const [streamer] = config.streamers;
    const view = this.#view();
    const worth = new AccountWorth(account, view, () => undefined);
    const systemMs = () => this.nowMs;
    this.desk = new OrderDesk({
      config,
      streamer: streamer!,
      view,
      book: this.memory,
      journal: this.journal,
      holder: 'this disk',
      token: 1,
      mayWrite: () => true,
      answer: (answer) => this.answers.push(answer),
      raise: (alert) => this.alerts.push(alert),
      logger: silent,
      systemMs,
      steadyMs,
      sha256: digest,
      worth,
    });
    this.commands = new OrderCommands({
      account,
      desk: this.desk,
      view,
      cancelHost: {
        clientId,
        collect: async () => ({ list: 'open-orders', outcome: this.ordersOutcome, facts: [] }),
        mayWrite: () => true,
        cancel: (orderId) => view.cancel(orderId),
        raise: (alert) => void this.alerts.push(alert),
        logger: silent,
        systemMs,
      },
      listPositions: async () => this.#positions(),
      systemMs,
      steadyMs,
    });
    this.write(
      { kind: 'flags', id: '' },
      flagsBody({ ...firstFlags, DRY_RUN: false, SAFE_MODE: false }, 'op', 'test', at),
    );
    this.write(
      { kind: 'lock', id: '' },
      lockBody({ state: 'open', reason: 'reconciled', runId: 'run', token: 1 }, 'run', at),
    );
  }

  /** What stands in the book from now on, whoever wrote it. */
  write(ref: BookRef, body: object): void {
    const key = `${account} ${ref.kind} ${ref.id}`;
    const version = (this.memory.items.get(key)?.version ?? 0) + 1;
    this.memory.items.set(key, { account, ref, version, body: JSON.parse(JSON.stringify(body)) });
  }

  trading(mode: TradingMode): void {
    this.write({ kind: 'trading', id: '' }, tradingBody({ mode, by: 'op', reason: 'test', at }));
  }

  intent(key: string) {
    return this.memory.items.get(`${account} intent ${key}`)?.body;
  }

  command<T extends TradeCommand['type']>(type: T, more: object): Extract<TradeCommand, { type: T }> {
    this.#ids += 1;
    return commandSchema.parse({
      id: `7b0a3c1e-2f4d-4e6a-9b8c-${String(this.#ids).padStart(12, '0')}`,
      type,
      version: 1,
      account,
      by: 'person',
      issuedAt: new Date(this.nowMs).toISOString(),
      issuedBy: 'anna',
      validUntil: new Date(this.nowMs + 30_000).toISOString(),
      ...more,
    }) as Extract<TradeCommand, { type: T }>;
  }

  perform(command: TradeCommand, signal = AbortSignal.timeout(4_000)): Promise<void> {
    return this.commands.perform(command, signal);
  }

  /** The order works at the broker, and the streamer has been told. */
  shows(told: Told): void {
    this.#living.set(told.orderRef, told);
    this.fact({
      kind: 'open-order',
      permId: 9_000 + told.orderId,
      clientId,
      status: 'Submitted',
      terms: termsOf(told),
      ...told,
    } as unknown as BrokerFact);
  }

  /** As it was written, it works. */
  showsWritten({ orderId, order }: OrderToWrite): void {
    this.shows({
      orderId,
      orderRef: order.orderRef ?? '',
      action: order.action as 'BUY' | 'SELL',
      quantity: String(order.totalQuantity),
      orderType: String(order.orderType),
      limitPrice: order.lmtPrice === undefined ? null : String(order.lmtPrice),
      stopPrice: order.auxPrice === undefined ? null : String(order.auxPrice),
    });
  }

  ends(orderRef: string): void {
    this.#living.delete(orderRef);
  }

  fact(fact: BrokerFact): void {
    for (const listener of this.#listeners) listener.fact(fact);
  }

  /** The link was lost, and so many complete rounds of the broker's lists have come since. */
  linkLost(rounds: number): void {
    for (const listener of this.#listeners) listener.disconnected();
    for (let round = 0; round < rounds; round += 1)
      for (const listener of this.#listeners) listener.round(true);
  }

  #positions() {
    this.onList();
    const position = this.listed ?? this.position;
    this.position = position;
    const fact = { kind: 'position', account, contract: { conId }, position, averageCost: '0' };
    return { list: 'positions', outcome: this.listOutcome, facts: [fact as unknown as BrokerFact] } as const;
  }

  #view(): TradingView {
    const tracked = () =>
      [...this.#living.values()].map((told) => ({
        key: told.orderRef,
        account,
        state:
          told.filled === undefined
            ? undefined
            : foldFill(undefined, fillOf('e.1', told.filled, '2700'), first).state,
        unresolvedTold: told.isUnresolved === true,
        missingRounds: told.isUnresolved === true ? 3 : 0,
        report: {
          permId: 9_000 + told.orderId,
          clientId,
          status: 'Submitted',
          contract: { conId },
          reportedFilled: told.filled ?? '0',
          ...told,
          terms: termsOf(told),
        },
      })) as unknown as ReturnType<TradingView['living']>;
    return {
      clientId,
      session: () => {
        const canClose = this.canClose ?? this.isReady;
        return { ready: this.isReady, canClose, phase: canClose ? 'ready' : 'lost', readOnlyApi: false };
      },
      managed: () => [account],
      marketMs: () => this.nowMs,
      lines: () => [],
      line: (id) => (id === conId ? line : undefined),
      living: tracked,
      order: (permId) => tracked().find(({ report }) => report?.permId === permId),
      positions: () =>
        this.position === '0'
          ? []
          : ([{ contract: { conId }, position: this.position }] as unknown as ReturnType<
              TradingView['positions']
            >),
      nextValidId: () => this.nextValidId,
      place: (order) => {
        if (!this.isLinked) return false;
        this.placed.push(order);
        this.onPlace(order);
        return true;
      },
      askMargin: (order) => this.askMargin(order),
      cancel: (orderId) => {
        if (!this.isLinked) return false;
        this.cancelled.push(orderId);
        this.onCancel(orderId);
        return true;
      },
      doubt: () => this.onDoubt(),
      rounds: () => ({
        begun: this.tracked.state.roundId,
        isRunning: this.tracked.state.round !== undefined,
      }),
      judgeEnd: (end) => judgeEnd(this.tracked.state, end),
      giveEnd: (end) => {
        const verdict = judgeEnd(this.tracked.state, end);
        this.tracked.input({ kind: 'settle', end });
        return verdict;
      },
      listen: (listener) => void this.#listeners.push(listener),
    };
  }
}

function termsOf(told: Told) {
  return {
    action: told.action ?? 'SELL',
    quantity: told.quantity ?? '5',
    orderType: told.orderType ?? 'STP',
    limitPrice: told.limitPrice ?? null,
    stopPrice: told.stopPrice ?? (told.orderType === undefined ? '2650' : null),
    trailingPercent: null,
    trailStopPrice: null,
    timeInForce: 'GTC',
    goodTillDate: '',
    outsideRth: false,
    ocaGroup: told.ocaGroup ?? '',
    ocaType: told.ocaGroup === undefined ? 0 : 1,
    parentId: told.parentId ?? 0,
    parentKey: null,
  };
}
