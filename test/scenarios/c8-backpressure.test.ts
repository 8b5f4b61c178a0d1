import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QUOTE, TickBuffer, type TickBufferStats, TRADE } from '../../streamer/tick-buffer.ts';

interface Seen {
  readonly kind: number;
  readonly id: number;
}

function create(capacity: number, drainAt = capacity * 10) {
  const seen: Seen[] = [];
  const alerts: TickBufferStats[] = [];
  const buffer = new TickBuffer(
    { capacity, ttlMs: 60_000, drainAt, alertAtUtilisation: 0.8 },
    (entry) => seen.push({ kind: entry.kind, id: entry.timeMs }),
    (stats) => alerts.push(stats),
  );
  /** The time stands for the tick's identity. */
  const push = (kind: number, id: number, receivedMs = 0): void =>
    buffer.push(kind, 0, id, 0, 0, 0, receivedMs);
  return { buffer, seen, alerts, push };
}

describe('C8 back-pressure', () => {
  it('S137 overflow drops the oldest quotes first, then the oldest trades, and reorders nothing', () => {
    const { buffer, seen, push } = create(4);
    buffer.pause();
    push(TRADE, 1);
    push(QUOTE, 2);
    push(QUOTE, 3);
    push(TRADE, 4);
    push(TRADE, 5); // quote 2 goes
    push(TRADE, 6); // quote 3 goes
    push(TRADE, 7); // no quote is left: trade 1 goes
    buffer.resume();
    expect(seen.map((tick) => tick.id)).toEqual([4, 5, 6, 7]);
    expect(buffer.stats()).toMatchObject({ droppedQuotes: 2, droppedTrades: 1, depth: 0 });
  });

  it('S137 the alert comes above 80 per cent, before anything is dropped, and once for each crossing', () => {
    const { buffer, alerts, push } = create(10);
    for (let round = 0; round < 2; round++) {
      buffer.pause();
      for (let id = 0; id < 12; id++) push(QUOTE, id);
      buffer.resume();
    }
    expect(alerts).toHaveLength(2);
    expect(alerts[0]).toMatchObject({ depth: 8, utilisation: 0.8, droppedQuotes: 0, droppedTrades: 0 });
    expect(alerts[1]).toMatchObject({ depth: 8, droppedQuotes: 2 });
  });

  it('S137 what is handed out plus what is counted as dropped is what came in, in order, whatever happens', () => {
    const action = fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(TRADE, QUOTE) },
      { weight: 1, arbitrary: fc.constantFrom('pause', 'resume', 'drain', 'expire') },
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(action, { maxLength: 200 }),
        (capacity, actions) => {
          const { buffer, seen, push } = create(capacity);
          let id = 0;
          let nowMs = 0;
          for (const each of actions) {
            nowMs += 1_000;
            if (each === 'pause') buffer.pause();
            else if (each === 'resume') buffer.resume();
            else if (each === 'drain') buffer.drain();
            else if (each === 'expire') buffer.flushExpired(nowMs);
            else push(each as number, ++id, nowMs);
            expect(buffer.stats().depth).toBeLessThanOrEqual(capacity);
          }
          buffer.resume();
          buffer.drain();
          const stats = buffer.stats();
          expect(stats.depth).toBe(0);
          expect(seen.length + stats.droppedQuotes + stats.droppedTrades).toBe(id);
          expect(seen.map((tick) => tick.id)).toEqual(seen.map((tick) => tick.id).sort((a, b) => a - b));
        },
      ),
    );
  });

  it('S137 a trade is dropped only when no quote is left', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(TRADE, QUOTE), { maxLength: 120 }), (kinds) => {
        const { buffer, seen, push } = create(8);
        buffer.pause();
        for (const [id, kind] of kinds.entries()) push(kind, id);
        const { droppedTrades } = buffer.stats();
        buffer.resume();
        // A reference that is slow and plain.
        const model: Seen[] = [];
        let dropped = 0;
        for (const [id, kind] of kinds.entries()) {
          if (model.length === 8) {
            const quote = model.findIndex((tick) => tick.kind === QUOTE);
            if (quote < 0) dropped += 1;
            model.splice(Math.max(quote, 0), 1);
          }
          model.push({ kind, id });
        }
        expect(seen).toEqual(model);
        expect(droppedTrades).toBe(dropped);
      }),
    );
  });

  it('expired ticks are dropped and counted, younger ones stay', () => {
    const { buffer, seen, push } = create(10);
    buffer.pause();
    push(TRADE, 1, 0);
    push(QUOTE, 2, 30_000);
    push(TRADE, 3, 70_000);
    expect(buffer.flushExpired(95_000)).toBe(2);
    buffer.resume();
    expect(seen.map((tick) => tick.id)).toEqual([3]);
    expect(buffer.stats()).toMatchObject({ expired: 2, droppedQuotes: 1, droppedTrades: 1 });
  });

  it('drains in a microtask after the chunk, and at once when enough wait', async () => {
    const { seen, push } = create(100, 3);
    push(TRADE, 1);
    push(TRADE, 2);
    expect(seen).toHaveLength(0);
    push(TRADE, 3);
    expect(seen).toHaveLength(3);
    push(TRADE, 4);
    await Promise.resolve();
    expect(seen).toHaveLength(4);
  });
});
