/**
 * What 10,000 ticks take while they wait: in the streamer's buffer, and as the plainest buffer there is, an array of
 * objects. A process of its own, because it asks for a collection before each look at the heap (`--expose-gc`).
 */
import { QUOTE, TickBuffer, TRADE } from '../streamer/tick-buffer.ts';

export interface BufferMemoryOptions {
  readonly ticks: number;
  /** Of each kind; one number would be at the mercy of what else the engine does. */
  readonly rounds: number;
}

export type BufferMemoryTold = {
  readonly kind: 'measured';
  /** Bytes of `ticks` ticks, by round. */
  readonly buffer: readonly number[];
  readonly objects: readonly number[];
  readonly held: number;
};

function bytesHeld(): number {
  for (let time = 0; time < 3; time += 1) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function main({ ticks, rounds }: BufferMemoryOptions): void {
  const kept: unknown[] = [];
  const buffer: number[] = [];
  const objects: number[] = [];
  let held = 0;
  for (let round = 0; round <= rounds; round += 1) {
    const before = bytesHeld();
    const own = new TickBuffer(
      { capacity: ticks, ttlMs: 60_000, drainAt: ticks + 1, alertAtUtilisation: 1 },
      () => undefined,
      () => undefined,
    );
    own.pause();
    for (let index = 0; index < ticks; index += 1) {
      own.push(index % 3 === 0 ? TRADE : QUOTE, index % 50, 1e12 + index, 2.65e11 + index, 1e4, index, 1e12);
    }
    const between = bytesHeld();
    const plain = Array.from({ length: ticks }, (_, index) => ({
      kind: index % 3 === 0 ? TRADE : QUOTE,
      line: index % 50,
      timeMs: 1e12 + index,
      price: 2.65e11 + index,
      size: 1e4,
      cumVolume: index,
      receivedMs: 1e12,
    }));
    const after = bytesHeld();
    kept.push(own, plain);
    held += own.stats().depth;
    // The first round pays for what is made once.
    if (round === 0) continue;
    buffer.push(between - before);
    objects.push(after - between);
  }
  process.send?.({ kind: 'measured', buffer, objects, held } satisfies BufferMemoryTold);
  // Whatever was measured was in use until here.
  if (kept.length !== 2 * (rounds + 1)) throw new Error('Something was let go.');
  process.disconnect();
}

if (process.send) {
  process.on('disconnect', () => process.exit());
  main(JSON.parse(process.argv[2] ?? '{}') as BufferMemoryOptions);
}
