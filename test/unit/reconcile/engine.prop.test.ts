import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reconcile } from '../../../lib/domain/reconcile/engine.ts';
import { planHash } from '../../../lib/domain/reconcile/plan.ts';
import type { PlanAction, ReconcileInput, Verdict } from '../../../lib/domain/reconcile/types.ts';
import { worlds } from '../../helpers/random-worlds.ts';
import { digest, type World } from '../../helpers/reconcile-world.ts';

const isProof = process.env.EVENKEEL_PROOF === '1';
const numRuns = isProof ? 10_000 : 150;
const timeout = isProof ? 600_000 : 30_000;

function writing({ plan }: Verdict): readonly PlanAction[] {
  return plan.actions.filter(({ kind }) => kind !== 'cancel');
}

const parts = ['positions', 'openOrders', 'completedOrders', 'executions', 'accountValues'] as const;

describe('reconcile', () => {
  it(
    'finds nothing more to do once its plan is applied, against the same snapshot',
    () => {
      fc.assert(
        fc.property(worlds(), (make) => {
          const world = make();
          // What is given time has had it.
          const verdict = world.runs(4);
          const again = world.apply(verdict).later().run();
          expect(writing(again)).toEqual([]);
          const cured = new Set(
            verdict.plan.actions.flatMap(({ subject, cures }) => cures.map((type) => `${type}:${subject}`)),
          );
          // What no execution explains stays to be seen, and nothing is made up for it.
          const left = again.discrepancies.filter(({ id, type }) => cured.has(id) && type !== 'MISSING_FILL');
          expect(left.filter(({ subject }) => !subject.startsWith('orphan '))).toEqual([]);
        }),
        { numRuns },
      );
    },
    timeout,
  );

  it(
    'never writes one item twice, rests every write on the version that was read, and stays within a transaction',
    () => {
      fc.assert(
        fc.property(worlds(), (make) => {
          const world = make();
          const { plan } = world.runs(3);
          const refs = plan.actions.flatMap(({ writes }) => writes.map(({ ref }) => `${ref.kind} ${ref.id}`));
          expect(new Set(refs).size).toBe(refs.length);
          for (const { writes, cures, kind } of plan.actions) {
            expect(writes.length).toBeLessThanOrEqual(80);
            expect(writes.length > 0).toBe(kind !== 'cancel');
            expect(cures.length).toBeGreaterThan(0);
            for (const { ref, expectedVersion } of writes) {
              expect(expectedVersion).toBe(world.items.get(`${ref.kind} ${ref.id}`)?.version ?? 0);
            }
          }
        }),
        { numRuns },
      );
    },
    timeout,
  );

  it(
    'reads nothing from a list that is partial or failed: other rows in it change nothing',
    () => {
      const outcomes = fc.record(
        Object.fromEntries(parts.map((part) => [part, fc.constantFrom('ok', 'partial', 'failed')])) as Record<
          (typeof parts)[number],
          fc.Arbitrary<'ok' | 'partial' | 'failed'>
        >,
      );
      fc.assert(
        fc.property(worlds(), outcomes, (make, outcome) => {
          const judge = (change: (world: World) => void) => {
            const world = make();
            world.outcomes = outcome;
            change(world);
            return [world.run(), world.later().run(), world.later().run()];
          };
          const whole = judge(() => undefined);
          const emptied = judge((world) => {
            for (const part of parts) if (outcome[part] !== 'ok') world.rows[part] = [];
          });
          expect(emptied).toEqual(whole);
          const orders =
            outcome.openOrders !== 'ok' && outcome.completedOrders !== 'ok' && outcome.executions !== 'ok';
          for (const { plan, discrepancies } of whole) {
            if (orders) expect(plan.actions.filter(({ orderKey }) => orderKey !== '')).toEqual([]);
            if (outcome.positions !== 'ok') {
              expect(discrepancies.filter(({ subject }) => subject.startsWith('position'))).toEqual([]);
            }
            if (outcome.accountValues !== 'ok') {
              expect(discrepancies.filter(({ subject }) => subject.startsWith('cash'))).toEqual([]);
            }
            const isComplete = [outcome.openOrders, outcome.completedOrders, outcome.executions].every(
              (one) => one === 'ok',
            );
            if (!isComplete)
              expect(
                discrepancies.filter(
                  ({ type, subject }) => type === 'UNRESOLVED' && subject.startsWith('order'),
                ),
              ).toEqual([]);
          }
          if (Object.values(outcome).every((one) => one !== 'ok')) {
            expect(whole.flatMap(({ discrepancies, plan }) => [...discrepancies, ...plan.actions])).toEqual(
              [],
            );
          }
        }),
        { numRuns },
      );
    },
    timeout,
  );

  it(
    'gives the same verdict and the same plan hash for every order of rows and items',
    () => {
      fc.assert(
        fc.property(
          worlds(),
          fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
          (make, stream) => {
            const shuffled = <T>(all: Iterable<T>): T[] =>
              [...all]
                .map((one) => ({ one, place: stream.next().value as number }))
                .sort((a, b) => a.place - b.place)
                .map(({ one }) => one);
            const { input } = make();
            const told = reconcile(input, digest);
            const again = reconcile(disordered(input, shuffled), digest);
            expect(again).toEqual(told);
            expect(planHash(again.plan, digest)).toBe(planHash(told.plan, digest));
          },
        ),
        { numRuns },
      );
    },
    timeout,
  );
});

function disordered(input: ReconcileInput, shuffled: <T>(all: Iterable<T>) => T[]): ReconcileInput {
  const broker = input.broker!;
  const list = <T>({ outcome, rows }: { outcome: 'ok' | 'partial' | 'failed'; rows: readonly T[] }) => ({
    outcome,
    rows: shuffled(rows),
  });
  const map = <K, V>(all: ReadonlyMap<K, V>) => new Map(shuffled(all));
  return {
    ...input,
    broker: {
      ...broker,
      positions: list(broker.positions),
      openOrders: list(broker.openOrders),
      completedOrders: list(broker.completedOrders),
      executions: list(broker.executions),
      accountValues: list(broker.accountValues),
    },
    book: {
      ...input.book,
      orders: map(input.book.orders),
      fills: map(input.book.fills),
      positions: map(input.book.positions),
      cash: map(input.book.cash),
      pointers: map(input.book.pointers),
    },
  };
}
