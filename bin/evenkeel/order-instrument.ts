import type { Instrument } from '../../lib/domain/market/instrument.ts';
import type { BookReader } from '../../lib/ports/book.ts';
import { CliError } from './exit.ts';
import { unknownName } from './valid-names.ts';

/** Instruments that a streamer of the account has resolved: only those can be ordered. */
export async function tradableInstruments(book: BookReader, account: string): Promise<readonly Instrument[]> {
  const found: Instrument[] = [];
  for await (const { body } of book.list(account, 'instrument')) found.push(body as unknown as Instrument);
  return found;
}

/**
 * The instrument that a local symbol, a configured name, a root or a conId names. A contract whose last trade date is over
 * is found by its local symbol and its conId alone: the root means the month that is traded.
 *
 * @param nowMs market time, Unix ms UTC
 * @throws CliError SYMBOL_UNKNOWN or SYMBOL_AMBIGUOUS, with what there is
 */
export function findTradable(given: string, all: readonly Instrument[], nowMs: number): Instrument {
  const wanted = given.trim().toUpperCase();
  const today = new Date(nowMs).toISOString().slice(0, 10).replaceAll('-', '');
  const living = all.filter(({ expiry = '' }) => !/^\d{8}$/.test(expiry) || expiry >= today);
  const by = (from: readonly Instrument[], nameOf: (one: Instrument) => string) =>
    from.filter((one) => nameOf(one).toUpperCase() === wanted);
  const matches = [
    by(all, ({ conId }) => String(conId)),
    by(all, ({ localSymbol }) => localSymbol),
    by(living, ({ configured }) => configured),
    by(living, ({ symbol }) => symbol),
  ].find((found) => found.length > 0);
  if (matches === undefined) {
    throw unknownName(
      'symbol',
      given,
      [...new Set(living.map(({ localSymbol }) => localSymbol))].sort(),
      ' that a streamer of this account has resolved (a conId works too)',
    );
  }
  const [only, ...more] = matches;
  if (only !== undefined && more.length === 0) return only;
  throw new CliError(
    'SYMBOL_AMBIGUOUS',
    `${given} may be ${matches.map(({ localSymbol, conId, exchange }) => `${localSymbol} (${exchange}, conId ${conId})`).join(', ')}. Name one of them. Nothing was sent.`,
  );
}
