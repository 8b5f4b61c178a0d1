/** Changes of positions as rows of the archive: every image of a position in the audit trail, with who and why. */
import type { AuditChange, AuditRow } from '../audit/row.ts';
import type { PositionBody } from '../book/accounts.ts';
import type { ArchiveRow } from './columns.ts';

export interface PositionChange {
  /** Local symbol: where the row is archived. `conId-<n>` where nothing says it. */
  readonly symbol: string;
  readonly row: ArchiveRow;
}

/** Local symbols by conId, learnt on the way: the removal of a position does not say what it was in. */
export type KnownSymbols = Map<number, string>;

export function learnSymbol({ contract }: Pick<PositionBody, 'contract'>, known: KnownSymbols): void {
  const symbol = contract.localSymbol || contract.symbol;
  if (symbol !== '') known.set(contract.conId, symbol);
}

/**
 * The changes of positions in a row of the trail.
 *
 * @param conIdOf the conId of a position's sort key; undefined for every other item
 */
export function positionChanges(
  row: AuditRow,
  conIdOf: (item: string) => number | undefined,
  known: KnownSymbols,
): PositionChange[] {
  return row.changes.flatMap((change) => {
    const conId = conIdOf(change.item);
    if (conId === undefined) return [];
    const body = change.image?.body as PositionBody | undefined;
    if (body !== undefined) learnSymbol(body, known);
    const symbol = known.get(conId) ?? `conId-${conId}`;
    return [{ symbol, row: { ...who(row), con_id: conId, ...what(change, body, known.get(conId) ?? '') } }];
  });
}

function what({ image, formerVersion }: AuditChange, body: PositionBody | undefined, symbol: string) {
  const contract = body?.contract;
  return {
    local_symbol: symbol,
    symbol_root: contract?.symbol ?? '',
    sec_type: contract?.secType ?? '',
    currency: contract?.currency ?? '',
    multiplier: contract?.multiplier ?? null,
    position: body?.position ?? null,
    average_cost: body?.averageCost ?? null,
    average_price: body?.averagePrice ?? null,
    removed: image === null,
    version: image?.version ?? formerVersion,
    epoch: body?.stamp.epoch ?? null,
    seq: body?.stamp.seq ?? null,
  };
}

function who({ at, account, writer, seq, hash, cause }: AuditRow) {
  return {
    changed_at: Date.parse(at),
    account,
    writer,
    audit_seq: seq,
    audit_hash: hash,
    cause_kind: cause.kind,
    cause_id: cause.id,
    cause_name: cause.name,
    cause_reason: cause.reason,
  };
}

/**
 * The changes of a day: one for each account, contract, writer and row of the trail, the last that was read. What only
 * the archive has stays.
 */
export function mergePositions(archived: readonly ArchiveRow[], fresh: readonly ArchiveRow[]): ArchiveRow[] {
  const merged = new Map<string, ArchiveRow>();
  for (const row of [...archived, ...fresh]) {
    merged.set(JSON.stringify([row.account, row.con_id, row.writer, row.audit_seq]), row);
  }
  return [...merged.values()].sort(byTime);
}

const order = ['changed_at', 'account', 'writer', 'audit_seq', 'con_id'] as const;

function byTime(a: ArchiveRow, b: ArchiveRow): number {
  for (const name of order) {
    const [left, right] = [a[name] ?? '', b[name] ?? ''];
    if (left < right) return -1;
    if (left > right) return 1;
  }
  return 0;
}
