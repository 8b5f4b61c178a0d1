import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Speed, TapeClock } from '../../sandbox/gateway/tape-clock.ts';
import type { TapeRow } from '../../sandbox/tapes/tape.ts';

const t0 = 1_767_623_400_000;
const rowsAt = (...offsets: number[]): TapeRow[] =>
  offsets.map((offset, index) => ({
    timeMs: t0 + offset,
    symbol: 'A',
    price: '1',
    size: '1',
    kind: 'trade',
    line: index + 2,
  }));

function setup(rows: TapeRow[], speed: Speed, events: number[] = []) {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'],
  });
  const log: string[] = [];
  const world = { receiving: true, blocked: false };
  const pending = events.map((offset) => t0 + offset);
  const clock: TapeClock = new TapeClock({
    rows,
    speed,
    idleSpeed: 3_600,
    now: () => performance.now(),
    onRow: (row, tapeMs) => log.push(`row ${row.timeMs - t0}@${tapeMs - t0}`),
    onAdvanced: () => undefined,
    receiving: () => world.receiving,
    blocked: () => world.blocked,
    nextEventMs: () => pending[0] ?? Number.POSITIVE_INFINITY,
    fireEvents: (tapeMs) => {
      while (pending.length > 0 && pending[0]! <= tapeMs) log.push(`event ${pending.shift()! - t0}`);
    },
  });
  return { clock, log, world, at: () => clock.tapeMs - t0 };
}

afterEach(() => vi.useRealTimers());

describe('the clock of a tape', () => {
  it('stands at the first row until it is started', async () => {
    const { clock, log, at } = setup(rowsAt(0, 100), 1);
    await vi.advanceTimersByTimeAsync(1_000);
    clock.advance();
    expect([log, at(), clock.started]).toEqual([[], 0, false]);
  });

  it("at speed 1 plays each row when it is due, and its time is the wall clock's", async () => {
    const { clock, log, at } = setup(rowsAt(0, 100, 100, 250), 1);
    clock.start();
    await vi.advanceTimersByTimeAsync(99);
    expect(log).toEqual(['row 0@0']);
    await vi.advanceTimersByTimeAsync(2);
    expect(log).toEqual(['row 0@0', 'row 100@100', 'row 100@100']);
    await vi.advanceTimersByTimeAsync(119);
    clock.advance();
    expect(at()).toBe(220);
    expect(clock.ended).toBe(false);
  });

  it('at speed 60 a minute takes a second', async () => {
    const { clock, log } = setup(rowsAt(0, 60_000, 120_000), 60);
    clock.start();
    await vi.advanceTimersByTimeAsync(1_005);
    expect(log.length).toBe(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(log.length).toBe(3);
  });

  it('runs on at N times the wall clock after the last row', async () => {
    const { clock, at } = setup(rowsAt(0, 1_000), 10);
    clock.start();
    await vi.advanceTimersByTimeAsync(5_000);
    clock.advance();
    expect(clock.ended).toBe(true);
    expect(at()).toBe(50_000);
  });

  it('at max runs on by ten seconds of the tape each 100 ms after the last row', async () => {
    const { clock, at } = setup(rowsAt(0, 3_600_000), 'max');
    clock.start();
    await vi.advanceTimersByTimeAsync(20);
    expect(clock.ended).toBe(true);
    const ended = at();
    await vi.advanceTimersByTimeAsync(100);
    clock.advance();
    expect(at() - ended).toBeGreaterThanOrEqual(10_000);
  });

  it('at max waits while a client is blocked, and goes on when woken', async () => {
    const { clock, log, world } = setup(rowsAt(...Array.from({ length: 1_000 }, (_, index) => index)), 'max');
    world.blocked = true;
    clock.start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(log).toEqual([]);
    world.blocked = false;
    clock.wake();
    await vi.advanceTimersByTimeAsync(20);
    expect(log.length).toBe(1_000);
  });

  it('at max with nobody to receive runs at the idle speed: an hour of the tape a second', async () => {
    const { clock, log, world, at } = setup(rowsAt(0, 1_800_000, 3_500_000, 3_700_000), 'max');
    world.receiving = false;
    clock.start();
    await vi.advanceTimersByTimeAsync(1_000);
    clock.advance();
    expect(log.length).toBe(3);
    expect(at()).toBeGreaterThan(3_500_000);
    expect(at()).toBeLessThanOrEqual(3_600_000);
  });

  it('plays rows out of order in the order of the file, its time never going back', async () => {
    const { clock, log } = setup(rowsAt(0, 500, 300, 600), 1);
    clock.start();
    await vi.advanceTimersByTimeAsync(700);
    expect(log).toEqual(['row 0@0', 'row 500@500', 'row 300@500', 'row 600@600']);
  });

  it.each([1, 1_000, 'max'] as const)(
    'at speed %s events come in their place between the rows',
    async (speed) => {
      const { clock, log } = setup(rowsAt(0, 100, 200, 300), speed, [100, 250, 250, 1_000]);
      clock.start();
      await vi.advanceTimersByTimeAsync(2_000);
      expect(log).toEqual([
        'row 0@0',
        'event 100',
        'row 100@100',
        'row 200@200',
        'event 250',
        'event 250',
        'row 300@300',
        'event 1000',
      ]);
    },
  );

  it('stops for good', async () => {
    const { clock, log } = setup(rowsAt(0, 100), 1);
    clock.start();
    await vi.advanceTimersByTimeAsync(10);
    clock.stop();
    await vi.advanceTimersByTimeAsync(1_000);
    clock.advance();
    clock.wake();
    expect(log).toEqual(['row 0@0']);
  });
});
