/** Looking into the items that have been read so far. */
import type { BookBody, BookItem, BookRef, BookWrite } from './item.ts';

/** The items that have been read, by `refText`; undefined where the book has none, absent where nobody has looked. */
export type Seen = ReadonlyMap<string, BookItem | undefined>;

/** `read`: these items are needed too, call again. `write`: an empty list means that the news changes nothing. */
export type Booking =
  | { readonly do: 'read'; readonly refs: readonly BookRef[] }
  | { readonly do: 'write'; readonly orderKey: string; readonly writes: readonly BookWrite[] };

export function refText({ kind, id }: BookRef): string {
  return `${kind} ${id}`;
}

/** Those of `refs` that nobody has read yet, as a booking; undefined when all are there. */
export function unread(refs: readonly BookRef[], seen: Seen): Booking | undefined {
  const missing = refs.filter((ref) => !seen.has(refText(ref)));
  return missing.length === 0 ? undefined : { do: 'read', refs: missing };
}

/** A new body for an item, on the condition that it is still the one that was read. */
export function write(ref: BookRef, body: BookBody, seen: Seen): BookWrite {
  return { ref, expectedVersion: seen.get(refText(ref))?.version ?? 0, body };
}

/** The part of a body that this project wrote itself, under the type that it wrote. */
export function bodyOf<T>(ref: BookRef, seen: Seen): T | undefined {
  return seen.get(refText(ref))?.body as T | undefined;
}
