/** What an account's book has, beside what a backup says of it. */
import type { BookBody } from '../domain/book/item.ts';
import { type Flags, readFlags } from '../domain/safety/flags.ts';
import { readTradingState, type TradingState } from '../domain/safety/trading-state.ts';
import type { AccountSource } from './restore-source.ts';
import type { RestoredAccount, RestoredCount, RestoreRequest } from './restore-types.ts';

export interface BookCounts {
  readonly counts: readonly RestoredCount[];
  readonly items: number;
  readonly auditRows: number;
  readonly flags: Flags;
  readonly trading: TradingState;
}

/** Rows of the trail are counted up to the backup's instant, because later ones are no rows of the backup. */
export async function countBook(
  { backedUp }: AccountSource,
  { target, signal, onProgress }: Pick<RestoreRequest, 'target' | 'signal' | 'onProgress'>,
): Promise<BookCounts> {
  const { account, chains } = backedUp;
  const kinds = new Map<string, number>();
  let flags = readFlags(undefined).flags;
  let trading = tradingOf(undefined);
  for await (const { ref, body } of target.book.all(account)) {
    kinds.set(ref.kind, (kinds.get(ref.kind) ?? 0) + 1);
    if (ref.kind === 'flags') flags = readFlags(body).flags;
    if (ref.kind === 'trading') trading = tradingOf(body);
  }
  const total = chains.reduce((sum, { seq }) => sum + seq, 0);
  let auditRows = 0;
  let orderEvents = 0;
  for (const { writer, seq } of chains) {
    for await (const row of target.audit.rows(account, writer)) {
      signal?.throwIfAborted();
      if (row.seq > seq) break;
      auditRows += 1;
      if (row.orderKey !== '') orderEvents += 1;
      if (auditRows % 1_000 === 0 || auditRows === total)
        onProgress?.({ phase: 'check', done: auditRows, total });
    }
  }
  let items = 0;
  for (const [kind, count] of kinds) if (kind !== 'audit-head') items += count;
  return {
    counts: countsOf(backedUp, kinds, orderEvents),
    items,
    auditRows,
    flags,
    trading,
  };
}

/** Whether the account may trade, as the item `TRADING` says. */
export function tradingOf(body: BookBody | undefined): TradingState {
  const { mode, by, reason, at } = readTradingState(body);
  return { mode, by, reason, at };
}

export function countsOf(
  { items, orderEvents: ofBackup }: AccountSource['backedUp'],
  kinds: ReadonlyMap<string, number>,
  orderEvents: number,
): readonly RestoredCount[] {
  return [
    { of: 'orders', manifest: items.order ?? 0, restored: kinds.get('order') ?? 0 },
    { of: 'orderEvents', manifest: ofBackup, restored: orderEvents },
    { of: 'executions', manifest: items.fill ?? 0, restored: kinds.get('fill') ?? 0 },
  ];
}

/** An account that was restored before: nothing is written. */
export async function countRestored(
  source: AccountSource,
  request: RestoreRequest,
): Promise<RestoredAccount> {
  const { account, instant } = source.backedUp;
  const { counts, items, auditRows, flags, trading } = await countBook(source, request);
  return {
    account,
    how: 'already',
    resumed: false,
    instant,
    counts,
    items,
    auditRows,
    replayed: null,
    changes: null,
    flags: { before: flags, after: flags },
    trading,
    leaseToken: null,
  };
}
