/**
 * Into an empty book: a fence first, so that nobody writes meanwhile; then items and rows as they were; then a check of
 * what is there; and one last transaction that takes the fence away and says what happened. Killed anywhere, it goes on.
 */
import type { RestoreFence } from '../domain/audit/fence.ts';
import { type ChainReport, verifyChain } from '../domain/audit/verify.ts';
import { knownWriters, restoreWriter } from '../domain/audit/writers.ts';
import type { BackupManifest } from '../domain/backup/manifest.ts';
import { foldTail, type Tail } from '../domain/backup/tail.ts';
import type { TradingState } from '../domain/safety/trading-state.ts';
import type { OpenedFence } from '../ports/book-import.ts';
import type { StoredLine } from '../ports/table-scan.ts';
import { raiseLease } from './lease-floor.ts';
import { RestoreError } from './restore-error.ts';
import { type AccountSource, accountPart, linesOf, progressOf } from './restore-source.ts';
import { isEmpty, restoredCause } from './restore-state.ts';
import type { RestoredAccount, RestoreRequest } from './restore-types.ts';
import { countsOf, tradingOf } from './restored-counts.ts';
import { rollbackOf } from './rollback-writes.ts';
import { epochIn, lineOf } from './stored-line.ts';
import type { SurvivingTrail } from './surviving-trail.ts';

const linesAtOnce = 1_000;
const finishAttemptsMax = 10;

export interface EmptyRestore {
  readonly source: AccountSource;
  readonly survivors: SurvivingTrail;
  readonly resumed: boolean;
}

interface Loading extends EmptyRestore {
  readonly account: string;
  readonly opened: OpenedFence;
  /** Everything that rows say and the scanned items do not. */
  readonly tail: Tail;
  /** Highest fencing token of the items. */
  epoch: number;
}

/** Accounts whose books are empty, or were begun by the same restore. */
export async function restoreEmpty(
  manifest: BackupManifest,
  restores: readonly EmptyRestore[],
  request: RestoreRequest,
): Promise<RestoredAccount[]> {
  if (restores.length === 0) return [];
  const loadings: Loading[] = [];
  for (const restore of restores) loadings.push(await close(manifest, restore, request));
  await load(manifest, loadings, request);
  const restored: RestoredAccount[] = [];
  for (const loading of loadings) restored.push(await open(manifest, loading, request));
  return restored;
}

async function close(
  { id, hash }: BackupManifest,
  restore: EmptyRestore,
  { target, nowMs }: RestoreRequest,
): Promise<Loading> {
  const { source, survivors } = restore;
  const { account, chains } = source.backedUp;
  const meanwhile = chains.map(({ writer }) => [
    ...(source.meanwhile.get(writer) ?? []),
    ...(survivors.rows.get(writer) ?? []),
  ]);
  const others = [...survivors.rows].filter(([writer]) => chains.every((chain) => chain.writer !== writer));
  const rows = [...meanwhile, ...others.map(([, of]) => of)];
  const tail = foldTail(rows, (item) => source.before.get(item) ?? 0);
  const begun = await target.imports.fence(account);
  if (begun) return { ...restore, account, opened: begun, tail, epoch: 0 };
  const writers = [...new Set([...knownWriters, ...survivors.heads.keys()])];
  const fence: RestoreFence = {
    restoring: id,
    manifestHash: hash,
    startedAt: new Date(nowMs()).toISOString(),
  };
  if ((await target.imports.raise(account, writers, fence)) === 'conflict') throw notEmpty(account);
  if (!(await isEmpty(account, target))) {
    await target.imports.lift(account, { fence, writers });
    throw notEmpty(account);
  }
  return { ...restore, account, opened: { fence, writers }, tail, epoch: 0 };
}

async function load(
  manifest: BackupManifest,
  loadings: readonly Loading[],
  request: RestoreRequest,
): Promise<void> {
  const { target, tools, signal } = request;
  const { load: table, tables } = target;
  const byPartition = new Map(loadings.map((one) => [tools.bookPartition(one.account), one]));
  const tick = progressOf(manifest, ['audit', 'book'], 'load', request);
  for await (const lines of inGroups(linesOf(manifest, 'audit', request))) {
    await table.put(
      tables.audit,
      lines.filter(({ pk }) => byPartition.has(accountPart(pk))),
    );
    for (const _ of lines) tick();
  }
  for await (const lines of inGroups(linesOf(manifest, 'book', request))) {
    const own = lines.filter((line) => {
      const loading = byPartition.get(line.pk);
      const counts =
        loading !== undefined && tools.refOf(line.sk)?.kind !== 'audit-head' && !loading.tail.has(line.sk);
      if (counts) loading.epoch = Math.max(loading.epoch, epochIn(line));
      return counts;
    });
    await table.put(tables.book, own);
    for (const _ of lines) tick();
  }
  for (const loading of loadings) {
    signal?.throwIfAborted();
    const partition = tools.bookPartition(loading.account);
    const lines = [...loading.tail].flatMap(([sk, image]) => (image ? [lineOf(partition, sk, image)] : []));
    for (const line of lines) loading.epoch = Math.max(loading.epoch, epochIn(line));
    await table.put(tables.book, lines);
  }
}

