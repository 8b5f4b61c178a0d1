/** A tracker with the driver's part played: memory is kept, events are folded as the book folds them. */
import type {
  AccountValueFact,
  BrokerFact,
  BrokerList,
  CommissionFact,
  CompletedOrderFact,
  ExecutionFact,
  ListOutcome,
  OpenOrderFact,
  OrderErrorFact,
  OrderStatusFact,
  PositionFact,
} from '../../../lib/domain/orders/broker-facts.ts';
import { type OrderState, viewOf } from '../../../lib/domain/orders/order-state.ts';
import type { Stamp } from '../../../lib/domain/orders/stamp.ts';
import {
  createTracker,
  deadline,
  step,
  type TrackerDoc,
  type TrackerEffect,
  type TrackerEmit,
  type TrackerInput,
  type TrackerOptions,
  type TrackerState,
} from '../../../lib/domain/orders/tracker.ts';
import { catalogue } from '../../../lib/events/catalogue.ts';
import { es, fold, limitTerms, openMs, type Told } from './order-harness.ts';

const { parentKey: _, ...brokerTerms } = limitTerms;
const order = { account: 'DU1', orderId: 13, clientId: 7, permId: 900100, orderRef: 'ref-1' };

export function openOrder(more: Partial<OpenOrderFact> = {}): OpenOrderFact {
  return {
    kind: 'open-order',
    ...order,
    contract: es,
    terms: brokerTerms,
    transmit: true,
    status: 'Submitted',
    warning: '',
    ...more,
  };
}

export function terms(more: Partial<OpenOrderFact['terms']>): OpenOrderFact['terms'] {
  return { ...brokerTerms, ...more };
}

export function orderStatus(
  status: string,
  filled = '0',
  more: Partial<OrderStatusFact> = {},
): OrderStatusFact {
  const { orderId, clientId, permId } = order;
  return {
    kind: 'order-status',
    orderId,
    clientId,
    permId,
    parentId: 0,
    status,
    filled,
    remaining: String(5 - Number(filled)),
    averageFillPrice: filled === '0' ? '0' : '5000',
    whyHeld: '',
    ...more,
  };
}

export function execution(
  execId: string,
  quantity: string,
  more: Partial<ExecutionFact> = {},
): ExecutionFact {
  return {
    kind: 'execution',
    ...order,
    contract: es,
    execId,
    timeMs: openMs,
    side: 'BUY',
    quantity,
    price: '5000',
    exchange: 'CME',
    liquidation: false,
    liquidity: 1,
    cumulativeQuantity: quantity,
    averagePrice: '5000',
    ...more,
  };
}

export function commission(execId: string, cost: string | null = '2.25'): CommissionFact {
  return { kind: 'commission', execId, commission: cost, currency: 'USD', realizedPnl: null };
}

export function completed(
  completedStatus: string,
  more: Partial<CompletedOrderFact> = {},
): CompletedOrderFact {
  const { account, permId, orderRef } = order;
  return {
    kind: 'completed-order',
    account,
    permId,
    parentPermId: 0,
    orderRef,
    contract: es,
    // As recorded: a completed order does not say what was asked for.
    terms: { ...brokerTerms, quantity: '0' },
    status: completedStatus.split(' ')[0]!,
    filled: completedStatus.startsWith('Filled') ? '5' : '0',
    completedStatus,
    completedAtMs: openMs + 60_000,
    ...more,
  };
}

export function orderError(
  code: number,
  message = 'why',
  more: Partial<OrderErrorFact> = {},
): OrderErrorFact {
  return { kind: 'order-error', orderId: 13, clientId: 7, code, message, ...more };
}

export function position(size: string, cost = '250000', more: Partial<PositionFact> = {}): PositionFact {
  return { kind: 'position', account: 'DU1', contract: es, position: size, averageCost: cost, ...more };
}

export function accountValue(
  key: string,
  value: string,
  currency = 'USD',
  account = 'DU1',
): AccountValueFact {
  return { kind: 'account-value', account, key, value, currency };
}

export type Lists = Partial<Record<BrokerList, readonly BrokerFact[]>>;

