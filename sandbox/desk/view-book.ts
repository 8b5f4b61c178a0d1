import type { BrokerRecord } from '../gateway/index.ts';
import type { StreamerStats } from './desk.ts';

/** What the view says of the account: nothing at all while nothing is traded. */
export interface BookLines {
  readonly orders: string;
  readonly positions: string;
  readonly lease: string;
}

/** IB's words for an order that may still trade. */
const WORKING = new Set(['PendingSubmit', 'PreSubmitted', 'Submitted', 'PendingCancel', 'ApiPending']);
const SHOWN = 3;

/** Working orders and open positions of the simulated broker, and who holds its session; '' where there is none. */
export function bookLines(broker: BrokerRecord | undefined, streamer: StreamerStats): BookLines {
  const working = broker?.orders.filter(({ status }) => WORKING.has(status)) ?? [];
  const open = broker?.positions.filter(({ position }) => position !== '0') ?? [];
  return {
    orders: working.length === 0 ? '' : `${working.length} working: ${some(working.map(describeOrder))}`,
    positions: some(
      open.map(({ localSymbol, position, averageCost, multiplier }) => {
        const price = Number(averageCost) / (Number(multiplier) || 1);
        return `${localSymbol} ${position.startsWith('-') ? '' : '+'}${position} at ${shortPrice(price)}`;
      }),
    ),
    lease: leaseOf(streamer),
  };
}

function describeOrder(order: BrokerRecord['orders'][number]): string {
  const { action, quantity, filled, localSymbol, orderType, limitPrice, stopPrice } = order;
  const part = filled === '0' ? quantity : `${filled}/${quantity}`;
  return [action, part, localSymbol, orderType, limitPrice ?? stopPrice]
    .filter((word) => word !== null)
    .join(' ');
}

function some(texts: readonly string[]): string {
  const more = texts.length - SHOWN;
  return `${texts.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** For people to glance at: the exact cost is in the book. */
function shortPrice(price: number): string {
  return String(Math.round(price * 10_000) / 10_000);
}

function leaseOf(streamer: StreamerStats): string {
  const { lease } = streamer as { readonly lease?: { readonly phase?: unknown; readonly token?: unknown } };
  if (typeof lease?.phase !== 'string') return '';
  return `${lease.phase}${lease.token === undefined ? '' : `, token ${String(lease.token)}`}`;
}
