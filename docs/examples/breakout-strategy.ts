/**
 * A strategy, small and whole: a Lambda on `candle.completed` that buys when a bar closes above the highest high of the bars
 * before it, with a stop at their lowest low and a target twice as far. docs/orders-out.md deploys it.
 */
import type { EventBridgeEvent } from 'aws-lambda';
import { Decimal } from 'decimal.js';
import { openCandlesTable } from '../../lib/aws/candles-table.ts';
import { type BracketInput, ordersClient } from '../../lib/aws/orders-client.ts';
import type { Candle } from '../../lib/domain/market/candle.ts';
import { parseEnvelope } from '../../lib/events/envelope.ts';

const { QUEUE_URL = '', ACCOUNT = '', CANDLES_TABLE = '', QUANTITY = '1', LOOKBACK = '20' } = process.env;
const lookback = Number(LOOKBACK);
/** An event that comes late must not order at a price of long ago. */
const maxAgeMs = 60_000;

const candles = openCandlesTable({ tableName: CANDLES_TABLE, retentionDays: 400 });
const orders = ordersClient({ queueUrl: QUEUE_URL, account: ACCOUNT, issuedBy: 'breakout-strategy' });

export async function handler(event: EventBridgeEvent<string, unknown>): Promise<void> {
  const { type, account, data: bar, recordedAt } = parseEnvelope(event.detail);
  if (type !== 'candle.completed' || account !== ACCOUNT || bar.source !== 'live' || bar.partial) return;
  if (Date.now() - Date.parse(recordedAt) > maxAgeMs) return;

  const wish = breakout([...(await barsBefore(bar)), bar], QUANTITY);
  if (wish === undefined) return;

  // One key for one bar: the event may come twice and the function may be retried, it is one order all the same.
  const key = `breakout-${bar.symbol.replaceAll(/[^\w.-]+/g, '_')}-${new Date(bar.startMs).toISOString()}`;
  const { commandId } = await orders.placeBracket({ conId: bar.conId, ...wish }, { key });
  console.log(JSON.stringify({ message: 'breakout', key, commandId, ...wish }));
}

/** One bar more than is looked back over: whether the one before has broken out already has to be seen too. */
async function barsBefore({ conId, intervalMs, startMs }: Candle): Promise<readonly Candle[]> {
  const found: Candle[] = [];
  const fromMs = startMs - (lookback + 1) * intervalMs;
  for await (const bar of candles.query({ conId, intervalMs, fromMs, toMs: startMs })) found.push(bar);
  return found;
}

/**
 * The bracket that the last bar asks for; undefined for none. Pure.
 *
 * @param bars in order of time; one is missing where the market was closed, and then there is no signal
 */
export function breakout(
  bars: readonly Candle[],
  quantity: string,
  length = lookback,
): Omit<BracketInput, 'conId'> | undefined {
  if (bars.length < length + 2) return undefined;
  // Every bar of a trend closes above those before it: only the first one counts.
  if (!breaksOut(bars, length) || breaksOut(bars.slice(0, -1), length)) return undefined;
  const close = new Decimal(bars.at(-1)!.close);
  const low = Decimal.min(...bars.slice(-1 - length, -1).map((bar) => bar.low));
  // Sums and differences of prices that were traded stand on the tick.
  const target = close.plus(close.minus(low).times(2));
  return {
    entry: { action: 'BUY', quantity, orderType: 'LMT', limitPrice: close.toFixed(), timeInForce: 'DAY' },
    takeProfit: { limitPrice: target.toFixed() },
    stopLoss: { stopPrice: low.toFixed() },
  };
}

function breaksOut(bars: readonly Candle[], length: number): boolean {
  const before = bars.slice(-1 - length, -1);
  return (
    before.length === length &&
    new Decimal(bars.at(-1)!.close).gt(Decimal.max(...before.map((bar) => bar.high)))
  );
}
