import { describe, expect, it } from 'vitest';
import { EventBus } from '../../../streamer/bus.ts';

interface Events {
  readonly candle: number;
  readonly order: string;
}

function create(historySize = 3) {
  const errors: string[] = [];
  const bus = new EventBus<Events>({
    historySize,
    onHandlerError: (type, error) => errors.push(`${type}: ${(error as Error).message}`),
  });
  return { bus, errors };
}

describe('in-process bus', () => {
  it('tells every handler, and none that has unsubscribed', () => {
    const { bus } = create();
    const seen: number[] = [];
    const leave = bus.subscribe('candle', (value) => void seen.push(value));
    bus.subscribe('candle', (value) => void seen.push(value * 10));
    bus.emit('candle', 1);
    leave();
    bus.emit('candle', 2);
    expect(seen).toEqual([1, 10, 20]);
    expect(bus.wanted('candle')).toBe(true);
    expect(bus.wanted('order')).toBe(false);
  });

  it('a handler that fails, now or later, harms no other one and is counted', async () => {
    const { bus, errors } = create();
    const seen: number[] = [];
    bus.subscribe('candle', () => {
      throw new Error('now');
    });
    bus.subscribe('candle', async () => {
      await Promise.resolve();
      throw new Error('later');
    });
    bus.subscribe('candle', (value) => void seen.push(value));
    await bus.emitAndWait('candle', 5);
    expect(seen).toEqual([5]);
    expect(errors.sort()).toEqual(['candle: later', 'candle: now']);
    expect(bus.stats()).toMatchObject({ emitted: 1, handlerErrors: 2, subscribers: 3 });
  });

  it('emitAndWait comes back when every async handler is done', async () => {
    const { bus } = create();
    let done = false;
    bus.subscribe('order', async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      done = true;
    });
    await bus.emitAndWait('order', 'x');
    expect(done).toBe(true);
  });

  it('a handler may leave while it is being told', () => {
    const { bus } = create();
    let calls = 0;
    const leave = bus.subscribe('candle', () => {
      calls += 1;
      leave();
    });
    bus.emit('candle', 1);
    bus.emit('candle', 2);
    expect(calls).toBe(1);
  });

  it('keeps the last events, and no more', () => {
    const { bus } = create(2);
    for (const value of [1, 2, 3]) bus.emit('candle', value);
    expect(bus.history().map((entry) => entry.payload)).toEqual([2, 3]);
  });
});
