import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WatchedBook } from '../../../bin/evenkeel/console-book.ts';
import { commandRunner, type RunProgram } from '../../../bin/evenkeel/console-runner.ts';
import type { Io } from '../../../bin/evenkeel/io.ts';
import type { OpenPorts } from '../../../bin/evenkeel/session.ts';
import { Bars } from '../../../console/server/bars.ts';
import { Hub } from '../../../console/server/hub.ts';
import type { Told, Topic } from '../../../console/server/topics.ts';
import type { Message } from '../../../console/wire/messages.ts';
import type { Book, BookItem } from '../../../lib/ports/book.ts';

const second = 1_000;

describe('what is read, and when', () => {
  let hub: Hub;
  let reads: Record<string, number>;
  let state: string;
  let topics: Record<string, Topic>;

  beforeEach(() => {
    vi.useFakeTimers();
    reads = {};
    state = '1';
    topics = {};
    hub = new Hub({ topicOf: (name) => topics[name], fingerprint: async () => state, nowMs: Date.now });
  });
  afterEach(() => {
    hub.close();
    vi.useRealTimers();
  });

  function topic(
    name: string,
    when: Topic['when'],
    read: () => Told | Promise<Told> = () => ({ head: 1, rows: null }),
  ) {
    reads[name] = 0;
    topics[name] = {
      when,
      read: async () => {
        reads[name] = (reads[name] ?? 0) + 1;
        return read();
      },
    };
  }

  function follow(...names: string[]) {
    const told: Message[] = [];
    const leave = hub.follow({ topics: new Set(names), send: (message) => void told.push(message) });
    return { told, leave };
  }

  const ofTopics = (told: readonly Message[]) => told.filter((message) => 'topic' in message);

  /** What was said last of how old a topic is. */
  const freshness = (told: readonly Message[], name: string) =>
    told.findLast((message) => message.t === 'beat')?.topics[name];

  it('nothing while nobody looks, and nothing more once the last page is closed', async () => {
    topic('status', 'look');
    await vi.advanceTimersByTimeAsync(60 * second);
    expect(reads).toEqual({ status: 0 });
    const { leave } = follow('status');
    await vi.advanceTimersByTimeAsync(31 * second);
    expect(reads.status).toBeGreaterThan(8);
    leave();
    const before = reads.status;
    await vi.advanceTimersByTimeAsync(60 * second);
    expect(reads.status).toBe(before);
  });

  it('what rests on the book is read again only when the book has moved', async () => {
    topic('orders', 'book');
    follow('orders');
    await vi.advanceTimersByTimeAsync(30 * second);
    expect(reads.orders).toBe(1);
    state = '2';
    await vi.advanceTimersByTimeAsync(30 * second);
    expect(reads.orders).toBe(2);
  });

  const slow =
    (ms: number, head: unknown = 1) =>
    async (): Promise<Told> => {
      await new Promise((resolve) => void setTimeout(resolve, ms));
      return { head, rows: null };
    };

  it('what takes long is read rarely, and does not hold the others up', async () => {
    topic('slow', 'book', slow(10 * second));
    topic('quick', 'look');
    follow('slow', 'quick');
    await vi.advanceTimersByTimeAsync(second);
    state = '2';
    await vi.advanceTimersByTimeAsync(199 * second);
    expect(reads.slow).toBe(1);
    expect(reads.quick).toBeGreaterThan(30);
    await vi.advanceTimersByTimeAsync(30 * second);
    expect(reads.slow).toBe(2);
  });

  it('what is read at each look rests for 15 s at most, however long it took', async () => {
    topic('status', 'look', slow(10 * second));
    follow('status');
    await vi.advanceTimersByTimeAsync(24 * second);
    expect(reads.status).toBe(1);
    await vi.advanceTimersByTimeAsync(70 * second);
    expect(reads.status).toBeGreaterThanOrEqual(3);
  });

  it.each(['look', 'book'] as const)(
    'a reading that failed after long is tried again at the next look (%s)',
    async (when) => {
      let isBroken = true;
      topic('status', when, async () => {
        if (!isBroken) return { head: 1, rows: null };
        await slow(10 * second)();
        throw new Error('timed out');
      });
      const { told } = follow('status');
      await vi.advanceTimersByTimeAsync(11 * second);
      isBroken = false;
      await vi.advanceTimersByTimeAsync(8 * second);
      expect(ofTopics(told).map(({ t }) => t)).toEqual(['fault', 'whole']);
    },
  );

  it('two pages cost what one costs, and the second is told the whole at once', async () => {
    topic('status', 'look');
    follow('status');
    await vi.advanceTimersByTimeAsync(second);
    const { told } = follow('status');
    expect(ofTopics(told)).toMatchObject([{ t: 'whole', topic: 'status', head: 1 }]);
    await vi.advanceTimersByTimeAsync(second);
    expect(reads.status).toBeLessThanOrEqual(2);
  });

  it('only what is different is told', async () => {
    let rows: Told['rows'] = [['a', 1]];
    topic('list', 'look', () => ({ head: null, rows }));
    const { told } = follow('list');
    await vi.advanceTimersByTimeAsync(10 * second);
    rows = [
      ['a', 1],
      ['b', 2],
    ];
    await vi.advanceTimersByTimeAsync(4 * second);
    expect(ofTopics(told)).toMatchObject([{ t: 'whole' }, { t: 'change', rows: [['b', 2]], gone: [] }]);
  });

  it('a long list is told in pieces that make the whole', async () => {
    const rows = Array.from({ length: 2_500 }, (_, at) => [String(at), at] as const);
    topic('orders', 'book', () => ({ head: { account: 'A' }, rows }));
    const { told } = follow('orders');
    await vi.advanceTimersByTimeAsync(second);
    const pieces = told.flatMap((message) => ('rows' in message ? [message] : []));
    expect(pieces.map(({ t, rows: piece }) => [t, piece?.length])).toEqual([
      ['whole', 1_000],
      ['change', 1_000],
      ['change', 500],
    ]);
    expect(pieces.flatMap(({ rows: piece }) => piece ?? [])).toEqual(rows);
  });

  it('a fault is told once, and the whole when it is over', async () => {
    let isBroken = true;
    topic('status', 'look', () => {
      if (isBroken) throw new Error('no answer');
      return { head: 1, rows: null };
    });
    const { told } = follow('status');
    await vi.advanceTimersByTimeAsync(10 * second);
    isBroken = false;
    await vi.advanceTimersByTimeAsync(4 * second);
    expect(ofTopics(told)).toMatchObject([
      { t: 'fault', code: 'CONSOLE_FAULT', message: 'no answer' },
      { t: 'whole', head: 1 },
    ]);
  });

  it('whoever comes while it cannot be read is told its age and why, not that it is fresh', async () => {
    let isBroken = false;
    topic('status', 'look', () => {
      if (isBroken) throw new Error('no answer');
      return { head: 1, rows: null };
    });
    follow('status');
    await vi.advanceTimersByTimeAsync(second);
    isBroken = true;
    const goodAtMs = Date.now() - second;
    await vi.advanceTimersByTimeAsync(60 * second);
    const { told } = follow('status');
    expect(ofTopics(told)).toMatchObject([
      { t: 'whole', head: 1, atMs: goodAtMs },
      { t: 'fault', code: 'CONSOLE_FAULT', message: 'no answer' },
    ]);
    expect(freshness(told, 'status')).toEqual({ atMs: goodAtMs, paceMs: 3_000 });
    // The same fault once more says nothing new, to nobody.
    await vi.advanceTimersByTimeAsync(10 * second);
    expect(ofTopics(told)).toHaveLength(2);
  });

  it('whoever comes where it was never read is told why', async () => {
    topic('status', 'look', () => {
      throw new Error('no answer');
    });
    follow('status');
    await vi.advanceTimersByTimeAsync(10 * second);
    const { told } = follow('status');
    expect(ofTopics(told)).toMatchObject([{ t: 'fault', message: 'no answer' }]);
    expect(freshness(told, 'status')).toEqual({ atMs: 0, paceMs: 3_000 });
  });

  it('what one that has left was still waiting for is not told to the next', async () => {
    let rows: Told['rows'] = [['a', 1]];
    topic('list', 'look', async () => {
      const found = rows;
      await slow(2 * second)();
      return { head: null, rows: found };
    });
    const { leave } = follow('list');
    await vi.advanceTimersByTimeAsync(3 * second);
    rows = [
      ['a', 1],
      ['b', 2],
    ];
    // The next reading has begun.
    while (reads.list === 1) await vi.advanceTimersByTimeAsync(second);
    leave();
    const { told } = follow('list');
    await vi.advanceTimersByTimeAsync(5 * second);
    expect(ofTopics(told)).toMatchObject([{ t: 'whole', rows }]);
  });

  it('how old each topic is, is said at each look', async () => {
    let isBroken = false;
    topic('status', 'look', () => {
      if (isBroken) throw new Error('no answer');
      return { head: 1, rows: null };
    });
    topic('orders', 'book');
    topic('backups', 60 * second);
    const begunAtMs = Date.now();
    const { told } = follow('status', 'orders', 'backups');
    await vi.advanceTimersByTimeAsync(31 * second);
    // A list of the book is as fresh as the last look that found the book where it was.
    const latest = { atMs: begunAtMs + 30 * second, paceMs: 3_000 };
    expect(freshness(told, 'status')).toEqual(latest);
    expect(freshness(told, 'orders')).toEqual(latest);
    expect(freshness(told, 'backups')).toEqual({ atMs: begunAtMs, paceMs: 60_000 });
    isBroken = true;
    await vi.advanceTimersByTimeAsync(30 * second);
    expect(freshness(told, 'status')).toEqual(latest);
    expect(freshness(told, 'orders')?.atMs).toBe(begunAtMs + 60 * second);
  });

  it('a list that rests while the book has moved is as old as its reading', async () => {
    topic('orders', 'book', slow(4 * second));
    const begunAtMs = Date.now();
    const { told } = follow('orders');
    await vi.advanceTimersByTimeAsync(5 * second);
    state = '2';
    await vi.advanceTimersByTimeAsync(50 * second);
    expect(reads.orders).toBe(1);
    expect(freshness(told, 'orders')?.atMs).toBeLessThanOrEqual(begunAtMs + 5 * second);
  });

  it('after something was done all of it is read again at once', async () => {
    topic('backups', 60 * second);
    follow('backups');
    await vi.advanceTimersByTimeAsync(second);
    hub.look(true);
    await vi.advanceTimersByTimeAsync(second);
    expect(reads.backups).toBe(2);
  });
});

