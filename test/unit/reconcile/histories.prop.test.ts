import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { History } from '../../helpers/random-history.ts';

const isProof = process.env.EVENKEEL_PROOF === '1';
const numRuns = isProof ? 10_000 : 150;
const timeout = isProof ? 900_000 : 30_000;

describe('reconcile of a desk of which nothing is lost', () => {
  it(
    'gives no false verdict: half answers, slow answers, positions before executions and after, a broker that is gone',
    () => {
      const seed = fc.integer({ min: 1, max: 0x7fffffff });
      fc.assert(
        fc.property(
          seed,
          fc.integer({ min: 1, max: 6 }),
          fc.constantFrom(500, 4_000, 60_000),
          (start, runs, paceMs) => {
            const random = generator(start);
            const history = new History(random);
            for (let run = 0; run < runs; run += 1) {
              history.live(1 + Math.floor(random() * 6), paceMs);
              history.snapshot(paceMs);
              history.world.hasSnapshot = random() > 0.1;
              const verdict = history.world.run();
              // Unprotected positions are true: nobody placed a stop. So is a broker that does not answer.
              const told = verdict.discrepancies.filter(
                ({ type }) => type !== 'UNPROTECTED_POSITION' && type !== 'STALE_DATA',
              );
              expect(told).toEqual([]);
              expect(verdict.plan.actions).toEqual([]);
            }
          },
        ),
        { numRuns },
      );
    },
    timeout,
  );
});

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
