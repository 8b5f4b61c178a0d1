import type { OrderWish } from '../lib/domain/orders/order-wish.ts';
import type { DenialCode } from '../lib/domain/safety/gate-types.ts';
import type { ListResult } from './broker-lists.ts';
import type { CancelHost } from './cancel-order.ts';
import type { OrderDesk } from './order-desk.ts';
import type { TradeCommand, Words } from './order-desk-types.ts';
import type { OwnOrders } from './own-orders.ts';
import type { TradingView } from './trading-view.ts';

export type { TradeCommand, Words } from './order-desk-types.ts';

export interface OrderCommandsOptions {
  readonly account: string;
  readonly desk: OrderDesk;
  readonly view: TradingView;
  readonly cancelHost: CancelHost;
  /** Asks the broker for its positions; resolves when they are told. */
  readonly listPositions: () => Promise<ListResult>;
  readonly systemMs: () => number;
  /** For deadlines: the system clock without its steps; the same when left out. */
  readonly steadyMs?: (() => number) | undefined;
}

/** What carries out one kind of command. */
export interface CommandHost extends OrderCommandsOptions {
  readonly own: OwnOrders;
}

export type CommandDenial = Words & { readonly code: DenialCode };
export type Of<T extends TradeCommand['type']> = Extract<TradeCommand, { type: T }>;

/** What the command rests on has changed, or is not known: nothing was sent, and it begins anew while it is valid. */
export class CommandAgainError extends Error {
  override readonly name = 'CommandAgainError';
  readonly code = 'COMMAND_AGAIN';
}

/** Of what never became an order. */
export function emptyWish({ type, by }: Of<'modify' | 'settle' | 'flatten'>, conId: number): OrderWish {
  return { command: type, by, conId, legs: [] };
}
