/** What a manifest says of a backup's accounts and tables as wholes. */
import type {
  BackedUpAccount,
  BackedUpTable,
  BackedUpTableTotals,
  BackupPart,
} from '../domain/backup/manifest.ts';
import type { TrailCount } from '../domain/backup/trail-count.ts';
import type { ChainHeads } from './chain-heads.ts';
import type { MakeBackupOptions } from './make-backup.ts';

/** @param before where its chains stood before the book was read; all of their rows are replayed where this is unknown */
export function accountOf(
  account: string,
  heads: ChainHeads,
  before: ChainHeads | undefined,
  count: TrailCount,
  startedAt: string,
): BackedUpAccount {
  const { items, rows, orderEvents } = count.total();
  const chains = [...heads]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([writer, { seq, hash, at, since }]) => ({
      writer,
      from: before?.get(writer)?.seq ?? 0,
      seq,
      hash,
      at,
      since,
    }));
  const instant = latest(chains.map(({ at }) => at)) ?? startedAt;
  return { account, instant, items, auditRows: rows, orderEvents, chains };
}

export function totalsOf(
  { tables, candles }: Pick<MakeBackupOptions, 'tables' | 'candles'>,
  parts: readonly BackupPart[],
): BackedUpTableTotals[] {
  const names: BackedUpTable[] = candles ? ['book', 'audit', 'candles'] : ['book', 'audit'];
  return names.map((table) => {
    const own = parts.filter((part) => part.table === table);
    const sum = (name: 'items' | 'bytes' | 'storedBytes'): number =>
      own.reduce((all, part) => all + part[name], 0);
    return {
      table,
      name: tables[table] ?? '',
      items: sum('items'),
      bytes: sum('bytes'),
      storedBytes: sum('storedBytes'),
      parts: own.length,
    };
  });
}

export function latest(times: readonly string[]): string | undefined {
  return times.toSorted().at(-1);
}
