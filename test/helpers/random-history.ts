/**
 * A day at the broker with a streamer that tells the book of everything, a little later, and snapshots whose lists are
 * asked for one after the other while trading goes on. Nothing is ever lost, so whatever reconcile calls a discrepancy is
 * a false verdict. Random by a seed, nothing else.
 */
import type { ListOutcome } from '../../lib/domain/orders/broker-facts.ts';
import { es, openMs, spy } from '../unit/orders/order-harness.ts';
import { World } from './reconcile-world.ts';

const second = 1_000;
/** The book hears of it so late at most; shorter than the quiet period. */
const lagMsMax = 4 * second;

interface TruthOrder {
  readonly permId: number;
  readonly contract: typeof es;
  readonly side: 'BUY' | 'SELL';
  readonly quantity: number;
  limitPrice: string;
  state: 'Submitted' | 'Filled' | 'Cancelled';
  filled: number;
  endedAtMs: number;
}

interface Happening {
  readonly atMs: number;
  readonly tell: (world: World) => void;
}

type Rows = World['rows'];
const parts = ['positions', 'openOrders', 'completedOrders', 'executions', 'accountValues'] as const;

export class History {
  readonly world = new World()
    .bothCash('1000')
    .ruled({ absentRuns: 3, executionsSinceMs: openMs - 9 * 3_600 * second });
  readonly #random: () => number;
  readonly #orders: TruthOrder[] = [];
  readonly #executions: {
    readonly order: TruthOrder;
    readonly execId: string;
    readonly quantity: number;
    readonly price: string;
    readonly cumulative: number;
    readonly atMs: number;
  }[] = [];
  readonly #positions = new Map<string, { size: number; cost: number }>();
  readonly #queue: Happening[] = [];
  #nowMs = openMs;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Lives on for a while, with so many things happening. */
  live(happenings: number, everyMsMax: number): void {
    for (let n = 0; n < happenings; n += 1) {
      this.#advance(Math.floor(this.#random() * everyMsMax));
      this.#happen();
    }
  }

  /** Asks the broker list by list while it trades on, and reads the book a quiet period later. */
  snapshot(slowMsMax: number): void {
    const rows: Rows = {
      positions: [],
      openOrders: [],
      completedOrders: [],
      executions: [],
      accountValues: [],
    };
    const outcomes: Partial<Record<(typeof parts)[number], ListOutcome>> = {};
    const startMs = this.#nowMs;
    for (const part of this.#shuffled(parts)) {
      this.live(1, slowMsMax);
      const outcome = this.#random() < 0.15 ? this.#one(['partial', 'failed'] as const) : 'ok';
      outcomes[part] = outcome;
      const listed = this.#rows(part);
      const kept = outcome === 'ok' ? listed : listed.slice(0, Math.floor(this.#random() * listed.length));
      rows[part] = kept as never;
    }
    const { world } = this;
    const endMs = this.#nowMs;
    // Trading goes on until the book is read.
    this.live(1, lagMsMax);
    this.#advance(Math.max(0, endMs + 5 * second - this.#nowMs));
    world.rows = rows;
    world.outcomes = outcomes;
    world.marketMs = endMs;
    world.snapshotTookMs = endMs - startMs;
  }

  #happen(): void {
    const open = this.#orders.filter(({ state }) => state === 'Submitted');
    const chance = this.#random();
    if (open.length === 0 || chance < 0.35) this.#place();
    else if (chance < 0.75) this.#fill(this.#one(open));
    else if (chance < 0.85) this.#amend(this.#one(open));
    else this.#cancel(this.#one(open));
  }

  #place(): void {
    const order: TruthOrder = {
      permId: this.#orders.length + 1,
      contract: this.#one([es, spy]),
      side: this.#one(['BUY', 'SELL'] as const),
      quantity: 1 + Math.floor(this.#random() * 5),
      limitPrice: '5000',
      state: 'Submitted',
      filled: 0,
      endedAtMs: 0,
    };
    this.#orders.push(order);
    this.#report(order);
  }

  #amend(order: TruthOrder): void {
    order.limitPrice = this.#one(['4990', '5000', '5010']);
    this.#report(order);
  }

  #cancel(order: TruthOrder): void {
    order.state = 'Cancelled';
    order.endedAtMs = this.#nowMs;
    this.#report(order);
  }

  #fill(order: TruthOrder): void {
    const quantity = 1 + Math.floor(this.#random() * (order.quantity - order.filled));
    const price = this.#one(['5000', '5001']);
    order.filled += quantity;
    if (order.filled === order.quantity) {
      order.state = 'Filled';
      order.endedAtMs = this.#nowMs;
    }
    const execId = `e${this.#executions.length + 1}.01`;
    const execution = { order, execId, quantity, price, cumulative: order.filled, atMs: this.#nowMs };
    this.#executions.push(execution);
    const { contract, side, permId } = order;
    const name = String(contract.conId);
    const before = this.#positions.get(name) ?? { size: 0, cost: 0 };
    const size = before.size + (side === 'BUY' ? quantity : -quantity);
    const held = { size, cost: size === 0 ? 0 : 5000 * Number(contract.multiplier) };
    this.#positions.set(name, held);
    const words = { contract, side, price, cumulative: String(execution.cumulative), atMs: this.#nowMs };
    // No order among these is guaranteed (`ib-facts` 14).
    const tellings = [
      (world: World) => world.toldFill(permId, execId, String(quantity), words),
      (world: World) => world.toldPosition(String(held.size), String(held.cost), contract),
      this.#reporting(order),
    ];
    for (const tell of this.#shuffled(tellings)) this.#later(tell);
  }

  #report(order: TruthOrder): void {
    this.#later(this.#reporting(order));
  }

  #reporting({
    permId,
    contract,
    side,
    quantity,
    limitPrice,
    state,
    filled,
  }: TruthOrder): (world: World) => void {
    const changedAtMs = this.#nowMs;
    const words = {
      contract,
      side,
      quantity: String(quantity),
      limitPrice,
      filled: String(filled),
      changedAtMs,
    };
    return (world) => world.told(permId, { ...words, status: state });
  }

  /** The queue keeps its order: nothing overtakes what was told before. */
  #later(tell: (world: World) => void): void {
    const atMs = this.#nowMs + Math.floor(this.#random() * lagMsMax);
    this.#queue.push({ atMs: Math.max(atMs, this.#queue.at(-1)?.atMs ?? 0), tell });
  }

  #advance(ms: number): void {
    this.#nowMs += ms;
    while (this.#queue.length > 0 && this.#queue[0]!.atMs <= this.#nowMs)
      this.#queue.shift()!.tell(this.world);
  }

  #rows(part: (typeof parts)[number]): readonly unknown[] {
    const answer = new World();
    for (const order of this.#orders) {
      const { permId, contract, side, limitPrice, state, filled, endedAtMs } = order;
      const words = { contract, side, quantity: String(order.quantity), limitPrice };
      if (state === 'Submitted') answer.open(permId, { ...words, filled: String(filled) });
      else {
        const said = state === 'Filled' ? `Filled Size: ${filled}` : 'Cancelled by Trader';
        answer.completed(permId, said, { ...words, filled: String(filled), atMs: endedAtMs });
      }
    }
    for (const { order, execId, quantity, price, cumulative, atMs } of this.#executions) {
      const { permId, contract, side } = order;
      answer.execution(permId, execId, String(quantity), {
        contract,
        side,
        price,
        cumulative: String(cumulative),
        atMs,
      });
    }
    for (const contract of [es, spy]) {
      const held = this.#positions.get(String(contract.conId));
      // A closed position may be listed as 0 or not at all.
      if (held && (held.size !== 0 || this.#random() < 0.5))
        answer.position(String(held.size), String(held.cost), contract);
    }
    answer.cash('1000');
    return answer.rows[part];
  }

  #one<T>(all: readonly T[]): T {
    return all[Math.floor(this.#random() * all.length)]!;
  }

  #shuffled<T>(all: readonly T[]): T[] {
    return all
      .map((one) => ({ one, place: this.#random() }))
      .sort((a, b) => a.place - b.place)
      .map(({ one }) => one);
  }
}
