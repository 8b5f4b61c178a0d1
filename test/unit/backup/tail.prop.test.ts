import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chainTools } from '../../../lib/aws/audit-hash.ts';
import { foldTrail } from '../../../lib/domain/audit/fold.ts';
import { AuditFoldError } from '../../../lib/domain/audit/fold-error.ts';
import {
  type AuditImage,
  type AuditRow,
  type ChainHead,
  headAfter,
  nextRow,
} from '../../../lib/domain/audit/row.ts';
import { foldTail } from '../../../lib/domain/backup/tail.ts';

const account = 'DU1';
const startMs = Date.UTC(2026, 0, 5, 14, 30);

type Images = ReadonlyMap<string, AuditImage>;

interface Told {
  readonly rows: readonly AuditRow[];
  /** The book before the first row and after each. */
  readonly books: readonly Images[];
}

interface Deed {
  readonly writer: number;
  readonly touches: readonly { readonly item: number; readonly deletes: boolean }[];
}

/** What writers did, one after the other; each tells the time by its own clock. */
function tell(deeds: readonly Deed[], clocksMs: readonly number[], recreates: boolean): Told {
  const heads = new Map<string, ChainHead>();
  const gone = new Set<string>();
  const rows: AuditRow[] = [];
  const books: Images[] = [new Map()];
  for (const [index, { writer: number, touches }] of deeds.entries()) {
    const book = new Map(books.at(-1));
    const writes = touches.flatMap(({ item, deletes }) => {
      const ref = { kind: 'order', id: `P${item}` } as const;
      const key = chainTools.keyOf(ref);
      const expectedVersion = book.get(key)?.version ?? 0;
      if ((deletes && expectedVersion === 0) || (!recreates && gone.has(key))) return [];
      if (deletes) gone.add(key);
      return [{ ref, expectedVersion, body: deletes ? null : { said: `by deed ${index}` } }];
    });
    if (writes.length === 0) continue;
    const writer = `writer-${number}`;
    const atMs = startMs + index * 1_000 + (clocksMs[number] ?? 0);
    const change = { account, writer, atMs, orderKey: '', writes };
    const cause = { kind: 'event', id: String(index), name: 'deed', reason: '' } as const;
    const row = nextRow({ ...change, cause }, heads.get(writer), chainTools);
    heads.set(writer, headAfter(row, heads.get(writer)));
    for (const { item, image } of row.changes) {
      if (image === null) book.delete(item);
      else book.set(item, image);
    }
    rows.push(row);
    books.push(book);
  }
  return { rows, books };
}

/** The book as a scan finds it that reads each item at another moment, and the tail over it. */
function overlay({ rows, books }: Told, from: number, moments: readonly number[], knows = true): Images {
  const end = books.length - 1;
  const keys = new Set(books.flatMap((book) => [...book.keys()]));
  const seen = new Map<string, AuditImage>();
  for (const [index, key] of [...keys].entries()) {
    const at = from + Math.floor((moments[index % moments.length] ?? 0) * (end - from + 1));
    const image = books[at]?.get(key);
    if (image) seen.set(key, image);
  }
  const before = (item: string) => books[from]?.get(item)?.version ?? 0;
  for (const [key, image] of foldTail(byChain(rows.slice(from)), knows ? before : undefined)) {
    if (image === null) seen.delete(key);
    else seen.set(key, image);
  }
  return seen;
}

function byChain(rows: readonly AuditRow[]): AuditRow[][] {
  return [...Map.groupBy(rows, ({ writer }) => writer).values()];
}

async function folded({ rows }: Told): Promise<Images> {
  const chains = byChain(rows).map((of) => {
    const { writer, seq, hash } = of.at(-1)!;
    return { account, writer, seq, hash };
  });
  const source = {
    chains: async () => chains,
    async *rows(_: string, writer: string) {
      yield* rows.filter((row) => row.writer === writer);
    },
  };
  const book = await foldTrail(source, account, chainTools.keyOf);
  return new Map([...book].filter(([key]) => !key.startsWith('AUDIT#')));
}

/** Every book that an order of the rows can end in which each item's versions fit. */
function possibleEnds(rows: readonly AuditRow[], start: Images): Set<string> {
  const ends = new Set<string>();
  const chains = byChain(rows);
  const walk = (at: readonly number[], book: Images): void => {
    if (at.every((n, chain) => n === chains[chain]!.length)) {
      ends.add(textOf(book));
      return;
    }
    for (const [chain, n] of at.entries()) {
      const row = chains[chain]![n];
      if (!row?.changes.every((one) => (book.get(one.item)?.version ?? 0) === one.formerVersion)) continue;
      const next = new Map(book);
      for (const { item, image } of row.changes) {
        if (image === null) next.delete(item);
        else next.set(item, image);
      }
      walk(at.with(chain, n + 1), next);
    }
  };
  walk(
    chains.map(() => 0),
    start,
  );
  return ends;
}

