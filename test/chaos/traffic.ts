/** What goes on at the desk all the while: another client's orders, a person's, and our own through the command queue. */
import { setTimeout as sleep } from 'node:timers/promises';
import { digest } from '../../lib/aws/audit-hash.ts';
import { type Intent, orderRefOf } from '../../lib/domain/orders/intent.ts';
import { legNames } from '../../lib/domain/orders/order-wish.ts';
import type { Desk } from '../../sandbox/desk/desk.ts';
import type { BrokerRecord } from '../../sandbox/gateway/broker/record.ts';
import { mulberry32 } from '../../sandbox/tapes/generate.ts';
import { account, type BareCommand, OrdersOut, tradedLine } from '../helpers/orders-out.ts';
import { TradingClient } from '../helpers/trading-day.ts';

/** More messages wait for the book-keeper: who trades waits too, or a slow machine never catches up. */
const backlogMax = 15;
const ownEveryMs = 1_000;
const otherEveryMs = 700;
const otherClient = 7;

export interface OwnOrders {
  readonly commands: number;
  /** By the state of their intent; `none` for a command that came to nothing and was never begun. */
  readonly states: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
}

export class Traffic {
  readonly orders: OrdersOut;
  readonly keys: string[] = [];
  /** Commands that the queue did not take. */
  refused = 0;
  readonly #desk: Desk;
  readonly #client: TradingClient;
  readonly #random: () => number;
  readonly #conId: number;
  #last: number;
  #isPaused = true;
  /** Only our own commands go on. */
  isCalm = false;
  #isOver = false;
  /** Loops that are sending something. */
  #busy = 0;
  #loops: Promise<unknown>[] = [];

  private constructor(
    desk: Desk,
    client: TradingClient,
    line: { conId: number; last: number },
    seed: number,
  ) {
    this.#desk = desk;
    this.#client = client;
    this.#random = mulberry32(seed);
    this.#conId = line.conId;
    this.#last = line.last;
    this.orders = new OrdersOut(desk);
  }

  static async open(desk: Desk, seed: number): Promise<Traffic> {
    const line = await tradedLine(desk);
    const { symbol, conId } = line;
    const client = await TradingClient.open({ desk, symbol, conId, clientId: otherClient, seed });
    const traffic = new Traffic(desk, client, line, seed);
    traffic.#loops = [traffic.#others(), traffic.#own()];
    return traffic;
  }

  get placed(): number {
    return this.#client.placed + this.keys.length;
  }

  go(): void {
    this.#isPaused = false;
  }

  /** Nothing more is sent; resolves when what was begun is done. */
  async pause(timeoutMs = 10_000): Promise<void> {
    this.#isPaused = true;
    for (const deadline = Date.now() + timeoutMs; this.#busy > 0 && Date.now() < deadline; ) await sleep(20);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    this.#isPaused = true;
    await Promise.race([Promise.all(this.#loops), sleep(5_000)]);
    this.#client.close();
  }

  /** A command that is another account's: the streamer raises `command_foreign`. */
  async foreign(): Promise<void> {
    const bare = { type: 'cancel-all', key: 'foreign', account: 'DU7654321' };
    await this.orders.send(bare as unknown as BareCommand);
  }

  /** Every command of ours beside the broker's record: one end each, and no order twice. */
  async judge(record: BrokerRecord): Promise<OwnOrders> {
    const problems: string[] = [];
    const states: Record<string, number> = {};
    const byRef = Map.groupBy(record.orders, ({ orderRef }) => orderRef);
    const known = new Set<string>();
    for (const key of this.keys) {
      const intent = await this.orders.intent(key);
      const state = intent?.state ?? 'none';
      states[state] = (states[state] ?? 0) + 1;
      const refs = legNames.map((leg) => orderRefOf(account, key, leg, digest));
      for (const ref of refs) known.add(ref);
      const atBroker = refs.flatMap((ref) => byRef.get(ref) ?? []);
      if (refs.some((ref) => (byRef.get(ref) ?? []).length > 1))
        problems.push(`${key} is at the broker twice`);
      const expected = expectedOrders(intent);
      if (expected !== undefined && atBroker.length !== expected)
        problems.push(`${key} is ${state} and has ${atBroker.length} orders at the broker`);
    }
    for (const { orderRef, clientId, permId } of record.orders)
      if (clientId === 1 && !known.has(orderRef)) problems.push(`order ${permId} of ours has no command`);
    return { commands: this.keys.length, states, problems };
  }

  /** Commands whose intent has been begun and has no end yet. */
  async undecided(): Promise<readonly string[]> {
    const intents = await Promise.all(this.keys.map((key) => this.orders.intent(key)));
    return this.keys.filter((_, index) => intents[index]?.state === 'sending');
  }

  async #others(): Promise<void> {
    while (!this.#isOver) {
      await sleep(otherEveryMs);
      if (!this.isCalm && !(await this.#isBehind())) await this.#busily(() => this.#client.trade(1));
    }
  }

  async #own(): Promise<void> {
    while (!this.#isOver) {
      await sleep(ownEveryMs);
      await this.#busily(async () => {
        const stats = await this.#desk.streamerStats();
        this.#last = Number(stats?.marketData?.lines[0]?.lastPrice ?? this.#last);
        const key = `own-${this.keys.length}`;
        this.keys.push(key);
        await this.orders.send(this.#wish(key)).catch(() => {
          this.refused += 1;
        });
      });
    }
  }

  async #busily(work: () => Promise<void>): Promise<void> {
    if (this.#isPaused) return;
    this.#busy += 1;
    await work().catch(() => undefined);
    this.#busy -= 1;
  }

  /** Small, and some of it filled at once. */
  #wish(key: string): BareCommand {
    const price = (share: number) => (this.#last * share).toFixed(1);
    const dice = this.#random();
    const action = this.#random() < 0.5 ? 'BUY' : 'SELL';
    const head = { key, conId: this.#conId } as const;
    if (dice < 0.4) return { type: 'place', ...head, order: { action, quantity: '1', orderType: 'MKT' } };
    const order = { action: 'BUY', quantity: '1', orderType: 'LMT', limitPrice: price(0.98) } as const;
    if (dice < 0.8) return { type: 'place', ...head, order };
    const child = { action: 'SELL', quantity: '1' } as const;
    return {
      type: 'place-bracket',
      ...head,
      legs: [
        { leg: 'entry', ...order },
        { leg: 'take-profit', ...child, orderType: 'LMT', limitPrice: price(1.02) },
        { leg: 'stop-loss', ...child, orderType: 'STP', stopPrice: price(0.97) },
      ],
    };
  }

  async #isBehind(): Promise<boolean> {
    return (await this.#desk.cloud.queueDepth('evenkeel-sandbox-book.fifo')) > backlogMax;
  }
}

/** Undefined for an intent whose end is not known: the broker may have it, or not. */
function expectedOrders(intent: Intent | undefined): number | undefined {
  if (intent?.state === 'sent') return intent.legs.length;
  return intent?.state === 'unresolved' || intent?.state === 'sending' ? undefined : 0;
}