describe('lists of the book', () => {
  const items = [{ account: 'A', ref: { kind: 'order', id: '1' }, version: 1, body: {} }] as BookItem[];
  let lists: number;
  const book = {
    list: async function* () {
      lists += 1;
      yield* items;
    },
  } as unknown as Book;
  const listed = async (watched: Pick<Book, 'list'>) => {
    const found = [];
    for await (const item of watched.list('A', 'order')) found.push(item);
    return found;
  };

  it('are read once for each state of the book, and always while its state is not known', async () => {
    lists = 0;
    const watched = new WatchedBook(book, () => 0);
    await listed(watched);
    await listed(watched);
    expect(lists).toBe(2);
    watched.isNow('1');
    expect(await listed(watched)).toEqual(items);
    expect(await listed(watched)).toEqual(items);
    expect(lists).toBe(3);
    watched.isNow('2');
    await listed(watched);
    expect(lists).toBe(4);
  });

  it('of an earlier state are for the status alone, and a slow one rests there', async () => {
    let now = 0;
    let version = 1;
    const slow = {
      list: async function* () {
        now += 3 * second;
        yield { ...items[0]!, version };
      },
    } as unknown as Book;
    const watched = new WatchedBook(slow, () => now);
    watched.isNow('1');
    await listed(watched);
    version = 2;
    watched.isNow('2');
    now += 3 * second;
    expect(await listed(watched.glance)).toMatchObject([{ version: 1 }]);
    // What is shown as a list is of the state that the book has now.
    expect(await listed(watched)).toMatchObject([{ version: 2 }]);
    version = 3;
    watched.isNow('3');
    now += 60 * second;
    expect(await listed(watched.glance)).toMatchObject([{ version: 3 }]);
  });

  it('are of the present state for every command but the status', async () => {
    const session = { stage: 'sandbox' as const, account: 'A', dataDir: undefined, io: {} as Io };
    const [reading, glancing, acting] = [1, 2, 3].map(() => (() => undefined) as unknown as OpenPorts);
    const through: [string | undefined, OpenPorts][] = [];
    const program: RunProgram = async (argv, io, open) => {
      through.push([argv.at(-1), open]);
      io.out.write('{}\n');
      return 0;
    };
    const run = commandRunner(session, program, {
      reading: reading!,
      glancing: glancing!,
      acting: acting!,
    });
    await run.read(['status']);
    await run.read(['positions']);
    await run.act(['halt']);
    expect(through).toEqual([
      ['status', glancing],
      ['positions', reading],
      ['halt', acting],
    ]);
  });
});

