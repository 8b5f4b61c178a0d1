import { describe, expect, it } from 'vitest';
import { type ShownTopic, staleness } from '../../../console/wire/freshness.ts';

const nowMs = 1_000_000;
const shown = (changes: Partial<ShownTopic> & { readonly ageMs?: number } = {}): ShownTopic => {
  const { ageMs = 1_000, ...others } = changes;
  return { name: 'status', isKnown: true, isFaulty: false, atMs: nowMs - ageMs, paceMs: 3_000, ...others };
};
const of = (...topics: ShownTopic[]) => staleness(topics, nowMs);

describe('whether what is shown is live', () => {
  it('it is while each topic is no older than five times its pace', () => {
    const slow = shown({ name: 'backups', paceMs: 60_000, ageMs: 300_000 });
    expect(of(shown({ ageMs: 15_000 }), slow)).toBeUndefined();
    expect(of()).toBeUndefined();
  });

  it('beyond that it is as old as its oldest topic', () => {
    expect(of(shown({ ageMs: 15_001 }))).toEqual({ name: 'status', ageMs: 15_001, isFaulty: false });
    expect(of(shown({ ageMs: 16_000 }), shown({ name: 'orders', ageMs: 40_000 }))).toMatchObject({
      name: 'orders',
      ageMs: 40_000,
    });
  });

  it('where a topic cannot be read, at once, whatever else is old', () => {
    const faulty = shown({ isFaulty: true });
    expect(of(faulty, shown({ name: 'orders', ageMs: 40_000 }))).toEqual({
      name: 'status',
      ageMs: 1_000,
      isFaulty: true,
    });
  });

  it('a topic that was never read has no age, and is no obstacle until that has a reason', () => {
    const never = shown({ isKnown: false, atMs: 0 });
    expect(of(never)).toBeUndefined();
    expect(of({ ...never, isFaulty: true })).toEqual({ name: 'status', ageMs: null, isFaulty: true });
  });
});
