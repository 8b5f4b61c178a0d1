/** What the keepers make of a day's events: the table of candles, and the book. */
import { createKeeper } from '../../functions/book-keeper/keeper.ts';
import { type BookItem, type Json, stateOf } from '../../lib/domain/book/item.ts';
import { type Candle, supersedes } from '../../lib/domain/market/candle.ts';
import type { Envelope } from '../../lib/events/envelope.ts';
import { MemoryBook } from '../helpers/memory-book.ts';

/** By the table's own rule, which a test of the table proves to be the domain's. */
export function keepCandles(events: readonly Envelope[]): Candle[] {
  const table = new Map<string, Candle>();
  for (const { type, data } of events) {
    if (type !== 'candle.completed' && type !== 'candle.corrected') continue;
    const key = `${data.conId} ${data.startMs}`;
    const stored = table.get(key);
    // A correction is stored as a candle, without its reason.
    const { reason: _, ...candle } = data as Candle & { reason?: string };
    if (stored === undefined || supersedes(candle, stored)) table.set(key, candle);
  }
  return [...table.values()].sort((a, b) => a.startMs - b.startMs || a.conId - b.conId);
}

/** By the book-keeper itself, on a book in memory. */
export async function keepBook(events: readonly Envelope[]): Promise<Omit<BookItem, 'version'>[]> {
  const book = new MemoryBook();
  const refuse = (what: string) => () => Promise.reject(new Error(what));
  const keep = createKeeper({
    book,
    deadLetters: { put: refuse('a message was refused') },
    publisher: { publish: refuse('an alert was raised') },
    stage: 'sandbox',
    logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
    nowMs: () => 0,
    sleep: () => Promise.resolve(),
    random: () => 0.5,
  });
  for (const event of events) await keep({ id: event.id, group: event.account, body: JSON.stringify(event) });
  const items: BookItem[] = [];
  for (const account of new Set(events.map((event) => event.account)))
    for await (const item of book.all(account)) if (item.ref.kind !== 'audit-head') items.push(item);
  return items
    .map(stateOf)
    .sort((a, b) => `${a.ref.kind} ${a.ref.id}`.localeCompare(`${b.ref.kind} ${b.ref.id}`));
}

/**
 * An item without what tells how it was learned rather than what is true: the stamps (epoch and number of the event that
 * said it), and of an order that has ended the last state in which it was seen alive, which nobody sees in an outage.
 */
export function factOf({ account, ref, body }: Omit<BookItem, 'version'>): Json {
  const fact = withoutStamps(body) as { state?: { ended?: unknown; live?: unknown } };
  if (ref.kind === 'order' && fact.state?.ended) delete fact.state.live;
  return { account, ref: { ...ref }, body: fact as Json };
}

function withoutStamps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutStamps);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, field]) => !isStamp(field));
  return Object.fromEntries(kept.map(([name, field]) => [name, withoutStamps(field)]));
}

function isStamp(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.keys(value).sort().join() === 'epoch,seq';
}

/** A bar's numbers, without where they came from: by an outage a bar comes from history, with the next revision. */
export function numbersOf(candle: Candle): object {
  const { source: _, volumeSource: _2, revision: _3, ...numbers } = candle;
  return numbers;
}