function textOf(images: Images): string {
  return JSON.stringify([...images].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const deeds = (maxLength: number) =>
  fc.array(
    fc.record({
      writer: fc.integer({ min: 0, max: 2 }),
      touches: fc.uniqueArray(fc.record({ item: fc.integer({ min: 0, max: 3 }), deletes: fc.boolean() }), {
        minLength: 1,
        maxLength: 3,
        selector: ({ item }) => item,
      }),
    }),
    { minLength: 1, maxLength },
  );
const share = fc.double({ min: 0, max: 0.999, noNaN: true });
const moments = fc.array(share, { minLength: 1, maxLength: 4 });
const clocks = fc.array(fc.integer({ min: -20_000, max: 20_000 }), { minLength: 3, maxLength: 3 });
const same = [0, 0, 0];

describe('the fold of a whole trail', () => {
  it('with clocks that differ and items made again is a book that the versions allow, and is never stuck', async () => {
    await fc.assert(
      fc.asyncProperty(deeds(9), clocks, async (done, clocksMs) => {
        const told = tell(done, clocksMs, true);
        const ends = possibleEnds(told.rows, new Map());
        expect(ends).toContain(textOf(await folded(told)));
      }),
      { numRuns: 500 },
    );
  });
});

describe('the tail of a backup', () => {
  it('over any scan is the fold of the whole trail, deletions and re-creations included', async () => {
    await fc.assert(
      fc.asyncProperty(deeds(40), share, moments, async (done, cut, when) => {
        const told = tell(done, same, true);
        const from = Math.floor(cut * told.books.length);
        const end = overlay(told, from, when, false);
        expect(textOf(end)).toBe(textOf(told.books.at(-1)!));
        expect(textOf(end)).toBe(textOf(await folded(told)));
      }),
      { numRuns: 300 },
    );
  });

  it('does not depend on clocks as long as nothing that was deleted comes again', async () => {
    await fc.assert(
      fc.asyncProperty(deeds(40), share, moments, clocks, async (done, cut, when, clocksMs) => {
        const told = tell(done, clocksMs, false);
        const from = Math.floor(cut * told.books.length);
        const end = overlay(told, from, when);
        expect(textOf(end)).toBe(textOf(told.books.at(-1)!));
        expect(textOf(end)).toBe(textOf(await folded(told)));
      }),
      { numRuns: 300 },
    );
  });

  it('with clocks that differ is a book that the versions allow: the book, where they allow one', () => {
    let single = 0;
    fc.assert(
      fc.property(deeds(9), share, moments, clocks, (done, cut, when, clocksMs) => {
        const told = tell(done, clocksMs, true);
        const from = Math.floor(cut * told.books.length);
        const ends = possibleEnds(told.rows.slice(from), told.books[from]!);
        const end = textOf(overlay(told, from, when));
        expect(ends).toContain(end);
        if (ends.size === 1) expect(end).toBe(textOf(told.books.at(-1)!));
        if (ends.size === 1 && told.rows.some(({ changes }) => changes.some(({ image }) => image === null)))
          single += 1;
      }),
      { numRuns: 500 },
    );
    expect(single).toBeGreaterThan(100);
  });

  it('takes a choice back that the clocks suggested and the versions forbid', () => {
    const told = tell(
      [
        { writer: 0, touches: [{ item: 0, deletes: false }] },
        { writer: 0, touches: [{ item: 0, deletes: true }] },
        { writer: 1, touches: [{ item: 0, deletes: false }] },
      ],
      [0, -10_000],
      true,
    );
    // By time the last row comes first, and the first would then find an item where it made one.
    expect(textOf(overlay(told, 0, [0]))).toBe(textOf(told.books.at(-1)!));
    expect(foldTail(byChain(told.rows)).get('ORDER#P0')).toEqual({ version: 1, body: { said: 'by deed 2' } });
  });

  it('names the row when rows are missing', () => {
    const deed = (item: number) => ({ writer: 0, touches: [{ item, deletes: false }] });
    const { rows } = tell([deed(0), deed(1), deed(0), deed(0)], same, true);
    const torn = rows.filter(({ seq }) => seq !== 3);
    expect(() => foldTail([torn])).toThrow(AuditFoldError);
    expect(() => foldTail([torn])).toThrow('Row 4 of the chain writer-0');
  });
});
