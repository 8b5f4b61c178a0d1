/** What the page can follow: each topic is a command's answer, cut down to what is shown, with the pace of its reading. */
import type { Candle } from '../../lib/domain/market/candle.ts';
import type { Row } from '../wire/messages.ts';
import type { AuditShown, BrokerShown, FeedShown, PositionShown, StatusShown } from '../wire/shapes.ts';
import { type Bars, resultOf } from './bars.ts';
import type { CommandRunner } from './commands.ts';
import { exposureOf } from './exposure.ts';

const runsShown = 200;
const auditShown = 500;

/** What a topic says now: what stands above a list, and the list's rows; rows null where it is no list. */
export interface Told {
  readonly head: unknown;
  readonly rows: readonly Row[] | null;
}

export interface Topic {
  /**
   * `look`: read at each look. `book`: read when the book has moved, which its audit chains tell. A number: read so often,
   * in milliseconds.
   */
  readonly when: 'look' | 'book' | number;
  readonly read: () => Promise<Told>;
}

export interface TopicSources {
  readonly run: Pick<CommandRunner, 'read'>;
  readonly bars: Bars;
  /** What IB had at the last run that judged; null before the first. */
  readonly broker: () => Promise<BrokerShown | null>;
}

/** The topic of a name; undefined for none. */
export function topicOf(name: string, sources: TopicSources): Topic | undefined {
  const conId = /^candles:(\d{1,12})$/.exec(name)?.[1];
  if (conId !== undefined)
    return { when: 5_000, read: async () => candles(await sources.bars.latest(Number(conId))) };
  return topics(sources)[name];
}

function topics({ run, bars, broker }: TopicSources): Readonly<Record<string, Topic>> {
  const ask = async <T>(argv: readonly string[], scope?: 'stage') =>
    resultOf(await run.read(argv, scope)) as T;
  return {
    status: { when: 'look', read: async () => whole(await ask(['status'])) },
    orders: { when: 'book', read: async () => list(await ask(['orders', '--all']), 'orders', 'orderKey') },
    fills: { when: 'book', read: async () => list(await ask(['fills']), 'fills', 'execId') },
    positions: {
      when: 'book',
      read: async () => list(await ask(['positions', '--all']), 'positions', 'conId'),
    },
    balances: { when: 'book', read: async () => list(await ask(['balances']), 'balances', 'currency') },
    broker: { when: 'book', read: async () => whole(await broker()) },
    plan: { when: 'book', read: async () => whole(await ask(['plan', 'show'])) },
    runs: {
      when: 'book',
      read: async () => list(await ask(['reconcile', 'runs', '--limit', String(runsShown)]), 'runs', 'runId'),
    },
    run: { when: 'book', read: async () => whole(await latestRun(run)) },
    audit: {
      when: 'book',
      read: async () => auditList(await ask(['audit', '--limit', String(auditShown)])),
    },
    backups: {
      when: 60_000,
      read: async () => list(await ask(['backups'], 'stage'), 'backups', 'number'),
    },
    alerts: { when: 15_000, read: async () => whole(await alerts(run)) },
    exposure: {
      when: 30_000,
      read: async () => {
        const { positions } = await ask<{ positions: readonly PositionShown[] }>(['positions']);
        const last = async (id: number) => (await bars.latest(id, 600_000)).at(-1)?.close;
        const rows = await exposureOf(positions, last);
        return { head: null, rows: rows.map((row) => [String(row.conId), row]) };
      },
    },
    market: {
      when: 30_000,
      read: async () => {
        const { heartbeat } = await ask<StatusShown>(['status']);
        const rows: Row[] = [];
        // One after the other: the list is long, and nobody waits for its end.
        for (const feed of heartbeat?.feeds ?? []) rows.push([keyOf(feed), await bars.market(feed)]);
        return { head: null, rows };
      },
    },
  };
}

function keyOf({ conId, symbol }: FeedShown): string {
  return conId === 0 ? symbol : String(conId);
}

function whole(head: unknown): Told {
  return { head, rows: null };
}

/** Rows by the field that names them; the rest of the answer stands above. */
function list(answer: Readonly<Record<string, unknown>>, field: string, key: string): Told {
  const { [field]: found, ...head } = answer;
  const rows = found as readonly Readonly<Record<string, unknown>>[];
  return { head, rows: rows.map((row) => [String(row[key]), row]) };
}

function candles(bars: readonly Candle[]): Told {
  return { head: null, rows: bars.map((bar) => [String(bar.startMs), bar]) };
}

/** Before the first run there is none to show, which is no fault. */
async function latestRun(run: Pick<CommandRunner, 'read'>): Promise<unknown> {
  const answer = await run.read(['reconcile', 'show', 'latest']);
  return !answer.ok && answer.code === 'RUN_UNKNOWN' ? null : resultOf(answer);
}

/** Null where this version has no such command. */
async function alerts(run: Pick<CommandRunner, 'read'>): Promise<unknown> {
  const answer = await run.read(['alerts', 'list']);
  return !answer.ok && answer.code === 'USAGE' ? null : resultOf(answer);
}

export interface AuditList {
  readonly account: string;
  readonly more: boolean;
  readonly rows: readonly (Omit<AuditShown, 'items'> & {
    readonly changes: readonly {
      readonly item: string;
      readonly image: { readonly version: number } | null;
    }[];
  })[];
}

/** The images of the items are the book once more; the list says what changed, the commands have the rest. */
export function auditList({ rows, ...head }: AuditList): Told {
  return {
    head,
    rows: rows.map(({ writer, seq, at, cause, orderKey, hash, previousHash, changes }) => {
      const items = changes.map(({ item, image }) => ({ item, version: image?.version ?? null }));
      const shown: AuditShown = { writer, seq, at, cause, orderKey, hash, previousHash, items };
      return [`${writer}#${seq}`, shown];
    }),
  };
}
