/** A simulated gateway for tests of orders: a steady tape that plays by itself, and clients that place orders on it. */
import { type Contract, type Order, OrderAction, OrderType } from '@stoqey/ib';
import {
  type FaultInput,
  type Gateway,
  type GatewayOptions,
  startGateway,
} from '../../sandbox/gateway/index.ts';
import { type Tape, type TapeRow, tapeFromRows } from '../../sandbox/tapes/tape.ts';
import { IbClient, RawClient } from './gateway-client.ts';

export const orderTapeStartMs = Date.parse('2026-01-05T15:00:00Z');

/** One print a second of size 10 in each symbol, at 2700.0 to 2700.9. */
function steadyTape(symbols: readonly string[], seconds: number): Tape {
  const rows: TapeRow[] = [];
  for (let second = 0; second < seconds; second += 1) {
    for (const symbol of symbols) {
      const price = `2700.${second % 10}`;
      const timeMs = orderTapeStartMs + second * 1_000;
      rows.push({ timeMs, symbol, price, size: '10', kind: 'trade', line: rows.length + 2 });
    }
  }
  return tapeFromRows('steady', rows);
}

/** Starts and closes what a test uses. */
export class OrderGateway {
  readonly gateway: Gateway;
  readonly log: string[];
  readonly #closing: (() => unknown)[];

  private constructor(gateway: Gateway, log: string[], closing: (() => unknown)[]) {
    this.gateway = gateway;
    this.log = log;
    this.#closing = closing;
  }

  /** The tape runs a hundred times as fast as the clock, whoever is connected. `closing` collects what to close. */
  static async start(
    closing: (() => unknown)[],
    options: GatewayOptions & { symbols?: readonly string[] } = {},
  ): Promise<OrderGateway> {
    const { symbols = ['GCG6'], ...rest } = options;
    const log: string[] = [];
    const gateway = await startGateway({
      port: 0,
      tape: steadyTape(symbols, 7_200),
      speed: 100,
      start: 'now',
      runId: 1,
      messagesPerSecond: 10_000,
      log: (text) => log.push(text),
      ...rest,
    });
    closing.push(() => gateway.stop());
    return new OrderGateway(gateway, log, closing);
  }

  async client(clientId = 7): Promise<IbClient> {
    const ib = new IbClient(this.gateway.port);
    this.#closing.push(() => ib.disconnect());
    return ib.connect(clientId);
  }

  async raw(clientId = 7, versions = 'v100..193'): Promise<RawClient> {
    const client = await RawClient.start(this.gateway.port, versions, clientId);
    this.#closing.push(() => client.socket.destroy());
    return client;
  }

  contract(index = 0): Contract {
    return { conId: this.gateway.tape.contracts[index]!.conId, exchange: 'COMEX' };
  }

  /** What is not said is a market order to buy one. */
  place(ib: IbClient, orderId: number, order: Partial<Order> = {}, contract = this.contract()): void {
    ib.ib.placeOrder(orderId, contract, {
      action: OrderAction.BUY,
      orderType: OrderType.MKT,
      totalQuantity: 1,
      transmit: true,
      ...order,
    } as Order);
  }

  /** A limit order that the tape never reaches. */
  rest(ib: IbClient, orderId: number, order: Partial<Order> = {}): void {
    this.place(ib, orderId, { orderType: OrderType.LMT, lmtPrice: 2600, ...order });
  }

  fault(fault: FaultInput): void {
    this.gateway.fault(fault);
  }

  async post(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(`http://127.0.0.1:${this.gateway.controlPort}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }
}

/** Statuses that a client was told of an order, in their order. */
export const statuses = (ib: IbClient, orderId: number): string[] =>
  ib
    .all('orderStatus')
    .filter(([id]) => id === orderId)
    .map((args) => String(args[1]));

export const isStatus =
  (orderId: number, status: string) =>
  (args: unknown[]): boolean =>
    args[0] === orderId && args[1] === status;

interface SeenExecution {
  readonly execId: string;
  readonly price: number;
  readonly shares: number;
  readonly orderId: number;
  readonly clientId: number;
  readonly permId: number;
  readonly side: string;
  readonly time: string;
  readonly acctNumber: string;
  readonly liquidation: number;
  readonly cumQty: number;
}

/** Executions that came by themselves, or as the answer to a request. */
export const executions = (ib: IbClient, reqId = -1): SeenExecution[] =>
  ib
    .all('execDetails')
    .filter(([id]) => id === reqId)
    .map((args) => args[2] as SeenExecution);

export const commissions = (ib: IbClient): { execId: string; commission: number }[] =>
  ib.all('commissionReport').map(([report]) => report as { execId: string; commission: number });

/** The order side's events in their order: `openOrder 1 Submitted`, `execDetails 1`, and so on. */
export function orderEvents(ib: IbClient): string[] {
  return ib.seen.flatMap(({ event, args }) => {
    if (event === 'openOrder') {
      const { status, commission } = args[3] as { status: string; commission?: number };
      return [`openOrder ${args[0]} ${status}${commission === undefined ? '' : ` ${commission}`}`];
    }
    if (event === 'orderStatus') return [`orderStatus ${args[0]} ${args[1]}`];
    if (event === 'execDetails') return [`execDetails ${(args[2] as SeenExecution).orderId}`];
    if (event === 'commissionReport') return ['commissionReport'];
    return [];
  });
}
