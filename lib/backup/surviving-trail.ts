/**
 * The rows of the trail that outlived the book. Those that the backup has too must be equal; those after it tell what
 * happened since, and are replayed.
 */
import { type AuditRow, type ChainHead, headAfter, noHash } from '../domain/audit/row.ts';
import { isWhole } from './chain-ledger.ts';
import { RestoreError } from './restore-error.ts';
import { type AccountSource, accountPart } from './restore-source.ts';
import type { RestoreTarget, RestoreTools } from './restore-types.ts';
import { rowOf } from './stored-line.ts';

/** Segments of the trail that are read at the same time. */
const segments = 4;

export interface SurvivingTrail {
  /** Rows after the backup's, chain by chain, in order. */
  readonly rows: ReadonlyMap<string, readonly AuditRow[]>;
  readonly count: number;
  /** Time of the last; `''` for none. */
  readonly until: string;
  /** Where the chains stand with these rows; a chain without a row is not in it. */
  readonly heads: ReadonlyMap<string, ChainHead>;
}

/**
 * By account.
 *
 * @throws RestoreError that names the first row which does not fit
 */
export async function readSurvivors(
  accounts: readonly AccountSource[],
  { scan, tables }: Pick<RestoreTarget, 'scan' | 'tables'>,
  tools: RestoreTools,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, SurvivingTrail>> {
  const byPartition = new Map(
    accounts.map((source) => [
      tools.bookPartition(source.backedUp.account),
      { source, later: new Map<string, AuditRow[]>() },
    ]),
  );
  const read = async (index: number): Promise<void> => {
    for await (const lines of scan.segment(tables.audit, { index, of: segments })) {
      signal?.throwIfAborted();
      for (const line of lines) {
        const found = byPartition.get(accountPart(line.pk));
        if (found === undefined) continue;
        const { source, later } = found;
        const row = rowOf(source.backedUp.account, line, tools);
        const expectedPk = tools.auditPartition(row.account, String(row.at).slice(0, 10));
        if (!isWhole(row, tools.digest) || line.pk !== expectedPk) throw broken(row);
        if (isInBackup(row, source)) continue;
        const rows = later.get(row.writer) ?? [];
        later.set(row.writer, rows);
        rows.push(row);
      }
    }
  };
  await Promise.all(Array.from({ length: segments }, (_, index) => read(index)));
  return new Map(
    [...byPartition.values()].map(({ source, later }) => [source.backedUp.account, trailOf(source, later)]),
  );
}

function isInBackup(row: AuditRow, { backedUp, ledgers }: AccountSource): boolean {
  const { account, writer, seq, at, hash } = row;
  const chain = backedUp.chains.find((one) => one.writer === writer);
  if (chain === undefined || seq > chain.seq) return false;
  if (ledgers.get(writer)?.hashAt(seq) === hash) return true;
  throw new RestoreError(
    'RESTORE_TRAIL_DIFFERS',
    `Row ${seq} of the chain ${writer} (${at}) of account ${account} is another in the audit table than in the backup.`,
  );
}

function trailOf(
  { backedUp }: AccountSource,
  later: ReadonlyMap<string, readonly AuditRow[]>,
): SurvivingTrail {
  const heads = new Map<string, ChainHead>(
    backedUp.chains.map(({ writer, seq, hash, at, since }) => [writer, { seq, hash, at, since }]),
  );
  const rows = new Map<string, readonly AuditRow[]>();
  for (const [writer, unsorted] of later) {
    const inOrder = unsorted.toSorted((a, b) => a.seq - b.seq);
    for (const row of inOrder) {
      const head = heads.get(writer);
      if (row.seq !== (head?.seq ?? 0) + 1 || row.previousHash !== (head?.hash ?? noHash)) throw broken(row);
      heads.set(writer, headAfter(row, head));
    }
    rows.set(writer, inOrder);
  }
  const all = [...rows.values()].flat();
  const until =
    all
      .map(({ at }) => at)
      .sort()
      .at(-1) ?? '';
  for (const [writer, { seq }] of heads) if (seq === 0) heads.delete(writer);
  return { rows, count: all.length, until, heads };
}

function broken({ account, writer, seq, at }: AuditRow): RestoreError {
  return new RestoreError(
    'RESTORE_TRAIL_BROKEN',
    `Row ${seq} of the chain ${writer} (${at}) of account ${account} is still in the audit table, and was edited, or the row before it is missing.`,
  );
}
