/** The book with what one action changes on top: one write an item, on the version that was read. */
import { describe, expect, it } from 'vitest';
import type { BookBody, BookRef } from '../../../lib/domain/book/item.ts';
import { type Booking, refText, type Seen } from '../../../lib/domain/book/seen.ts';
import { DraftedBook } from '../../../lib/domain/reconcile/drafted-book.ts';
import { account, World } from '../../helpers/reconcile-world.ts';

const P1: BookRef = { kind: 'order', id: 'P1' };
const fresh: BookRef = { kind: 'order', id: 'P9' };
const perm: BookRef = { kind: 'perm', id: '1' };

const drafted = () => new DraftedBook(account, new World().told(1).picture);
const body = (n: number): BookBody => ({ n }) as unknown as BookBody;

/** Rules that ask for one item more in each round, and have all they need in the last. */
function asking(rounds: number): (seen: Seen) => Booking {
  const refs = Array.from({ length: rounds - 1 }, (_, n): BookRef => ({ kind: 'order', id: `N${n}` }));
  return (seen) => {
    const next = refs.find((ref) => !seen.has(refText(ref)));
    if (next !== undefined) return { do: 'read', refs: [next] };
    return { do: 'write', orderKey: '', writes: [{ ref: fresh, expectedVersion: 0, body: body(1) }] };
  };
}

describe('a drafted book', () => {
  it('shows the rules what is stored, under its account and version', () => {
    const draft = drafted();
    draft.read([P1, fresh]);
    expect(draft.seen.get('order P1')).toMatchObject({ account, ref: P1, version: 1 });
    expect(draft.seen.has('order P9')).toBe(true);
    expect(draft.seen.get('order P9')).toBeUndefined();
    draft.put(P1, body(1));
    expect(draft.seen.get('order P1')).toEqual({ account, ref: P1, version: 1, body: { n: 1 } });
  });

  it('makes one write of all changes of an item, also of one that comes after they were asked for', () => {
    const draft = drafted();
    draft.put(P1, body(1));
    draft.put(fresh, body(2));
    expect(draft.writes).toHaveLength(2);
    draft.put(P1, body(3));
    expect(draft.writes).toEqual([
      { ref: P1, expectedVersion: 1, body: { n: 3 } },
      { ref: fresh, expectedVersion: 0, body: { n: 2 } },
    ]);
  });

  it('sorts its writes by item', () => {
    const draft = drafted();
    for (const id of ['b', 'c', 'a']) draft.put({ kind: 'order', id }, body(1));
    expect(draft.writes.map(({ ref }) => ref.id)).toEqual(['a', 'b', 'c']);
  });

  it('knows what a pointer says: key and permId', () => {
    const draft = drafted();
    expect(draft.pointsTo(perm, 'P1', 1)).toBe(true);
    expect(draft.pointsTo(perm, 'P1', 2)).toBe(false);
    expect(draft.pointsTo(perm, 'P2', 1)).toBe(false);
    expect(draft.pointsTo({ kind: 'perm', id: '2' }, 'P1', 1)).toBe(false);
  });

  it('reads for the rules in at most four rounds: more would never end', () => {
    const draft = drafted();
    draft.book(asking(4));
    expect(draft.writes.map(({ ref }) => ref)).toEqual([fresh]);
    expect(() => drafted().book(asking(5))).toThrow('a mistake in lib/domain/book');
  });
});
