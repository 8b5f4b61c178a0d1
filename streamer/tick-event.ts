import { formatPrice, formatSize, fromNumber } from '../lib/domain/market/fixed.ts';
import type { Instrument } from '../lib/domain/market/instrument.ts';
import type { EventData } from '../lib/events/catalogue.ts';
import type { Line } from './line.ts';
import { type TickEntry, TRADE } from './tick-buffer.ts';

/** The event of a tick; undefined for one that says nothing: volume without a price, or a quote that ended. */
export function tickData(
  line: Line,
  instrument: Instrument,
  entry: TickEntry,
  marketMs: number,
): EventData<'tick.received'> | undefined {
  const head = { conId: instrument.conId, symbol: instrument.localSymbol };
  if (entry.kind === TRADE) {
    const { timeMs, price, size } = entry;
    if (!Number.isSafeInteger(timeMs) || !Number.isSafeInteger(price) || !(size >= 0)) return undefined;
    return {
      ...head,
      kind: 'trade',
      timeMs,
      price: formatPrice(price),
      size: formatSize(size, line.sizeDecimals),
    };
  }
  const bid = fromNumber(line.bid);
  const ask = fromNumber(line.ask);
  if (Number.isNaN(bid) && Number.isNaN(ask)) return undefined;
  return {
    ...head,
    kind: 'quote',
    timeMs: marketMs,
    ...(Number.isNaN(bid) ? {} : { bid: formatPrice(bid) }),
    ...(Number.isNaN(ask) ? {} : { ask: formatPrice(ask) }),
  };
}
