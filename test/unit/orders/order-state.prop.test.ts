/** What holds for every order whatever is told of it, in whatever order and how often. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLegal, isLegalAfterCorrection, isTerminal } from '../../../lib/domain/orders/legal-moves.ts';
import { netPositions } from '../../../lib/domain/orders/net-positions.ts';
import type { OrderStatus } from '../../../lib/domain/orders/order-report.ts';
import { type OrderState, viewOf } from '../../../lib/domain/orders/order-state.ts';
import { brokerLifeArb } from './broker-lives.ts';
import { anythingArb, completeLifeArb, decimal, settlingArb } from './lives.ts';
import {
  arriving,
  canonical,
  fillOf,
  fold,
  foldAll,
  openMs,
  reportOf,
  type Stamped,
} from './order-harness.ts';

const numRuns = process.env.EVENKEEL_PROOF === '1' ? 3_000 : 150;

/** Any order, with any of it delivered up to three times. */
function deliveries<T>(events: readonly T[]): fc.Arbitrary<T[]> {
  return fc
    .array(fc.nat({ max: 2 }), { minLength: events.length, maxLength: events.length })
    .map((extra) => events.flatMap((event, index) => Array.from({ length: 1 + extra[index]! }, () => event)))
    .chain((all) => fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }));
}

/** As a database gives it back: its fields in another order. */
function stored(state: OrderState): OrderState {
  const reversed = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value)
            .reverse()
            .map(([name, part]) => [name, reversed(part)]),
        )
      : value;
  return reversed(JSON.parse(JSON.stringify(state))) as OrderState;
}

