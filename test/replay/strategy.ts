/** The example strategy of docs/examples on the events of a replay: what it wants is kept, and typed as orders. */
import { breakout } from '../../docs/examples/breakout-strategy.ts';
import type { Candle } from '../../lib/domain/market/candle.ts';
import type { Envelope } from '../../lib/events/envelope.ts';
import type { TradeInput } from '../../sandbox/gateway/index.ts';

const LOOKBACK = 20;

export interface Intent {
  readonly key: string;
  readonly wish: NonNullable<ReturnType<typeof breakout>>;
}

/** Bars as they come, the strategy's bracket for each that breaks out. */
export class Strategy {
  readonly intents: Intent[] = [];
  readonly #bars = new Map<number, Candle[]>();

  onEvent({ type, data }: Envelope): TradeInput[] {
    if (type !== 'candle.completed' || data.source !== 'live' || data.partial) return [];
    return this.onBar(data);
  }

  onBar(bar: Candle): TradeInput[] {
    const bars = this.#bars.get(bar.conId) ?? [];
    this.#bars.set(bar.conId, bars);
    bars.push(bar);
    if (bars.length > LOOKBACK + 2) bars.shift();
    const wish = breakout(bars, '1', LOOKBACK);
    if (wish === undefined) return [];
    const key = `breakout-${bar.symbol}-${new Date(bar.startMs).toISOString()}`;
    this.intents.push({ key, wish });
    const { symbol } = bar;
    const rest = { symbol, side: 'SELL' as const, quantity: '1', orderRef: key, ocaGroup: key, ocaType: 1 };
    return [
      {
        action: 'place',
        symbol,
        side: 'BUY',
        quantity: '1',
        orderType: 'LMT',
        limitPrice: wish.entry.limitPrice!,
        orderRef: key,
      },
      { action: 'place', ...rest, orderType: 'LMT', limitPrice: wish.takeProfit!.limitPrice },
      { action: 'place', ...rest, orderType: 'STP', stopPrice: wish.stopLoss!.stopPrice },
    ];
  }
}
