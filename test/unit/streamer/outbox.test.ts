import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Envelope } from '../../../lib/events/envelope.ts';
import type { EventPublisher, PublishResult } from '../../../lib/ports/event-publisher.ts';
import { OrderJournal } from '../../../streamer/order-journal.ts';
import { epochFromClock, Outbox, OutboxError } from '../../../streamer/outbox.ts';
import { Publisher } from '../../../streamer/publisher.ts';

let dir: string;
let path: string;
const open: Outbox[] = [];

function outbox(maxEvents = 100, owner = 'sandbox/DU1/main', book = true): Outbox {
  const created = new Outbox({
    path,
    maxEvents,
    alertAtUtilisation: 0.8,
    openedAtMs: 1_000_000,
    owner,
    book,
  });
  open.push(created);
  return created;
}

function event(type: string, seq: number): Envelope {
  return { id: `main:1:${seq}`, type, seq } as unknown as Envelope;
}

/** The port knows no more of an event than it needs; the outbox sends envelopes. */
function seqs(events: readonly object[]): readonly Envelope[] {
  return events as readonly Envelope[];
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'evenkeel-outbox-'));
  path = join(dir, 'deep', 'streamer.db');
});

afterEach(() => {
  for (const each of open.splice(0)) {
    try {
      each.close();
    } catch {
      // A test has closed it already.
    }
  }
});

/** An outbox, and how to fill its disk: the file may not grow, and SQLite answers as it does then. */
function outboxWithDisk(): { made: Outbox; db: DatabaseSync; fill: () => void; free: () => void } {
  const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare');
  const made = outbox();
  const db = prepare.mock.contexts.at(-1) as DatabaseSync;
  prepare.mockRestore();
  return {
    made,
    db,
    fill: () => {
      const { page_count: pages } = db.prepare('PRAGMA page_count').get() as { page_count: number };
      db.exec(`PRAGMA max_page_count = ${pages}`);
    },
    free: () => db.exec('PRAGMA max_page_count = 1000000'),
  };
}