describe('the fold of an order', () => {
  it('gives the same bytes for any order and any duplication of stamped events', () => {
    const cases = fc
      .array(settlingArb, { minLength: 1, maxLength: 12 })
      .map(arriving)
      .chain((events) => fc.record({ events: fc.constant(events), delivered: deliveries(events) }));
    fc.assert(
      fc.property(cases, ({ events, delivered }) => {
        expect(canonical(foldAll(delivered))).toBe(canonical(foldAll(events)));
      }),
      { numRuns: 3 * numRuns },
    );
  });

  it('is JSON and nothing else, and goes on from what a database gives back', () => {
    fc.assert(
      fc.property(fc.array(settlingArb, { minLength: 1, maxLength: 10 }), (told) => {
        const events = arriving(told);
        let state: OrderState | undefined;
        for (const event of events) {
          const folded = fold(state, event, event.at);
          // The same event again is no change, also on what was stored: else it would be told for ever.
          expect(fold(stored(folded.state), event, event.at).news).toBe(false);
          state = stored(folded.state);
        }
        expect(JSON.parse(JSON.stringify(state))).toStrictEqual(state);
        expect(canonical(state)).toBe(canonical(foldAll(events)));
        expect(canonical(viewOf(state!))).toBe(canonical(viewOf(foldAll(events))));
      }),
      { numRuns },
    );
  });

  it('says changed exactly when the state differs, and news exactly when more than a stamp does', () => {
    const unstamped = (state: OrderState | undefined) =>
      canonical(
        JSON.parse(JSON.stringify(state ?? null, (name, part: unknown) => (name === 'at' ? 0 : part))),
      );
    fc.assert(
      fc.property(
        fc
          .array(anythingArb, { minLength: 1, maxLength: 8 })
          .map(arriving)
          .chain((events) => deliveries(events)),
        (delivered) => {
          let state: OrderState | undefined;
          for (const event of delivered) {
            const folded = fold(state, event, event.at);
            expect(folded.changed).toBe(canonical(folded.state) !== canonical(state ?? null));
            expect(folded.news || unstamped(folded.state) === unstamped(state)).toBe(true);
            expect(folded.news && unstamped(folded.state) === unstamped(state)).toBe(false);
            if (!folded.news) expect(folded.alerts).toEqual([]);
            state = folded.state;
          }
        },
      ),
      { numRuns },
    );
  });

  it('a teller that drops what is no news ends with the state of its listener', () => {
    fc.assert(
      fc.property(fc.array(settlingArb, { minLength: 1, maxLength: 14 }), (facts) => {
        let told: OrderState | undefined;
        const events: Stamped[] = [];
        for (const fact of facts) {
          const at = { epoch: 1, seq: events.length + 1 };
          const folded = fold(told, fact, at);
          if (!folded.news) continue;
          told = folded.state;
          events.push({ ...fact, at });
        }
        expect(canonical(foldAll(events.toReversed()))).toBe(canonical(told));
      }),
      { numRuns },
    );
  });

  it('gives the same view of a complete life in any order of arrival', () => {
    const cases = completeLifeArb.chain(({ events }) =>
      fc.record({
        events: fc.constant(events),
        arrived: fc.shuffledSubarray([...events], { minLength: events.length }),
      }),
    );
    fc.assert(
      fc.property(cases, ({ events, arrived }) => {
        expect(viewOf(foldAll(arriving(arrived)))).toEqual(viewOf(foldAll(arriving(events))));
      }),
      { numRuns },
    );
  });

  it('does not change what it is given', () => {
    fc.assert(
      fc.property(fc.array(anythingArb, { minLength: 1, maxLength: 8 }), (told) => {
        let state: OrderState | undefined;
        for (const event of arriving(told)) {
          state = fold(state && deepFrozen(state), deepFrozen(event), event.at).state;
          viewOf(deepFrozen(state));
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('the status that follows', () => {
  it('makes only legal moves as a broker tells an order', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(brokerLifeArb, (steps) => {
        let state: OrderState | undefined;
        let before: OrderStatus = 'Unknown';
        steps.forEach((step, index) => {
          const told = step.tell(before);
          state = fold(state, told, { epoch: 1, seq: index + 1 }).state;
          const { status } = viewOf(state);
          if (status !== before) {
            const legal = step.corrects ? isLegalAfterCorrection(before, status) : isLegal(before, status);
            expect(legal, `${before} to ${status} by ${JSON.stringify(told)}`).toBe(true);
            seen.add(`${before} ${status}`);
          }
          before = status;
        });
      }),
      { numRuns: 2 * numRuns },
    );
    // The lives must go somewhere, or the property says nothing.
    expect(seen).toContain('Cancelled Filled');
    expect(seen).toContain('PendingCancel PartiallyFilled');
    expect(seen.size).toBeGreaterThan(20);
  });

  it('never leaves an end but for a better known one', () => {
    fc.assert(
      fc.property(fc.array(anythingArb, { minLength: 1, maxLength: 10 }), (told) => {
        let state: OrderState | undefined;
        let ended: OrderStatus | undefined;
        for (const event of arriving(told)) {
          state = fold(state, event, event.at).state;
          const { status } = viewOf(state);
          if (ended !== undefined) expect(isTerminal(status)).toBe(true);
          // By a word of IB; what follows from fills alone can be corrected.
          if (state.ended !== null) ended = status;
        }
      }),
      { numRuns },
    );
  });
});

describe('the sums of an order', () => {
  const execution = fc.record({
    quantity: fc.integer({ min: 1, max: 2 ** 40 }),
    price: fc.integer({ min: -(2 ** 40), max: 2 ** 50 }),
    side: fc.constantFrom('BUY' as const, 'SELL' as const),
  });

  it('are exact', () => {
    fc.assert(
      fc.property(fc.array(execution, { minLength: 1, maxLength: 30 }), (executions) => {
        const events = executions.map(({ quantity, price, side }, index) => ({
          kind: 'fill' as const,
          report: fillOf(`e${index}.01`, decimal(quantity), decimal(price), { side }),
        }));
        const state = foldAll(arriving(events));
        const view = viewOf(state);
        const filled = executions.reduce((sum, { quantity }) => sum + BigInt(quantity), 0n);
        const value = executions.reduce(
          (sum, { quantity, price }) => sum + BigInt(quantity) * BigInt(price),
          0n,
        );
        expect(scaled(view.filled, 4)).toBe(filled);
        // The average is the exact quotient, rounded at the twelfth decimal: at most half a unit away.
        const error = scaled(view.averagePrice!, 12) * filled - value * 10n ** 8n;
        expect(2n * (error < 0n ? -error : error) <= filled).toBe(true);
        const net = executions.reduce(
          (sum, { quantity, side }) => sum + BigInt(side === 'BUY' ? quantity : -quantity),
          0n,
        );
        expect(scaled(netPositions([{ account: 'DU1', state }])[0]!.position, 4)).toBe(net);
      }),
      { numRuns },
    );
  });

  it('never go beyond the quantity, and what is left out is in quarantine', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 50_000 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 120_000 }),
        (quantities, asked) => {
          const fills = quantities.map((quantity, index) => ({
            kind: 'fill' as const,
            report: fillOf(`e${index}.01`, decimal(quantity), '1', { timeMs: openMs + (index % 3) }),
          }));
          const report = reportOf({ quantity: decimal(asked) });
          const view = viewOf(foldAll(arriving([...fills, { kind: 'report', report }])));
          const held = view.quarantined.map((execId) => quantities[Number(execId.slice(1, -3))]!);
          const total = quantities.reduce((sum, quantity) => sum + quantity, 0);
          const filled = Number(scaled(view.filled, 4));
          expect(filled).toBeLessThanOrEqual(asked);
          expect(filled + held.reduce((sum, quantity) => sum + quantity, 0)).toBe(total);
          // Nothing is held that would still fit.
          for (const quantity of held) expect(filled + quantity).toBeGreaterThan(asked);
          if (total <= asked) expect(view.quarantined).toEqual([]);
        },
      ),
      { numRuns },
    );
  });
});

/** Decimal text as an integer of 10^-decimals; throws where a digit would be lost. */
function scaled(text: string, decimals: number): bigint {
  const [whole, fraction = ''] = text.split('.');
  if (fraction.length > decimals) throw new RangeError(`${text} has more than ${decimals} decimals`);
  return BigInt(`${whole}${fraction.padEnd(decimals, '0')}`);
}

function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFrozen(part);
  return Object.freeze(value);
}