describe('bars of a contract', () => {
  const minute = 60_000;
  const bar = (startMs: number, close = '1') => ({
    startMs,
    close,
    open: '1',
    source: 'live',
    partial: false,
    revision: 0,
  });

  it('are read whole once, then only those that may have changed', async () => {
    const asked: string[][] = [];
    let stored = Array.from({ length: 390 }, (_, at) => bar(at * minute));
    const read = async (argv: readonly string[]) => {
      asked.push(argv.slice(2) as string[]);
      const from = argv[2] === '--from' ? Date.parse(argv[3]!) : 0;
      return {
        ok: true,
        exitCode: 0,
        result: { candles: stored.filter(({ startMs }) => startMs >= from) },
      } as const;
    };
    let now = 0;
    const bars = new Bars({ read }, () => now);
    expect(await bars.latest(17)).toHaveLength(390);
    // One bar is new, and one of the last ones was corrected.
    stored = [...stored.slice(0, -1), bar(389 * minute, '2'), bar(390 * minute, '3')];
    now += 5_000;
    const latest = await bars.latest(17);
    expect(latest).toHaveLength(390);
    expect(latest.slice(-2).map(({ close }) => close)).toEqual(['2', '3']);
    expect(asked).toEqual([
      ['--latest', '390'],
      ['--from', new Date(380 * minute).toISOString()],
    ]);
    // A backfill reaches further back: now and then all of it is read.
    now += 120_000;
    await bars.latest(17);
    expect(asked.at(-1)).toEqual(['--latest', '390']);
  });
});