describe('outbox', () => {
  it('on a full disk it says that the disk is full, and not that there is no transaction to roll back', () => {
    const { made, fill, free } = outboxWithDisk();
    const many = Array.from({ length: 500 }, (_, index) => event('order.changed', index));
    fill();
    expect(() => made.append(many)).toThrow(
      expect.objectContaining({
        code: 'OUTBOX_UNWRITABLE',
        message: expect.stringMatching(/streamer\.db cannot be written \(.*disk is full\)/),
      }),
    );
    // Whole or not at all, and nothing is counted that is not there.
    expect(made.stats('book')).toMatchObject({ depth: 0, appended: 0 });
    free();
    made.append(many);
    expect(made.stats('book')).toMatchObject({ depth: 500, appended: 500 });
  });

  it('an epoch that cannot be written has not begun', () => {
    const { made, db } = outboxWithDisk();
    db.exec('PRAGMA query_only = ON');
    expect(() => made.beginEpoch(7)).toThrow(expect.objectContaining({ code: 'OUTBOX_UNWRITABLE' }));
    expect(made.epoch).toBe(0);
  });

  it('refuses the file of another stage, account or streamer: its events would leave under a wrong name', () => {
    const first = outbox();
    first.append([event('candle.completed', 1)]);
    first.close();
    expect(() => outbox(100, 'live/U1/main')).toThrow(/belongs to sandbox\/DU1\/main.*DB_PATH/);
    expect(outbox().stats('bus').depth).toBe(1);
  });

  it('keeps events and watermarks over a restart', () => {
    const first = outbox();
    first.append([event('candle.completed', 1), event('candle.completed', 2)], {
      watermarks: new Map([[7, 60_000]]),
    });
    first.close();
    const second = outbox();
    expect(second.stats('bus').depth).toBe(2);
    expect(second.watermark(7)).toBe(60_000);
    expect(second.watermark(8)).toBeUndefined();
    expect(second.peek('bus', 10, new Set()).map((row) => row.envelope.seq)).toEqual([1, 2]);
  });

  it('begins the epoch that the lease gives, counts anew, and refuses one that is not later, also after a restart', () => {
    const first = outbox();
    expect([first.epoch, first.lastEpoch]).toEqual([0, 0]);
    first.beginEpoch(7);
    expect([first.nextSeq(), first.nextSeq()]).toEqual([1, 2]);
    first.beginEpoch(8);
    expect(first.nextSeq()).toBe(1);
    expect(() => first.beginEpoch(8)).toThrow(/EPOCH_NOT_NEW|epoch 8/);
    expect(first.epoch).toBe(8);
    first.close();
    const second = outbox();
    expect([second.epoch, second.lastEpoch]).toEqual([0, 8]);
    expect(() => second.beginEpoch(5)).toThrow(expect.objectContaining({ code: 'EPOCH_NOT_NEW' }));
    second.beginEpoch(9);
  });

  it('without a lease the epoch is later than the clock and than every one before, so that a lost volume brings none back', () => {
    const box = outbox();
    expect(epochFromClock(box, 1_764_000_000_000)).toBe(1_764_000_000);
    box.beginEpoch(1_764_000_000);
    expect(epochFromClock(box, 1_764_000_000_999)).toBe(1_764_000_001);
  });

  it('has a holder of its own, the same over every restart, another in another file', () => {
    const first = outbox();
    first.close();
    expect(outbox().holder).toBe(first.holder);
    path = join(dir, 'other.db');
    expect(outbox().holder).not.toBe(first.holder);
  });

  it('has the row of an order on the disk itself before the order leaves, and everything else when the system likes', () => {
    outbox();
    open.pop()?.close();
    const db = new DatabaseSync(path);
    const levels: unknown[] = [];
    db.exec('PRAGMA synchronous = NORMAL');
    db.function('noted', () => {
      levels.push(Object.values(db.prepare('PRAGMA synchronous').get() ?? {})[0]);
      return 0;
    });
    for (const table of ['sends', 'ended'])
      db.exec(`CREATE TEMP TRIGGER of_${table} AFTER INSERT ON ${table} BEGIN SELECT noted(); END`);
    const journal = new OrderJournal(db);
    journal.begin('a', 2);
    journal.end('a');
    // FULL, then NORMAL.
    expect(levels).toEqual([2, 1]);
    // What never left has not ended either.
    journal.end('b');
    expect([journal.mayHaveLeft('a'), journal.mayHaveLeft('b')]).toEqual([true, false]);
    db.close();
  });

  it('puts what the book is made of into both ways, and everything else on the bus alone', () => {
    const box = outbox();
    const ofBook = [
      'order.changed',
      'fill.received',
      'commission.received',
      'position.changed',
      'balance.changed',
    ];
    const names = [...ofBook, 'alert.raised', 'snapshot.taken', 'candle.completed', 'session.changed'];
    box.append(names.map(event));
    expect(box.peek('book', 20, new Set()).map((row) => row.name)).toEqual(ofBook);
    expect(box.peek('bus', 20, new Set()).map((row) => row.name)).toEqual(names);
    const [first] = box.peek('book', 1, new Set());
    box.remove('book', [first!.id]);
    expect(box.stats('book').depth).toBe(ofBook.length - 1);
    expect(box.stats('bus').depth).toBe(names.length);
  });

  it('without a book queue everything goes to the bus', () => {
    const box = outbox(100, undefined, false);
    box.append([event('order.placed', 1)]);
    expect([box.stats('bus').depth, box.stats('book').depth]).toEqual([1, 0]);
  });

  it("writes the tracker's memory with the events of its step: both are there after a crash, or neither", () => {
    const box = outbox();
    box.append([event('order.placed', 1)], {
      memory: new Map([
        ['order:P1', { v: 1 }],
        ['order:P2', { v: 1 }],
      ]),
    });
    const broken = event('order.changed', 2) as { self?: unknown };
    broken.self = broken;
    const memory = new Map([
      ['order:P1', null],
      ['order:P2', { v: 2 }],
    ]);
    expect(() => box.append([event('order.changed', 2), broken as never], { memory })).toThrow(/circular/);
    box.close();
    const second = outbox();
    expect(second.peek('book', 9, new Set()).map((row) => row.envelope.seq)).toEqual([1]);
    expect(second.memory()).toEqual([
      { key: 'order:P1', doc: { v: 1 } },
      { key: 'order:P2', doc: { v: 1 } },
    ]);
    second.append([event('order.changed', 2)], { memory });
    expect(second.memory()).toEqual([{ key: 'order:P2', doc: { v: 2 } }]);
  });

  it('a process that is killed in the middle of its work loses no event that was appended', async () => {
    const child = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `import { Outbox } from ${JSON.stringify(new URL('../../../streamer/outbox.ts', import.meta.url).href)};
       const box = new Outbox({ path: process.argv[1], maxEvents: 1e6, alertAtUtilisation: 0.8, openedAtMs: 0, owner: 'sandbox/DU1/main', book: true });
       box.beginEpoch(3);
       for (let seq = 1; ; seq += 1) {
         box.append([{ type: 'order.changed', seq }], { memory: new Map([['order:P1', { seq }]]) });
         process.stdout.write(seq + ' ');
       }`,
      path,
    ]);
    let told = '';
    await new Promise<void>((resolve) =>
      child.stdout.on('data', (chunk: Buffer) => {
        told += chunk;
        if (told.split(' ').length > 50) resolve();
      }),
    );
    child.kill('SIGKILL');
    await once(child, 'close');
    const last = Number(told.split(' ').at(-2));
    const box = outbox(1_000_000);
    const { depth } = box.stats('book');
    expect(depth).toBeGreaterThanOrEqual(last);
    expect(box.stats('bus').depth).toBe(depth);
    expect(box.memory()).toEqual([{ key: 'order:P1', doc: { seq: depth } }]);
    expect(box.lastEpoch).toBe(3);
  });

  it('takes over a file of a release that knew only the bus', () => {
    mkdirSync(join(dir, 'deep'));
    const old = new DatabaseSync(path);
    old.exec(`
      CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
      CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, priority INTEGER NOT NULL, name TEXT NOT NULL, envelope TEXT NOT NULL) STRICT;
      CREATE TABLE dead (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, envelope TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL) STRICT;
      INSERT INTO events (priority, name, envelope) VALUES (0, 'candle.completed', '{"seq":5}');
    `);
    old.close();
    const box = outbox();
    expect(box.peek('bus', 9, new Set()).map((row) => row.envelope.seq)).toEqual([5]);
    expect(box.stats('book').depth).toBe(0);
  });

  it('hands out order events before candles, and nothing that is in flight', () => {
    const box = outbox();
    box.append([event('candle.completed', 1), event('order.placed', 2), event('candle.completed', 3)]);
    const rows = box.peek('bus', 10, new Set());
    expect(rows.map((row) => row.envelope.seq)).toEqual([2, 1, 3]);
    expect(box.peek('bus', 10, new Set([rows[0]!.id])).map((row) => row.envelope.seq)).toEqual([1, 3]);
  });

  it('refuses at its bound, counts it, moves no watermark past it, and never refuses an order event', () => {
    const box = outbox(2);
    box.append([event('candle.completed', 1), event('candle.completed', 2)], {
      watermarks: new Map([[7, 100]]),
    });
    const refused = box.append(
      [event('candle.completed', 3), event('order.filled', 4), event('alert.raised', 5)],
      { watermarks: new Map([[7, 200]]) },
    );
    expect(refused.map((each) => each.seq)).toEqual([3]);
    expect(box.watermark(7)).toBe(100);
    expect(box.stats('bus')).toMatchObject({ depth: 4, rejected: 1 });
    expect(box.stats('book').depth).toBe(1);
  });

  it('takes the last events before an end beyond its bound', () => {
    const box = outbox(1);
    box.append([event('candle.completed', 1)]);
    expect(
      box.append([event('candle.completed', 2)], { watermarks: new Map([[7, 200]]), beyondBound: true }),
    ).toEqual([]);
    expect(box.stats('bus').depth).toBe(2);
    expect(box.watermark(7)).toBe(200);
  });

  it('says who is in the way when another process holds the file', () => {
    outbox();
    expect(() => outbox()).toThrow(OutboxError);
    expect(() => outbox()).toThrow(/in use by another process/);
  });

  it('puts an unreadable file aside and starts empty', () => {
    const first = outbox();
    first.close();
    writeFileSync(path, 'this is no database at all, and long enough to be looked at'.repeat(50));
    const second = outbox();
    expect(second.recoveredFrom).toContain('.unreadable-');
    expect(second.stats('bus').depth).toBe(0);
  });

  it('damage in the middle of the file is found at the start, not when its events are due, and again after every restart', () => {
    const first = outbox(10_000);
    first.append(
      Array.from({ length: 2_000 }, (_, seq) => ({
        ...event('candle.completed', seq),
        padding: 'x'.repeat(300),
      })),
    );
    first.close();
    const { size } = statSync(path);
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(8_192, 0xff), 0, 8_192, Math.floor(size / 2 / 4_096) * 4_096);
    closeSync(file);
    const second = outbox(10_000);
    expect(second.recoveredFrom).toContain('.unreadable-');
    expect(second.peek('bus', 10_000, new Set())).toEqual([]);
  });

  it('a folder that cannot be made is a clear error', () => {
    writeFileSync(join(dir, 'deep'), 'a file where a folder should be');
    expect(() => outbox()).toThrow(/cannot be opened/);
  });
});

