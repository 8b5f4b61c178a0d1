/** All orders, by permId and by (client, order id); and which order ids a client may still use. */
import type { BrokerOrder } from './types.ts';

export class OrderStore {
  readonly #byClient = new Map<number, Map<number, BrokerOrder>>();
  readonly #byPerm = new Map<number, BrokerOrder>();
  readonly #children = new Map<BrokerOrder, BrokerOrder[]>();
  readonly #highest = new Map<number, number>();
  readonly #firstPermId: number;
  #boundIds = 0;

  constructor(runId: number) {
    // Ten digits, as IB's are, and below 2^31, which is where older clients end.
    this.#firstPermId = 1_000_000_000 + (runId % 1_000_000) * 1_000;
  }

  find(clientId: number, orderId: number): BrokerOrder | undefined {
    return this.#byClient.get(clientId)?.get(orderId);
  }

  byPermId(permId: number): BrokerOrder | undefined {
    return this.#byPerm.get(permId);
  }

  /** The highest order id that a client has used or seen; 0 before any. */
  highest(clientId: number): number {
    return this.#highest.get(clientId) ?? 0;
  }

  /** New ids of a client must be above this one from now on. */
  raise(clientId: number, orderId: number): void {
    this.#highest.set(clientId, Math.max(this.highest(clientId), orderId));
  }

  add(order: BrokerOrder): void {
    if (order.parent !== undefined && !this.children(order.parent).includes(order)) {
      this.#children.set(order.parent, [...this.children(order.parent), order]);
    }
    if (order.orderId === 0) return;
    let own = this.#byClient.get(order.clientId);
    if (own === undefined) {
      own = new Map();
      this.#byClient.set(order.clientId, own);
    }
    own.set(order.orderId, order);
    this.raise(order.clientId, order.orderId);
  }

  /** Gives an order its permId. */
  admit(order: BrokerOrder): void {
    order.permId = this.#firstPermId + this.#byPerm.size;
    this.#byPerm.set(order.permId, order);
  }

  /** An order typed into TWS gets a negative order id, by which client 0 may change it. */
  bind(order: BrokerOrder): void {
    if (!order.manual || order.orderId !== 0) return;
    this.#boundIds -= 1;
    order.orderId = this.#boundIds;
    this.add(order);
  }

  drop(order: BrokerOrder): void {
    this.#byClient.get(order.clientId)?.delete(order.orderId);
  }

  /** Orders that only the gateway holds. */
  held(): BrokerOrder[] {
    return [...this.#byClient.values()].flatMap((own) =>
      [...own.values()].filter((order) => order.stage === 'held'),
    );
  }

  /** Orders that have a permId, in its order. */
  sent(): BrokerOrder[] {
    return [...this.#byPerm.values()];
  }

  /** Orders that may still change. */
  open(): BrokerOrder[] {
    return this.sent().filter(({ stage }) => stage !== 'done');
  }

  children(parent: BrokerOrder): readonly BrokerOrder[] {
    return this.#children.get(parent) ?? [];
  }
}
