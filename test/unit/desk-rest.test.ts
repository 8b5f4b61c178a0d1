import { describe, expect, it } from 'vitest';
import type { Invocation } from '../../sandbox/cloud/lambda.ts';
import { bringToRest } from '../../sandbox/desk/rest.ts';

const startMs = Date.parse('2026-01-05T10:00:00Z');

interface Work {
  readonly name: string;
  /** When it ends, ms after the stop; left out: never, and with the streamer: only if that still runs then. */
  readonly endsMs?: number;
  readonly needsStreamer?: boolean;
  /** A person's own call is not written down as a delivery. */
  readonly isDelivery?: boolean;
}

/** A stop on a clock of its own: no time passes but in its waits. */
async function rest(
  work: readonly Work[],
  { streamerEndMs = 100, streamerRuns = true, more = 0, stuck = 0 } = {},
) {
  let ms = 0;
  let streamerEndedMs = streamerRuns ? Number.POSITIVE_INFINITY : 0;
  const said: string[] = [];
  const ended = ({ endsMs, needsStreamer = false }: Work): boolean =>
    endsMs !== undefined && ms >= endsMs && !(needsStreamer && endsMs > streamerEndedMs);
  const open = (): Work[] => work.filter((one) => !ended(one));
  const isClean = await bringToRest({
    underWay: () =>
      open().map(
        ({ name }): Invocation => ({
          functionName: `evenkeel-sandbox-${name}`,
          requestId: name,
          sinceMs: startMs,
        }),
      ),
    // Deliveries beside the runs, one done every 400 ms once the streamer has ended.
    left: async () =>
      Promise.resolve(open().filter(({ isDelivery = true }) => isDelivery).length + more - done() + stuck),
    progress: () => work.length - open().length + done(),
    streamerRuns: () => ms < streamerEndedMs,
    endStreamer: async () => {
      streamerEndedMs = ms;
      const untilMs = ms + streamerEndMs;
      while (ms < untilMs) await Promise.resolve();
    },
    say: (text) => said.push(text),
    nowMs: () => startMs + ms,
    sleep: async (forMs) => {
      ms += forMs;
      return Promise.resolve();
    },
  });
  function done(): number {
    return ms < streamerEndedMs ? 0 : Math.min(more, Math.floor((ms - streamerEndedMs) / 400));
  }
  return { isClean, said, tookMs: ms, streamerEndedMs };
}

describe('bringing the sandbox to rest', () => {
  it('a run that waits for its snapshot gets it: the streamer ends behind it', async () => {
    const { isClean, said, tookMs, streamerEndedMs } = await rest([
      { name: 'reconcile', endsMs: 700, needsStreamer: true },
    ]);
    expect(isClean).toBe(true);
    expect(streamerEndedMs).toBeGreaterThanOrEqual(700);
    expect(tookMs).toBeLessThan(1_000);
    expect(said).toEqual([]);
  });

  it('one that gets none is told after a second and cut off after three, not after half a minute', async () => {
    const { isClean, said, tookMs } = await rest([{ name: 'reconcile' }]);
    expect(isClean).toBe(false);
    expect(tookMs).toBeLessThan(3_500);
    expect(said).toEqual([
      'Waiting for evenkeel-sandbox-reconcile (1 s) ...',
      'Waiting for the streamer, which sends what it still has ...',
      'Cut off: evenkeel-sandbox-reconcile (3 s). What events asked for begins again with the next start.',
    ]);
  });

  it('without a streamer nobody waits for an answer of it', async () => {
    const { isClean, tookMs } = await rest([{ name: 'reconcile' }], { streamerRuns: false });
    expect(isClean).toBe(false);
    expect(tookMs).toBeLessThan(500);
  });

  it('a call by hand, which no delivery keeps, is waited for as well', async () => {
    const { isClean, streamerEndedMs } = await rest([
      { name: 'reconcile', endsMs: 900, needsStreamer: true, isDelivery: false },
    ]);
    expect(isClean).toBe(true);
    expect(streamerEndedMs).toBeGreaterThanOrEqual(900);
  });

  it('deliveries that go on being done are waited for, and told', async () => {
    const { isClean, said, tookMs } = await rest([], { more: 20 });
    expect(isClean).toBe(true);
    expect(tookMs).toBeGreaterThanOrEqual(8_000);
    expect(said).toEqual(['Waiting for deliveries, 18 left ...']);
  });

  it('a delivery that nobody takes is named', async () => {
    const { isClean, said, tookMs } = await rest([], { stuck: 3 });
    expect(isClean).toBe(true);
    expect(tookMs).toBeLessThan(5_500);
    expect(said.at(-1)).toBe('Not delivered: 3. The next start goes on with it.');
  });

  it('what stands still for five seconds is left to the next start', async () => {
    const { isClean, said, tookMs } = await rest([{ name: 'book-keeper' }]);
    expect(isClean).toBe(false);
    expect(tookMs).toBeLessThan(8_500);
    expect(said.at(-1)).toMatch(/^Cut off: evenkeel-sandbox-book-keeper \(8 s\)/);
  });
});
