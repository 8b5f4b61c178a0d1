import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProtectionFacts } from '../../../lib/domain/safety/protection-facts.ts';
import { createWatch, step } from '../../../lib/domain/safety/protection-watch.ts';
import { es } from '../orders/order-harness.ts';
import { minute, rules, startMs, stop } from './protection-harness.ts';

describe('random histories', () => {
  type Move = {
    readonly afterMs: number;
    readonly contract: number;
    readonly size?: number;
    readonly stops?: readonly number[];
    readonly dark?: boolean;
  };
  const conIds = [1, 2, 3];
  const move: fc.Arbitrary<Move> = fc.record(
    {
      afterMs: fc.oneof(fc.integer({ min: 0, max: 15_000 }), fc.integer({ min: 0, max: 20 * minute })),
      contract: fc.integer({ min: 0, max: 2 }),
      size: fc.integer({ min: -3, max: 3 }),
      stops: fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 3 }),
      dark: fc.boolean(),
    },
    { requiredKeys: ['afterMs', 'contract'] },
  );

  interface Seen {
    readonly atMs: number;
    readonly bare: boolean;
    readonly missing: number;
    readonly told: number;
    readonly cured: number;
  }

  function play(moves: readonly Move[]) {
    const sizes = [0, 0, 0];
    const stops: (readonly number[])[] = [[], [], []];
    const seen: Seen[][] = [[], [], []];
    const keys: string[] = [];
    let state = createWatch(rules);
    let nowMs = startMs;
    for (const { afterMs, contract, size, stops: placed, dark } of moves) {
      nowMs += afterMs;
      if (size !== undefined) sizes[contract] = size;
      if (placed !== undefined) stops[contract] = placed;
      const facts: ProtectionFacts = {
        account: 'DU1',
        positions: conIds.map((conId, at) => ({ contract: { ...es, conId }, position: String(sizes[at]) })),
        orders: conIds.flatMap((conId, at) =>
          stops[at]!.filter((quantity) => quantity !== 0).map((quantity, index) =>
            stop(`${conId}-${index}`, String(Math.abs(quantity)), {
              conId,
              action: quantity > 0 ? 'BUY' : 'SELL',
            }),
          ),
        ),
      };
      const moved = step(state, { facts: dark ? undefined : facts, sessionOpen: false }, nowMs);
      state = createWatch(rules, JSON.parse(JSON.stringify(moved.state.memory)) as typeof state.memory);
      keys.push(...moved.effects.map(({ key }) => key));
      if (dark) {
        expect(moved.effects).toEqual([]);
        continue;
      }
      const count = (conId: number, name: string) =>
        moved.effects.filter(({ alert, subject }) => alert === name && subject === `position ${conId}`)
          .length;
      for (const [at, conId] of conIds.entries()) {
        const held = sizes[at]!;
        const against = stops[at]!.filter((quantity) => quantity * held < 0);
        const covered = against.reduce((total, quantity) => total + Math.abs(quantity), 0);
        seen[at]!.push({
          atMs: nowMs,
          bare: held !== 0 && covered < Math.abs(held),
          missing: Math.abs(held) - covered,
          told: count(conId, 'unprotected_position'),
          cured: count(conId, 'position_protected'),
        });
      }
    }
    return { seen, keys };
  }

  /** Stretches of looks in a row that found the position bare, each with the look after it. */
  function stretches(looks: readonly Seen[]): { bare: Seen[]; after: Seen | undefined }[] {
    const found: { bare: Seen[]; after: Seen | undefined }[] = [];
    let bare: Seen[] = [];
    for (const look of looks) {
      if (look.bare) bare.push(look);
      else if (bare.length > 0) {
        found.push({ bare, after: look });
        bare = [];
      }
    }
    if (bare.length > 0) found.push({ bare, after: undefined });
    return found;
  }

  it('every position that stays unprotected beyond the grace is told exactly once a period, again when more is missing than was told, and no other', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const { seen, keys } = play(moves);
        expect(new Set(keys).size).toBe(keys.length);
        for (const looks of seen) {
          expect(looks.filter(({ bare, told }) => !bare && told > 0)).toEqual([]);
          for (const { bare, after } of stretches(looks)) {
            const sinceMs = bare[0]!.atMs;
            const tellings = bare.flatMap(({ atMs, told }) => Array.from({ length: told }, () => atMs));
            let last = { atMs: Number.NaN, missing: 0 };
            let grownMs: number | undefined;
            for (const { atMs, missing, told } of bare) {
              const isFirst = Number.isNaN(last.atMs);
              grownMs = !isFirst && missing > last.missing ? (grownMs ?? atMs) : undefined;
              const dueMs = isFirst
                ? sinceMs + rules.graceMs
                : Math.min(last.atMs + rules.repeatMs, (grownMs ?? Number.POSITIVE_INFINITY) + rules.graceMs);
              expect(told).toBe(atMs >= dueMs ? 1 : 0);
              if (told === 0) continue;
              last = { atMs, missing };
              grownMs = undefined;
            }
            if (after) expect(after.cured).toBe(tellings.length > 0 ? 1 : 0);
            expect(bare.filter(({ cured: told }) => told > 0)).toEqual([]);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('the same history raises the same', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
        expect(play(moves)).toEqual(play(moves));
      }),
      { numRuns: 50 },
    );
  });
});
