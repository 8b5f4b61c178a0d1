import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bookEvent } from '../../../functions/book-keeper/book-event.ts';
import type { Envelope } from '../../../lib/events/envelope.ts';
import type { Book } from '../../../lib/ports/book.ts';
import { disorder, history } from '../../helpers/book-events.ts';
import { stateText } from '../../helpers/book-tables.ts';
import { MemoryBook } from '../../helpers/memory-book.ts';

async function deliver(book: Book, events: readonly Envelope[]): Promise<void> {
  const options = { book, nowMs: () => 0, sleep: async () => undefined, random: () => 0 };
  for (const event of events) await bookEvent(event, options);
}

it('any order of arrival, any repetition, with gaps: the same book but for its versions', async () => {
  await fc.assert(
    fc.asyncProperty(history(14), disorder(), async (events, mix) => {
      const [straight, mixed] = [new MemoryBook(), new MemoryBook()];
      await deliver(straight, events('DU1'));
      await deliver(mixed, mix(events('DU1')));
      expect(await stateText(mixed, 'DU1')).toBe(await stateText(straight, 'DU1'));
    }),
    { numRuns: 400 },
  );
});

it('told once more from the beginning, nothing is written', async () => {
  await fc.assert(
    fc.asyncProperty(history(14), async (events) => {
      const book = new MemoryBook();
      await deliver(book, events('DU1'));
      const changes = book.changes.length;
      await deliver(book, events('DU1'));
      expect(book.changes.length).toBe(changes);
    }),
    { numRuns: 100 },
  );
});

it('no change writes an item twice, or an item as it was', async () => {
  await fc.assert(
    fc.asyncProperty(history(14), disorder(), async (events, mix) => {
      const book = new MemoryBook();
      await deliver(book, mix(events('DU1')));
      for (const { writes } of book.changes) {
        expect(writes.length).toBeGreaterThan(0);
        expect(new Set(writes.map(({ ref }) => `${ref.kind} ${ref.id}`)).size).toBe(writes.length);
      }
    }),
    { numRuns: 100 },
  );
});
