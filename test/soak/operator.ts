/** Who trades in the soak: commands by the queue as a strategy sends them, and somebody at TWS. */
import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BookTable } from '../../lib/aws/book-table.ts';
import { LeaseTable } from '../../lib/aws/lease-table.ts';
import { SafetyStore } from '../../lib/aws/safety-store.ts';
import type { Gateway } from '../../sandbox/gateway/index.ts';
import { account, type BareCommand, commandOf } from '../helpers/orders-out.ts';
import type { Sink } from './sink.ts';
import type { WeekAct } from './week.ts';

export const tables = {
  bookTable: 'soak-book',
  auditTable: 'soak-audit',
  controlTable: 'soak-control',
} as const;

/** Between the two halves of a round trip, and between an order and its cancel. */
const LATER_MS = 180_000;

interface Due {
  readonly atMs: number;
  readonly run: () => void;
}

export interface OperatorOptions {
  readonly client: DynamoDBClient;
  readonly sink: Sink;
  readonly gateway: Gateway;
  readonly nowMs: () => number;
}

export class Operator {
  /** Ids of the trading commands that were sent, with what they ask for. */
  readonly sent = new Map<string, string>();
  snapshots = 0;
  byHand = 0;
  readonly #options: OperatorOptions;
  readonly #due: Due[] = [];
  #keys = 0;

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  /** Flags cleared, and the lock open for the present term of the lease; false while there is none. */
  async open(): Promise<boolean> {
    const { client } = this.#options;
    const leases = new LeaseTable({ client, tableName: tables.controlTable, timeoutMs: 5_000 });
    const lease = await leases.read(account);
    if (lease === undefined) return false;
    const safety = new SafetyStore({ book: new BookTable({ client, ...tables }) });
    await safety.setFlags(account, { DRY_RUN: false, SAFE_MODE: false }, { who: 'soak', reason: 'soak' });
    await safety.setLock(
      account,
      { state: 'open', reason: 'soak', runId: 'soak', token: lease.token },
      { writer: 'operator', cause: { kind: 'operator', id: 'soak', name: 'soak', reason: 'soak' } },
    );
    return true;
  }

  /** What follows from an earlier act and is due by now. */
  runDue(): void {
    const nowMs = this.#options.nowMs();
    for (const due of this.#due.splice(0)) {
      if (due.atMs <= nowMs) due.run();
      else this.#due.push(due);
    }
  }

  act(act: WeekAct): void {
    const { gateway, nowMs } = this.#options;
    switch (act.kind) {
      case 'snapshot':
        this.snapshots += 1;
        this.#send({ type: 'snapshot' });
        return;
      case 'round-trip': {
        const order = { quantity: String(act.quantity), orderType: 'MKT' as const };
        this.#place(act.symbol, { ...order, action: 'BUY' });
        this.#due.push({
          atMs: nowMs() + LATER_MS,
          run: () => this.#place(act.symbol, { ...order, action: 'SELL' }),
        });
        return;
      }
      case 'rest-and-cancel': {
        const limitPrice = this.#below(act.symbol);
        this.#place(act.symbol, { action: 'BUY', quantity: '1', orderType: 'LMT', limitPrice });
        this.#due.push({
          atMs: nowMs() + LATER_MS,
          run: () => this.#send({ type: 'cancel-all', conId: this.#conIdOf(act.symbol) }),
        });
        return;
      }
      case 'by-hand':
        gateway.trade({ action: 'place', symbol: act.symbol, side: act.side, quantity: '1' });
        this.byHand += 1;
    }
  }

  #place(symbol: string, order: Extract<BareCommand, { type: 'place' }>['order']): void {
    this.#keys += 1;
    this.#send({ type: 'place', key: `soak-${this.#keys}`, conId: this.#conIdOf(symbol), order });
  }

  #send(bare: BareCommand): void {
    const { sink, nowMs } = this.#options;
    const command = commandOf(bare, { id: randomUUID(), atMs: nowMs() });
    if (bare.type !== 'snapshot')
      this.sent.set(command.id, `${bare.type} at ${new Date(nowMs()).toISOString()}`);
    sink.send(command);
  }

  #conIdOf(symbol: string): number {
    return this.#options.gateway.tape.contracts.find(({ localSymbol }) => localSymbol === symbol)!.conId;
  }

  /** Two per cent below the last print, on a whole unit: a price that rests, and that the gate's collar lets through. */
  #below(symbol: string): string {
    const { rows } = this.#options.gateway.tape;
    const { ticksPlayed } = this.#options.gateway.status();
    for (let index = ticksPlayed - 1; index >= 0; index -= 1) {
      const row = rows[index]!;
      if (row.symbol === symbol && row.kind === 'trade') return String(Math.floor(Number(row.price) * 0.98));
    }
    throw new Error(`${symbol} has not traded yet`);
  }
}
