import type { Config, StreamerConfig } from '../config/schema.ts';
import { formatPrice } from '../lib/domain/market/fixed.ts';
import { type Amount, amount, plain } from '../lib/domain/orders/decimals.ts';
import type { Intent } from '../lib/domain/orders/intent.ts';
import { viewOf } from '../lib/domain/orders/order-state.ts';
import type { OrderWish, WishedLeg } from '../lib/domain/orders/order-wish.ts';
import type { TrackedOrder } from '../lib/domain/orders/tracker-state.ts';
import type { TradingPicture } from '../lib/domain/safety/gate-types.ts';
import type { AccountWorth } from './account-worth.ts';
import type { Line } from './line.ts';
import type { DeskReading } from './order-book.ts';
import type { TradingView } from './trading-view.ts';

/** Orders of the last minute count for the rate. */
const MINUTE_MS = 60_000;

export interface PictureHost {
  readonly config: Config;
  readonly streamer: StreamerConfig;
  readonly view: TradingView;
  readonly token: number;
  /** Whether the lease is held at this moment. */
  readonly mayWrite: () => boolean;
  readonly systemMs: () => number;
  readonly worth: AccountWorth;
}

/** An order that is to be changed. */
export interface ChangedOrder {
  readonly permId: number;
  /** It was placed together with other legs. */
  readonly isBracket: boolean;
}

export interface PictureOf {
  readonly wish: Pick<OrderWish, 'conId' | 'command'>;
  /** An order whose change is asked for: it is not counted beside itself. */
  readonly changed: ChangedOrder | null;
  /** What has left and the broker has not shown yet counts as working. */
  readonly pending: readonly Intent[];
}

/** What the gate looks at: the book's word and the broker's, at this moment. */
export function takePicture(
  { config, streamer, view, token, mayWrite, systemMs, worth }: PictureHost,
  { flags, lock, trading, desk }: DeskReading,
  { wish, changed: change, pending }: PictureOf,
): TradingPicture {
  const line = view.line(wish.conId);
  const changed = change === null ? undefined : view.order(change.permId);
  const told = view.living().filter((order) => order !== changed && order.account === streamer.account);
  const shown = new Set(told.map(({ report }) => report?.orderRef));
  // What whole lists of the broker lack, so that people were told, nobody could cancel to make room.
  const others = told.filter(({ unresolvedTold }) => !unresolvedTold);
  const isOfContract = ({ report }: TrackedOrder) => report?.contract.conId === wish.conId;
  // A flatten ends our own before it closes: they fill nothing beside it.
  const isEnded = (order: TrackedOrder) =>
    wish.command === 'flatten' && isOfContract(order) && order.report?.clientId === view.clientId;
  const living = others.filter((order) => !isEnded(order));
  const ofContract = living.filter(isOfContract).map((order) => ({ order, quantity: asked(order, pending) }));
  const unseen = pending.flatMap(({ command, conId, legs, wish: { legs: wished } }) =>
    command === 'modify'
      ? []
      : wished.flatMap((leg) => {
          const isShown = shown.has(legs.find((one) => one.leg === leg.leg)?.orderRef);
          return isShown ? [] : [{ conId, leg }];
        }),
  );
  const session = view.session();
  const remaining = (action: 'BUY' | 'SELL') =>
    remainingOf(ofContract, unseen, { conId: wish.conId, action, isWhole: session.ready });
  const nowMs = systemMs();
  const { now, ageMs } = worth;
  const value = worth.day(desk.value);
  return {
    flags,
    lock,
    trading,
    lease: { held: mayWrite(), token },
    session,
    account: {
      account: streamer.account,
      stage: config.stage,
      port: streamer.gateway.port,
      managed: view.managed(),
    },
    instrument: line?.instrument,
    lotSize: line?.instrument?.lotSize ?? '1',
    market: marketOf(line, view.marketMs()),
    position: view.positions().find(({ contract }) => contract.conId === wish.conId)?.position ?? '0',
    modified: modifiedOf(changed, change),
    working: {
      buy: remaining('BUY'),
      sell: remaining('SELL'),
    },
    openOrders: living.length + unseen.length,
    ordersLastMinute: desk.leftAtMs.filter((ms) => ms > nowMs - MINUTE_MS).length,
    value: { now, atStart: value?.atStart ?? null, peak: value?.peak ?? null, ageMs },
    limits: config.risk,
  };
}

function modifiedOf(
  order: TrackedOrder | undefined,
  change: ChangedOrder | null,
): TradingPicture['modified'] {
  if (order?.report === undefined || change === null) return null;
  const { action, quantity } = order.report.terms;
  return { action, quantity, filled: filledOf(order), isBracket: change.isBracket };
}

function filledOf({ state }: TrackedOrder): string {
  return state === undefined ? '0' : viewOf(state).filled;
}

/** The broker may say that it is filled before the execution comes. */
function toldFilledOf(order: TrackedOrder): Amount {
  const filled = amount(filledOf(order));
  const reported = amount(order.report?.reportedFilled ?? '0');
  return reported.gt(filled) ? reported : filled;
}

/** When orders left within the last minute, this moment's included. */
export function leftWithin(leftAtMs: readonly number[], nowMs: number, orders: number): readonly number[] {
  return [...leftAtMs.filter((ms) => ms > nowMs - MINUTE_MS), ...Array.from({ length: orders }, () => nowMs)];
}

function marketOf(line: Line | undefined, marketMs: number): TradingPicture['market'] {
  if (line === undefined) return { feed: 'unknown', lastPrice: null, session: 'unknown', halted: false };
  return {
    feed: line.feed,
    lastPrice: Number.isNaN(line.lastPrice) ? null : formatPrice(line.lastPrice),
    session: line.calendar?.stateAt(marketMs) ?? 'unknown',
    halted: line.halted,
  };
}

/** Of a change that has left and is not shown yet the larger quantity counts: the broker may have it. */
function asked({ report }: TrackedOrder, pending: readonly Intent[]): Amount {
  let most = amount(report?.terms.quantity ?? '0');
  for (const { command, legs, wish } of pending) {
    if (command !== 'modify' || !legs.some(({ orderRef }) => orderRef === report?.orderRef)) continue;
    for (const { quantity } of wish.legs) if (most.lt(quantity)) most = amount(quantity);
  }
  return most;
}

/**
 * What is still to be filled of these orders. Children count for what their parent has filled: for the rest they wait.
 * Where not all lists of the broker are whole, the parent may have filled unseen, and they count in full.
 */
function remainingOf(
  orders: readonly { readonly order: TrackedOrder; readonly quantity: Amount }[],
  unseen: readonly { readonly conId: number; readonly leg: WishedLeg }[],
  { conId, action, isWhole }: { conId: number; action: 'BUY' | 'SELL'; isWhole: boolean },
): string {
  let sum = amount('0');
  for (const { conId: of, leg } of unseen)
    if (of === conId && leg.leg === 'entry' && leg.action === action) sum = sum.plus(amount(leg.quantity));
  for (const { order, quantity } of orders) {
    const { report } = order;
    if (report?.terms.action !== action) continue;
    const { parentId } = report.terms;
    const parent = orders.find(
      ({ order: other }) =>
        parentId !== 0 && other.report?.orderId === parentId && other.report.clientId === report.clientId,
    );
    const rest = quantity.minus(filledOf(order));
    const awake = parent === undefined || !isWhole ? rest : toldFilledOf(parent.order);
    sum = sum.plus(awake.lt(rest) ? awake : rest);
  }
  return plain(sum);
}
