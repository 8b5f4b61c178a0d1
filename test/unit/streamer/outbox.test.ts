import { closeSync, mkdtempSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Envelope } from '../../../lib/events/envelope.ts';
import type { EventPublisher, PublishResult } from '../../../lib/ports/event-publisher.ts';
import { Outbox, OutboxError } from '../../../streamer/outbox.ts';
import { Publisher } from '../../../streamer/publisher.ts';

let dir: string;
let path: string;
const open: Outbox[] = [];

function outbox(maxEvents = 100, startedAtSeconds = 1_000, owner = 'sandbox/DU1/main'): Outbox {
  const created = new Outbox({ path, maxEvents, alertAtUtilisation: 0.8, startedAtSeconds, owner });
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

describe('outbox', () => {
  it('refuses the file of another stage, account or streamer: its events would leave under a wrong name', () => {
    const first = outbox();
    first.append([event('candle.completed', 1)]);
    first.close();
    expect(() => outbox(100, 1_000, 'live/U1/main')).toThrow(/belongs to sandbox\/DU1\/main.*DB_PATH/);
    expect(outbox().stats().depth).toBe(1);
  });

  it('keeps events and watermarks over a restart, with a higher epoch', () => {
    const first = outbox();
    first.append([event('candle.completed', 1), event('candle.completed', 2)], new Map([[7, 60_000]]));
    first.close();
    const second = outbox();
    expect(second.epoch).toBe(first.epoch + 1);
    expect(second.stats().depth).toBe(2);
    expect(second.watermark(7)).toBe(60_000);
    expect(second.watermark(8)).toBeUndefined();
    expect(second.peek(10, new Set()).map((row) => row.envelope.seq)).toEqual([1, 2]);
  });

  it('starts with an epoch no lower than the clock, so that a lost volume brings no old epoch back', () => {
    expect(outbox(100, 1_764_000_000).epoch).toBe(1_764_000_000);
  });

  it('hands out order events before candles, and nothing that is in flight', () => {
    const box = outbox();
    box.append([event('candle.completed', 1), event('order.placed', 2), event('candle.completed', 3)]);
    const rows = box.peek(10, new Set());
    expect(rows.map((row) => row.envelope.seq)).toEqual([2, 1, 3]);
    expect(box.peek(10, new Set([rows[0]!.id])).map((row) => row.envelope.seq)).toEqual([1, 3]);
  });

  it('refuses at its bound, counts it, moves no watermark past it, and never refuses an order event', () => {
    const box = outbox(2);
    box.append([event('candle.completed', 1), event('candle.completed', 2)], new Map([[7, 100]]));
    const refused = box.append([event('candle.completed', 3), event('order.filled', 4)], new Map([[7, 200]]));
    expect(refused.map((each) => each.seq)).toEqual([3]);
    expect(box.watermark(7)).toBe(100);
    expect(box.stats()).toMatchObject({ depth: 3, rejected: 1 });
  });

  it('takes the last events before an end beyond its bound', () => {
    const box = outbox(1);
    box.append([event('candle.completed', 1)]);
    expect(box.append([event('candle.completed', 2)], new Map([[7, 200]]), true)).toEqual([]);
    expect(box.stats().depth).toBe(2);
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
    expect(second.stats().depth).toBe(0);
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
    expect(second.peek(10_000, new Set())).toEqual([]);
  });

  it('a folder that cannot be made is a clear error', () => {
    writeFileSync(join(dir, 'deep'), 'a file where a folder should be');
    expect(() => outbox()).toThrow(/cannot be opened/);
  });
});

describe('publisher', () => {
  const config = { concurrency: 2, retryFirstMs: 1, retryMaxMs: 5 };
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
    expect(box.stats()).toMatchObject({ depth: 0, dead: 1 });
  });

  it('at the end tries at once, although a back-off longer than the time that is left runs', async () => {
    let isDown = true;
    const bus: EventPublisher = {
      publish: async (events) =>
        events.map(() => (isDown ? { ok: false, code: 'Unavailable', message: 'down' } : { ok: true })),
    };
    const box = outbox();
    box.append([event('candle.completed', 1)]);
    const slow = { concurrency: 1, retryFirstMs: 60_000, retryMaxMs: 60_000 };
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
    expect(box.stats().depth).toBe(1);
  });
});
