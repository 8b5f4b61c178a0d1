import { describe, expect, it } from 'vitest';
import {
  createMarketClock,
  estimate,
  isPossible,
  observeBroker,
  observeEvent,
} from '../../../lib/domain/market/market-clock.ts';

const NOW = Date.UTC(2026, 0, 7, 15);

describe('market clock', () => {
  it('is the later of the highest event and the last answer of the broker', () => {
    const clock = createMarketClock();
    observeBroker(clock, NOW / 1000, NOW);
    expect(clock.marketMs).toBe(NOW);
    observeEvent(clock, NOW + 1_500, NOW + 1_600);
    observeEvent(clock, NOW + 900, NOW + 1_700);
    expect(clock.marketMs).toBe(NOW + 1_500);
    observeBroker(clock, NOW / 1000 + 1, NOW + 1_800);
    expect(clock.marketMs).toBe(NOW + 1_500);
  });

  it('estimates from the best of the last answers: each is cut to whole seconds and up to a second too low', () => {
    const clock = createMarketClock();
    for (const cutMs of [900, 400, 30, 700]) observeBroker(clock, NOW / 1000, NOW + cutMs);
    expect(estimate(clock, NOW + 5_000)).toBe(NOW + 4_970);
    // A system clock that was set forward by five minutes is believed after a few answers more.
    for (let each = 0; each < 16; each++) observeBroker(clock, NOW / 1000 + 10, NOW + 310_000 + 30);
    expect(estimate(clock, NOW + 320_000)).toBe(NOW + 19_970);
  });

  it('does not move by the local clock alone: a dead link must not close bars', () => {
    const clock = createMarketClock();
    observeBroker(clock, NOW / 1000, NOW);
    expect(estimate(clock, NOW + 90_000)).toBe(NOW + 90_000);
    expect(clock.marketMs).toBe(NOW);
  });

  it('S130 a clock step forward: a live print an hour ahead is refused and counted', () => {
    const clock = createMarketClock();
    observeBroker(clock, NOW / 1000, NOW);
    expect(observeEvent(clock, NOW + 3_600_000, NOW + 1_000)).toBe(false);
    expect(clock).toMatchObject({ marketMs: NOW, futureEvents: 1 });
    expect(observeEvent(clock, NOW + 59_000, NOW)).toBe(true);
  });

  it('a time that is no number moves nothing, on a tape neither: it would stop the clock for good', () => {
    for (const brokerMs of [NOW, Date.UTC(2013, 9, 7)]) {
      const clock = createMarketClock();
      observeBroker(clock, brokerMs / 1000, NOW);
      for (const timeMs of [Number.NaN, Number.POSITIVE_INFINITY]) observeEvent(clock, timeMs, NOW);
      expect(clock.marketMs).toBe(brokerMs);
    }
  });

  it('a time that cannot be moves nothing: the clock would not come back', () => {
    const tape = createMarketClock();
    observeBroker(tape, NOW / 1_000 - 86_400, NOW);
    expect(tape.tape).toBe(true);
    for (const timeMs of [1e30, 9e15, Date.UTC(2100, 0, 1)])
      expect(observeEvent(tape, timeMs, NOW)).toBe(false);
    expect(observeEvent(tape, Date.UTC(2099, 11, 31), NOW)).toBe(true);

    const market = createMarketClock(86_400_000);
    observeBroker(market, NOW / 1_000 - 3_600, NOW);
    expect(observeEvent(market, NOW + 86_400_001, NOW)).toBe(false);
    expect([market.futureEvents, market.marketMs]).toEqual([1, NOW - 3_600_000]);
    expect(isPossible(market, NOW + 86_400_001, NOW)).toBe(false);
    expect(isPossible(market, NOW + 86_400_000, NOW)).toBe(true);
    expect(isPossible(tape, Number.NaN, NOW)).toBe(false);
  });

  it('on a tape the pace is unknown: nothing is carried on, and events may run ahead of the last answer', () => {
    const clock = createMarketClock();
    const tapeMs = Date.UTC(2013, 9, 7);
    observeBroker(clock, tapeMs / 1000, NOW);
    expect(clock.tape).toBe(true);
    expect(estimate(clock, NOW + 90_000)).toBe(tapeMs);
    expect(observeEvent(clock, tapeMs + 3_600_000, NOW)).toBe(true);
  });
});
