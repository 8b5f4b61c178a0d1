import type { PositionBody } from '../../lib/domain/book/accounts.ts';
import type { TradedContract } from '../../lib/domain/orders/contract.ts';
import type { BookReader } from '../../lib/ports/book.ts';
import type { HeartbeatStore } from '../../lib/ports/lease-store.ts';
import { CliError } from './exit.ts';
import { unknownName } from './valid-names.ts';

/** An instrument that the stage knows, under the names that a person may use. */
export interface KnownInstrument {
  readonly conId: number;
  /** Local symbol, for example `GCZ3`. */
  readonly name: string;
  /** Root, for example `GC`. */
  readonly root: string;
}

/** What is subscribed to by the streamer's last word, and what the book has positions and orders in. */
export async function knownInstruments(
  { book, heartbeats }: { readonly book: BookReader; readonly heartbeats: HeartbeatStore },
  account: string,
): Promise<readonly KnownInstrument[]> {
  const known = new Map<number, KnownInstrument>();
  const add = (conId: number, name: string, root: string) => {
    if (conId > 0 && name !== '' && !known.has(conId)) known.set(conId, { conId, name, root });
  };
  const addContract = ({ conId, localSymbol, symbol }: TradedContract) =>
    add(conId, localSymbol || symbol, symbol);
  const heartbeat = await heartbeats.read(account);
  for (const { conId, symbol } of heartbeat?.feeds ?? []) add(conId, symbol, rootOf(symbol));
  for await (const { body } of book.list(account, 'position'))
    addContract((body as unknown as PositionBody).contract);
  for await (const { body } of book.list(account, 'order')) {
    const { contract } = body as unknown as { readonly contract?: TradedContract };
    if (contract) addContract(contract);
  }
  return [...known.values()];
}

/**
 * The instrument of a local symbol, a root that only one of them has, or a conId.
 *
 * @throws CliError SYMBOL_UNKNOWN or SYMBOL_AMBIGUOUS, with what there is
 */
export function findInstrument(given: string, known: readonly KnownInstrument[]): KnownInstrument {
  if (/^\d+$/.test(given)) {
    const conId = Number(given);
    return known.find((each) => each.conId === conId) ?? { conId, name: given, root: given };
  }
  const wanted = given.toUpperCase();
  const named = known.filter(({ name }) => name.toUpperCase() === wanted);
  const matching = named.length > 0 ? named : known.filter(({ root }) => root.toUpperCase() === wanted);
  const [only, ...more] = matching;
  if (only === undefined) {
    throw unknownName(
      'symbol',
      given,
      [...new Set(known.map(({ name }) => name))].sort(),
      ' that this stage knows (a conId works too)',
    );
  }
  if (more.length > 0) {
    throw new CliError(
      'SYMBOL_AMBIGUOUS',
      `${given} may be ${matching.map(({ name, conId }) => `${name} (conId ${conId})`).join(', ')}. Name one of them.`,
    );
  }
  return only;
}

/** Root of a future's local symbol: what stands before the month's letter and the year. */
function rootOf(localSymbol: string): string {
  return /^(.+?)\s*[FGHJKMNQUVXZ]\d{1,2}$/.exec(localSymbol)?.[1] ?? localSymbol;
}
