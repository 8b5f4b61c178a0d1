/** The one place that builds the keys of tables. */
import type { BookKind, BookRef } from '../domain/book/item.ts';

const units = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
] as const;

/** `60000` to `1m`, `14400000` to `4h`: the largest unit that divides the interval. */
export function intervalName(intervalMs: number): string {
  for (const [unitMs, unit] of units) {
    if (intervalMs >= unitMs && intervalMs % unitMs === 0) return `${intervalMs / unitMs}${unit}`;
  }
  return `${intervalMs}ms`;
}

export interface CandleKey {
  /** `<conId>#<interval>` */
  readonly pk: string;
  /** Start of the bar as ISO-8601 in UTC: text order is time order. */
  readonly sk: string;
}

export function candlePartition(conId: number, intervalMs: number): string {
  return `${conId}#${intervalName(intervalMs)}`;
}

export function candleSort(startMs: number): string {
  return new Date(startMs).toISOString();
}

export function candleKey(candle: { conId: number; intervalMs: number; startMs: number }): CandleKey {
  return { pk: candlePartition(candle.conId, candle.intervalMs), sk: candleSort(candle.startMs) };
}

/** Instrument and interval of a partition of candles; undefined for one that this project does not build. */
export function candleSeriesOf(pk: string): { conId: number; intervalMs: number } | undefined {
  const [, conId, count, name] = /^(\d+)#(\d+)(ms|[smhd])$/.exec(pk) ?? [];
  if (conId === undefined) return undefined;
  const unitMs = units.find(([, unit]) => unit === name)?.[0] ?? 1;
  return { conId: Number(conId), intervalMs: Number(count) * unitMs };
}

/** Partition of an account, in the book and in the control table. */
export function accountPartition(account: string): string {
  return `A#${account}`;
}

/** The account of a partition of the book; undefined for one that this project does not build. */
export function accountOfPartition(pk: string): string | undefined {
  return pk.startsWith('A#') ? pk.slice(2) : undefined;
}

/** What the sort key of each kind begins with. Kinds of which an account has one are that word alone. */
const bookPrefixes: Readonly<Record<BookKind, string>> = {
  order: 'ORDER',
  fill: 'FILL',
  position: 'POS',
  cash: 'CASH',
  instrument: 'INSTRUMENT',
  intent: 'INTENT',
  perm: 'PERM',
  ref: 'REF',
  api: 'API',
  flags: 'FLAGS',
  lock: 'LOCK',
  trading: 'TRADING',
  desk: 'DESK',
  run: 'RUN',
  plan: 'PLAN',
  'audit-head': 'AUDIT',
};

const kindsByPrefix = new Map(
  Object.entries(bookPrefixes).map(([kind, prefix]) => [prefix, kind as BookKind] as const),
);

const singles: ReadonlySet<BookKind> = new Set(['flags', 'lock', 'trading', 'desk']);

function isSingle(kind: BookKind): boolean {
  return singles.has(kind);
}

/** `ORDER#P17`, `FLAGS` */
export function bookSort({ kind, id }: BookRef): string {
  return isSingle(kind) ? bookPrefixes[kind] : `${bookPrefixes[kind]}#${id}`;
}

/** What the sort keys of a kind begin with, narrowed to ids that begin with `idPrefix`. */
export function bookSortPrefix(kind: BookKind, idPrefix: string): string {
  return isSingle(kind) ? bookPrefixes[kind] : `${bookPrefixes[kind]}#${idPrefix}`;
}

/** The item that a sort key of the book names; undefined for one that this project does not build. */
export function bookRefOf(sk: string): BookRef | undefined {
  const end = sk.indexOf('#');
  const kind = kindsByPrefix.get(end < 0 ? sk : sk.slice(0, end));
  if (kind === undefined || isSingle(kind) !== end < 0) return undefined;
  return { kind, id: end < 0 ? '' : sk.slice(end + 1) };
}

/** A day of an account's audit trail. `day` is `yyyy-mm-dd`, UTC. */
export function auditPartition(account: string, day: string): string {
  return `A#${account}#${day}`;
}

/** `book-keeper#000000000017`: text order is the order of the chain. */
export function auditSort(writer: string, seq: number): string {
  return `${auditSortPrefix(writer)}${String(seq).padStart(12, '0')}`;
}

export function auditSortPrefix(writer: string): string {
  return `${writer}#`;
}

/** Writer and number of the row with this sort key. */
export function auditRowOf(sk: string): { writer: string; seq: number } {
  const end = sk.lastIndexOf('#');
  return { writer: sk.slice(0, end), seq: Number(sk.slice(end + 1)) };
}

/** Index of the audit trail's rows that concern an order. */
export const auditByOrder = 'by-order';

/** Keys of an audit row in that index. */
export function auditOrderKeys(row: { account: string; orderKey: string; at: string; sk: string }) {
  return { orderPk: auditOrderPartition(row.account, row.orderKey), orderSk: `${row.at}#${row.sk}` };
}

export function auditOrderPartition(account: string, orderKey: string): string {
  return `A#${account}#${orderKey}`;
}

const controlSorts = {
  lease: 'LEASE',
  heartbeat: 'HEARTBEAT',
  reconcile: 'RECONCILE',
  watchdog: 'WATCHDOG',
} as const;

export type ControlKind = keyof typeof controlSorts;

/** Key of an account's lease, heartbeat, run lock or watchdog's memory in the control table. */
export function controlKey(account: string, kind: ControlKind): { pk: string; sk: string } {
  return { pk: accountPartition(account), sk: controlSorts[kind] };
}

/** Key of the desk of alerts in the control table: one row for the whole stage. */
export const alertsKey = { pk: accountPartition('*'), sk: 'ALERTS' } as const;
