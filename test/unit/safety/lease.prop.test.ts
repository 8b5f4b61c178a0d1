import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ContenderPlan, type Fate, LeaseWorld, type Nap } from './lease-world.ts';

const config = { ttlMs: 10_000, renewMs: 2_500 };
const FAULTS_END_MS = 90_000;

const fate: fc.Arbitrary<Fate> = fc.record({
  outMs: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 1, max: 300 }) },
    { weight: 1, arbitrary: fc.integer({ min: 300, max: 12_000 }) },
  ),
  backMs: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 1, max: 300 }) },
    { weight: 1, arbitrary: fc.integer({ min: 300, max: 4_000 }) },
  ),
  lostOut: fc.oneof(
    { weight: 6, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  lostBack: fc.oneof(
    { weight: 6, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
});

const naps = (suspended: boolean): fc.Arbitrary<Nap[]> =>
  fc.array(
    fc.record({
      atMs: fc.integer({ min: 0, max: FAULTS_END_MS - 30_000 }),
      forMs: fc.integer({ min: 50, max: 30_000 }),
      suspended: fc.constant(suspended),
    }),
    { maxLength: 3 },
  );

/** A machine is either suspended now and then, or has its wall clock set: both at once cannot be told apart. */
const contender = (name: string): fc.Arbitrary<ContenderPlan> =>
  fc.boolean().chain((suspends) =>
    fc.record({
      name: fc.constant(name),
      rate: fc.double({ min: 0.96, max: 1.04, noNaN: true }),
      wallOffsetMs: fc.integer({ min: -86_400_000, max: 86_400_000 }),
      startAtMs: fc.integer({ min: 0, max: 20_000 }),
      naps: naps(suspends),
      jumps: suspends
        ? fc.constant([])
        : fc.array(
            fc.record({
              atMs: fc.integer({ min: 0, max: FAULTS_END_MS }),
              byMs: fc.integer({ min: -3_600_000, max: 3_600_000 }),
            }),
            { maxLength: 2 },
          ),
      fates: fc.array(fate, { maxLength: 60 }),
      releasesAtMs: fc.array(fc.integer({ min: 1_000, max: FAULTS_END_MS }), { maxLength: 2 }),
    }),
  );

const contenders = fc.oneof(
  fc.tuple(contender('anna'), contender('bert')),
  fc.tuple(contender('anna'), contender('bert'), contender('cleo')),
);

function worldOf(plans: readonly ContenderPlan[]): LeaseWorld {
  const world = new LeaseWorld(plans, config);
  world.run(FAULTS_END_MS);
  return world;
}

describe('a lease among contenders that pause, whose clocks drift and jump, and whose requests are lost or late', () => {
  it('two never act at the same time', () => {
    fc.assert(
      fc.property(contenders, (plans) => {
        expect(worldOf(plans).overlaps).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it('every acquisition has a greater token than the one before it', () => {
    fc.assert(
      fc.property(contenders, (plans) => {
        const tokens = worldOf(plans).acquired.map(({ token }) => token);
        expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
      }),
      { numRuns: 200 },
    );
  });

  it('once the faults are over, exactly one holds it, and keeps it', () => {
    fc.assert(
      fc.property(contenders, (plans) => {
        const world = worldOf(plans.map((plan) => ({ ...plan, fates: plan.fates.slice(0, 20) })));
        world.run(FAULTS_END_MS + 5 * config.ttlMs);
        const [holder, ...others] = world.acting();
        expect(others).toEqual([]);
        expect(holder).toBeDefined();
        const acquisitions = world.acquired.length;
        world.run(FAULTS_END_MS + 12 * config.ttlMs);
        expect(world.acting()).toEqual([holder]);
        expect(world.acquired).toHaveLength(acquisitions);
      }),
      { numRuns: 200 },
    );
  });
});
