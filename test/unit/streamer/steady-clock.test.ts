import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMarketClock, observeBroker, observeEvent } from '../../../lib/domain/market/market-clock.ts';
import { steadyClock } from '../../../streamer/steady-clock.ts';

/** A machine whose system clock may be set. */
class Machine {
  monotonicMs = 5_000;
  systemMs = Date.parse('2026-11-20T15:00:00Z');
  readonly steadyMs = steadyClock(
    () => this.systemMs,
    () => this.monotonicMs,
  );

  pass(ms: number): number {
    this.monotonicMs += ms;
    this.systemMs += ms;
    return this.steadyMs();
  }
}

describe('the steady clock', () => {
  it('is the system clock while nobody sets that', () => {
    const machine = new Machine();
    for (const ms of [1, 250, 60_000]) expect(machine.pass(ms)).toBe(machine.systemMs);
  });

  it('a system clock that is set back five minutes does not hold up what was due in a second', () => {
    const machine = new Machine();
    const dueMs = machine.steadyMs() + 1_000;
    machine.systemMs -= 300_000;
    expect(machine.pass(1_200)).toBeGreaterThanOrEqual(dueMs);
  });

  it('a system clock that is set forward five minutes does not bring on what was due in ten seconds', () => {
    const machine = new Machine();
    const dueMs = machine.steadyMs() + 10_000;
    machine.systemMs += 300_000;
    expect(machine.pass(5_000)).toBeLessThan(dueMs);
  });

  it('follows a clock that was set, and is with it after ten times the step', () => {
    for (const stepMs of [-300_000, 300_000]) {
      const machine = new Machine();
      machine.systemMs += stepMs;
      for (let second = 0; second < 3_000; second += 1) machine.pass(1_000);
      expect(machine.steadyMs()).toBe(machine.systemMs);
    }
  });

  it('a machine that was suspended for an hour knows it at once', () => {
    const machine = new Machine();
    machine.systemMs += 3_600_000;
    expect(machine.steadyMs()).toBe(machine.systemMs);
  });

  it('never goes back, and goes on whatever the system clock does', () => {
    const step = fc.record({ passMs: fc.nat(120_000), setMs: fc.integer({ min: -600_000, max: 599_000 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const machine = new Machine();
        let before = machine.steadyMs();
        for (const { passMs, setMs } of steps) {
          machine.systemMs += setMs;
          const after = machine.pass(passMs);
          expect(after - before).toBeGreaterThanOrEqual(passMs * 0.9 - 2);
          expect(after).toBeGreaterThanOrEqual(before);
          before = after;
        }
      }),
    );
  });

  it('a print after a silent minute is no news from the future because the system clock was set back', () => {
    const machine = new Machine();
    const clock = createMarketClock();
    observeBroker(clock, Math.floor(machine.systemMs / 1_000), machine.steadyMs());
    machine.systemMs -= 300_000;
    const printMs = clock.marketMs + 90_000;
    expect(observeEvent(clock, printMs, machine.pass(90_000))).toBe(true);
  });
});