/** Checks what is there, then lets the writers in again. */
async function open(
  manifest: BackupManifest,
  loading: Loading,
  request: RestoreRequest,
): Promise<RestoredAccount> {
  const { account, source, survivors, opened, resumed } = loading;
  const { target, who, reason } = request;
  const { backedUp } = source;
  const read = await readBack(loading, request);
  const leaseToken = await raiseLease(account, loading.epoch, target.leases, request.nowMs());
  // Never before a row that it follows on: whoever reads the trail by time finds it last.
  const lastMs = [...survivors.heads.values()].reduce((last, { at }) => Math.max(last, Date.parse(at)), 0);
  const atMs = Math.max(request.nowMs(), lastMs);
  for (let attempt = 1; ; attempt += 1) {
    const rollback = await rollbackOf(account, target.book, { who, reason, atMs }, manifest.id);
    const cause = {
      kind: 'restore',
      id: manifest.id,
      name: restoredCause,
      reason: `${reason} (${who})`,
    } as const;
    const change = { account, writer: restoreWriter, cause, atMs, orderKey: '', writes: rollback.writes };
    const { fence, writers } = opened;
    const result = await target.imports.finish({ account, fence, writers, heads: survivors.heads, change });
    if (result === 'committed') {
      return {
        account,
        how: 'empty',
        resumed,
        instant: backedUp.instant,
        counts: countsOf(backedUp, read.kinds, read.orderEvents),
        items: read.items,
        auditRows: read.auditRows,
        replayed: survivors.count === 0 ? null : { rows: survivors.count, until: survivors.until },
        changes: null,
        flags: { before: rollback.before, after: rollback.after },
        trading: read.trading,
        leaseToken,
      };
    }
    if (attempt === finishAttemptsMax)
      throw new RestoreError('RESTORE_CONTENDED', `The fence of account ${account} could not be taken away.`);
  }
}

interface ReadBack {
  readonly kinds: ReadonlyMap<string, number>;
  readonly items: number;
  readonly auditRows: number;
  readonly orderEvents: number;
  readonly trading: TradingState;
}

/** @throws RestoreError RESTORE_NOT_AS_THE_BACKUP */
async function readBack(loading: Loading, request: RestoreRequest): Promise<ReadBack> {
  const { account, source, survivors, tail } = loading;
  const { target, tools } = request;
  const differs = (what: string): RestoreError =>
    new RestoreError('RESTORE_NOT_AS_THE_BACKUP', `Account ${account} was put back, but ${what}.`);
  const kinds = new Map<string, number>();
  let items = 0;
  let trading = tradingOf(undefined);
  for await (const { ref, version, body } of target.book.all(account)) {
    if (ref.kind === 'audit-head') continue;
    const key = tools.keyOf(ref);
    const expected = tail.has(key) ? tail.get(key)?.version : source.before.get(key);
    if (version !== expected)
      throw differs(`its item ${key} has version ${version} instead of ${expected ?? 'not being there'}`);
    kinds.set(ref.kind, (kinds.get(ref.kind) ?? 0) + 1);
    if (ref.kind === 'trading') trading = tradingOf(body);
    items += 1;
  }
  let expected = 0;
  for (const key of source.before.keys()) if (!tail.has(key)) expected += 1;
  for (const image of tail.values()) if (image) expected += 1;
  if (items !== expected) throw differs(`it has ${items} items instead of ${expected}`);

  const stored = target.imports.trail(account, survivors.heads);
  const total = [...survivors.heads.values()].reduce((sum, { seq }) => sum + seq, 0);
  let auditRows = 0;
  let orderEvents = 0;
  const counted = {
    chains: (of: string) => stored.chains(of),
    async *rows(of: string, writer: string) {
      for await (const row of stored.rows(of, writer)) {
        request.signal?.throwIfAborted();
        auditRows += 1;
        if (row.orderKey !== '') orderEvents += 1;
        if (auditRows % 1_000 === 0 || auditRows === total)
          request.onProgress?.({ phase: 'check', done: auditRows, total });
        yield row;
      }
    },
  };
  for (const [writer, { seq, hash }] of survivors.heads) {
    const report: ChainReport = await verifyChain(counted, { account, writer, seq, hash }, tools.digest);
    if (report.finding) throw differs(`its chain ${writer} is not whole: ${report.finding.message}`);
  }
  return { kinds, items, auditRows, orderEvents, trading };
}

async function* inGroups(
  lines: AsyncIterable<StoredLine>,
): AsyncGenerator<readonly StoredLine[], void, undefined> {
  let group: StoredLine[] = [];
  for await (const line of lines) {
    group.push(line);
    if (group.length < linesAtOnce) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

function notEmpty(account: string): RestoreError {
  return new RestoreError(
    'RESTORE_BOOK_NOT_EMPTY',
    `Somebody writes the book of account ${account}: it is not empty.`,
  );
}