export class TrackedDesk {
  state: TrackerState;
  nowMs = openMs;
  readonly memory: Map<string, TrackerDoc>;
  readonly emitted: TrackerEmit[] = [];
  readonly asked: BrokerList[] = [];
  readonly synced: (TrackerEffect & { kind: 'synced' })[] = [];
  /** The book: events folded with stamps of their own. */
  readonly book: Map<string, OrderState>;
  readonly #options: TrackerOptions;
  epoch = 1;
  #seen = 0;
  #told = 0;

  constructor(options: Partial<TrackerOptions> = {}, from?: TrackedDesk) {
    this.#options = { account: 'DU1', ...options };
    // What was written is read back as text.
    this.memory = new Map(JSON.parse(JSON.stringify([...(from?.memory ?? [])])) as [string, TrackerDoc][]);
    this.book = new Map(from?.book);
    this.nowMs = from?.nowMs ?? openMs;
    this.epoch = (from?.epoch ?? 0) + 1;
    this.state = createTracker(
      this.#options,
      [...this.memory].map(([key, doc]) => ({ key, doc })),
    );
  }

  /** The process is gone; another one starts from what was written. */
  restarted(options: Partial<TrackerOptions> = this.#options): TrackedDesk {
    return new TrackedDesk(options, this);
  }

  fact(...facts: readonly BrokerFact[]): this {
    for (const fact of facts) {
      this.#seen += 1;
      this.factAt(fact, { epoch: this.epoch, seq: this.#seen });
    }
    return this;
  }

  factAt(fact: BrokerFact, at: Stamp): this {
    return this.input({ kind: 'fact', fact, at });
  }

  connect(): this {
    return this.input({ kind: 'connected' });
  }

  /** Answers the round that is running: lists with these rows, each with `ok` unless told otherwise. */
  answer(lists: Lists = {}, outcomes: Partial<Record<BrokerList, ListOutcome>> = {}): this {
    for (const list of this.asked.splice(0)) {
      const outcome = outcomes[list] ?? 'ok';
      this.input({ kind: 'list-begin', list, renews: false });
      this.fact(...(lists[list] ?? []));
      this.input({ kind: 'list-over', list, whole: outcome === 'ok' });
      this.input({ kind: 'list-end', list, outcome });
    }
    return this;
  }

  /** Waits for the next round and answers it. */
  round(lists: Lists = {}, outcomes: Partial<Record<BrokerList, ListOutcome>> = {}): this {
    this.nowMs = Math.max(this.nowMs, deadline(this.state));
    return this.input({ kind: 'tick' }).answer(lists, outcomes);
  }

  input(input: TrackerInput): this {
    const { state, effects } = step(this.state, input, this.nowMs);
    this.state = state;
    for (const effect of effects) this.#carryOut(effect);
    return this;
  }

  /** Names of the events since the last call. */
  news(): string[] {
    return this.emitted.splice(0).map((event) => event.name);
  }

  /** `<severity> <alert> <subject>` of the alerts since the last call. */
  alerts(): string[] {
    return this.emitted
      .splice(0)
      .filter((event) => event.name === 'alert.raised')
      .map(({ data }) => `${data.severity} ${data.alert} ${data.subject}`);
  }

  view(key = 'P900100') {
    return viewOf(this.book.get(key)!);
  }

  #carryOut(effect: TrackerEffect): void {
    if (effect.kind === 'ask') this.asked.push(effect.list);
    else if (effect.kind === 'synced') this.synced.push(effect);
    else if (effect.kind === 'emit') this.#take(effect);
    else if (effect.doc === null) this.memory.delete(effect.key);
    else this.memory.set(effect.key, effect.doc);
  }

  #take(event: TrackerEmit): void {
    // What goes out is what the catalogue says.
    catalogue[event.name].schema.parse(event.data);
    this.emitted.push(event);
    const told = toldOf(event);
    if (told === undefined) return;
    this.#told += 1;
    const { state } = fold(this.book.get(told.report.orderKey), told, { epoch: this.epoch, seq: this.#told });
    this.book.set(told.report.orderKey, state);
  }
}

function toldOf(event: TrackerEmit): Told | undefined {
  switch (event.name) {
    case 'fill.received':
      return { kind: 'fill', report: event.data };
    case 'commission.received':
      return event.data.orderKey === '' ? undefined : { kind: 'commission', report: event.data };
    case 'position.changed':
    case 'balance.changed':
    case 'alert.raised':
      return undefined;
    default:
      return { kind: 'report', report: event.data };
  }
}