describe('publisher', () => {
  const config = { target: 'bus', concurrency: 2, retryFirstMs: 1, retryMaxMs: 5 } as const;
  const buried: string[] = [];
  const onBuried = (_row: unknown, code: string): void => {
    buried.push(code);
  };

  it('sends in batches of ten and empties the outbox', async () => {
    const sizes: number[] = [];
    const bus: EventPublisher = {
      publish: async (events) => {
        sizes.push(events.length);
        return events.map(() => ({ ok: true }));
      },
    };
    const box = outbox();
    box.append(Array.from({ length: 25 }, (_, seq) => event('candle.completed', seq)));
    const publisher = new Publisher(box, bus, config, onBuried);
    expect(await publisher.drain(1_000)).toBe(true);
    expect(sizes.sort((a, b) => b - a)).toEqual([10, 10, 5]);
    expect(publisher.stats().published).toBe(25);
  });

  it('sends what failed again, by its index, until it is taken', async () => {
    const taken: number[] = [];
    let calls = 0;
    const bus: EventPublisher = {
      publish: async (events) => {
        calls += 1;
        if (calls === 1) throw new Error('socket hang up');
        return seqs(events).map((each): PublishResult => {
          if (calls === 2 && each.seq % 2 === 0)
            return { ok: false, code: 'ThrottlingException', message: 'slow down' };
          taken.push(each.seq);
          return { ok: true };
        });
      },
    };
    const box = outbox();
    box.append([1, 2, 3, 4].map((seq) => event('candle.completed', seq)));
    const publisher = new Publisher(box, bus, config, onBuried);
    expect(await publisher.drain(2_000)).toBe(true);
    expect(taken.sort((a, b) => a - b)).toEqual([1, 2, 3, 4]);
    expect(publisher.stats()).toMatchObject({ published: 4, failures: 6 });
  });

  it('puts an event that can never be taken aside, tells it, and goes on with the rest', async () => {
    const bus: EventPublisher = {
      publish: async (events) =>
        seqs(events).map((each) =>
          each.seq === 2 ? { ok: false, code: 'EntryTooLarge', message: '300 KB' } : { ok: true },
        ),
    };
    const box = outbox();
    box.append([1, 2, 3].map((seq) => event('candle.completed', seq)));
    const publisher = new Publisher(box, bus, config, onBuried);
    expect(await publisher.drain(1_000)).toBe(true);
    expect(buried).toContain('EntryTooLarge');
    expect(box.stats('bus')).toMatchObject({ depth: 0, dead: 1 });
  });

  it('at the end tries at once, although a back-off longer than the time that is left runs', async () => {
    let isDown = true;
    const bus: EventPublisher = {
      publish: async (events) =>
        events.map(() => (isDown ? { ok: false, code: 'Unavailable', message: 'down' } : { ok: true })),
    };
    const box = outbox();
    box.append([event('candle.completed', 1)]);
    const slow = { target: 'bus', concurrency: 1, retryFirstMs: 60_000, retryMaxMs: 60_000 } as const;
    const publisher = new Publisher(box, bus, slow, onBuried);
    expect(await publisher.drain(10)).toBe(false);
    isDown = false;
    expect(await publisher.drain(1_000)).toBe(true);
    publisher.stop();
  });

  it('keeps everything when the bus stays away, and says so in time', async () => {
    const bus: EventPublisher = {
      publish: async (events) => events.map(() => ({ ok: false, code: 'Unavailable', message: 'down' })),
    };
    const box = outbox();
    box.append([event('candle.completed', 1)]);
    const publisher = new Publisher(box, bus, config, onBuried);
    expect(await publisher.drain(30)).toBe(false);
    publisher.stop();
    expect(box.stats('bus').depth).toBe(1);
  });

  it("for the book one batch at a time, in the outbox's order, also when the queue stays away for a while", async () => {
    const taken: number[] = [];
    let underWay = 0;
    let most = 0;
    let calls = 0;
    const queue: EventPublisher = {
      publish: async (events) => {
        underWay += 1;
        most = Math.max(most, underWay);
        await Promise.resolve();
        underWay -= 1;
        calls += 1;
        if (calls % 2 === 1)
          return events.map(() => ({ ok: false, code: 'ServiceUnavailable', message: 'down' }));
        taken.push(...seqs(events).map(({ seq }) => seq));
        return events.map(() => ({ ok: true }));
      },
    };
    const box = outbox();
    const all = Array.from({ length: 35 }, (_, seq) => seq);
    box.append(all.map((seq) => event('fill.received', seq)));
    const publisher = new Publisher(box, queue, { ...config, target: 'book', concurrency: 1 }, onBuried);
    expect(await publisher.drain(2_000)).toBe(true);
    expect(taken).toEqual(all);
    expect(most).toBe(1);
    expect(box.stats('bus').depth).toBe(35);
  });
});
