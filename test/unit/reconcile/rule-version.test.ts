/**
 * What the engine decides under its rule version, for worlds in which a little of everything differs. Evidence of an old
 * run is judged again by the version that it names, so a decision that changes under the same number is a mistake: count
 * up `ruleVersion`, and renew the digests with EVENKEEL_RENEW=1.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../lib/domain/book/item.ts';
import { reconcile } from '../../../lib/domain/reconcile/engine.ts';
import {
  type Listed,
  type ReconcileInput,
  ruleVersion,
  type Verdict,
} from '../../../lib/domain/reconcile/types.ts';
import { crowdedWorld, disturb } from '../../helpers/crowded-worlds.ts';
import { digest } from '../../helpers/reconcile-world.ts';

const file = new URL('rule-version.json', import.meta.url);
const worlds = 240;
const worldsPerTest = 10;
const runs = 4;
const known = JSON.parse(readFileSync(file, 'utf8')) as { ruleVersion: number; digests: string[] };

function without<T extends object>(whole: T, name: keyof T): Partial<T> {
  const rest: Partial<T> = { ...whole };
  delete rest[name];
  return rest;
}

/** Everything but the words for people, which may get better under the same rules. */
function decided(verdict: Verdict): Json {
  const { discrepancies, pending, plan, recommendations, ...rest } = verdict;
  return {
    ...rest,
    ambiguous: rest.ambiguous.map((match) => without(match, 'reason')),
    unjudged: rest.unjudged.map((text) => text.split(':')[0]!),
    discrepancies: discrepancies.map((one) => without(one, 'message')),
    pending: pending.map(({ subject, runs: count }) => [subject, count]),
    recommendations: recommendations.map((one) => without(one, 'arithmetic')),
    plan: {
      ...plan,
      ambiguous: [],
      actions: plan.actions.map((action) => without(action, 'summary')),
    },
  } as unknown as Json;
}

function digestOf(seed: number): string {
  const world = crowdedWorld(seed);
  const verdicts: Json[] = [];
  for (let run = 0; run < runs; run += 1) {
    const { input } = world;
    const verdict = world.run();
    verdicts.push(decided(verdict));
    // Told the other way round it is the same, to the last word.
    if (run === 1) expect(reconcile(backwards(input), digest)).toEqual(verdict);
    if (run === 1) world.apply(verdict);
    disturb(world, seed * 10 + run);
  }
  return digest(verdicts).slice(0, 12);
}

function backwards(input: ReconcileInput): ReconcileInput {
  const { book } = input;
  const broker = input.broker!;
  const list = <T>({ outcome, rows }: Listed<T>): Listed<T> => ({ outcome, rows: rows.toReversed() });
  const map = <V>(items: ReadonlyMap<string, V>) => new Map([...items].reverse());
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
      ...book,
      orders: map(book.orders),
      fills: map(book.fills),
      positions: map(book.positions),
      cash: map(book.cash),
      pointers: map(book.pointers),
    },
  };
}

if (process.env.EVENKEEL_RENEW === '1') {
  const digests = Array.from({ length: worlds }, (_, seed) => digestOf(seed));
  writeFileSync(file, `${JSON.stringify({ ruleVersion, digests }, null, 2)}\n`);
}

describe('rule version', () => {
  it('is the one that the digests are of', () => {
    expect(known).toMatchObject({ ruleVersion, digests: { length: worlds } });
  });

  const firsts = Array.from({ length: worlds / worldsPerTest }, (_, index) => index * worldsPerTest);
  it.each(firsts)('decides as it did: worlds from %i on', (first) => {
    const seeds = Array.from({ length: worldsPerTest }, (_, index) => first + index);
    expect(seeds.map(digestOf)).toEqual(known.digests.slice(first, first + worldsPerTest));
  });
});
