import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Envelope } from '../lib/events/envelope.ts';
import { Outbox } from '../streamer/outbox.ts';
import { orderEvent } from '../test/helpers/book-events.ts';
import type { BenchResult, Figure } from './figure.ts';
import { median, percentile, spread } from './statistics.ts';

/**
 * The durable outbox beside a bare table of SQLite with the same settings and the same texts: one event a transaction, as
 * the streamer appends them, and then batches of ten read and deleted, as its publishers drain them. The book's events lie
 * there twice, for the bus and for the book's queue; the bare table holds each text once for each row that the outbox has.
 */
export interface OutboxOptions {
  readonly events: number;
  readonly rounds: number;
}

const BATCH = 10;

interface Run {
  readonly appendMs: number;
  readonly drainMs: number;
  readonly appendsMs: readonly number[];
  readonly drained: number;
}

export function outbox({ events, rounds }: OutboxOptions): BenchResult {
  const envelopes = eventsOf(events);
  const ours: Run[] = [];
  const bare: Run[] = [];
  const wrong: string[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const own = inFolder((folder) => throughOutbox(folder, envelopes));
    const plain = inFolder((folder) => throughTable(folder, envelopes));
    for (const { drained } of [own, plain])
      if (drained !== 2 * events) wrong.push(`${drained} of ${2 * events} rows came out`);
    if (round < 0) continue;
    ours.push(own);
    bare.push(plain);
  }
  const rate = (name: string, runs: readonly Run[], of: 'appendMs' | 'drainMs'): Figure => {
    const { min, median: middle, max } = spread(runs.map((run) => (events / run[of]) * 1_000));
    const text = (value: number) => Math.round(value).toLocaleString('en');
    return { name, value: middle, unit: 'events/s', detail: `min ${text(min)}, max ${text(max)}` };
  };
  const share = (name: string, of: 'appendMs' | 'drainMs'): Figure => ({
    name,
    value: median(ours.map((own, index) => (bare[index]![of] / own[of]) * 100)),
    unit: '%',
    detail: 'median of the rounds',
  });
  const appends = ours.flatMap(({ appendsMs }) => appendsMs);
  const latency = (name: string, of: number): Figure => ({
    name: `append, ${name}`,
    value: percentile(appends, of) * 1_000,
    unit: 'µs',
  });
  return {
    name: 'outbox',
    figures: [
      rate('append', ours, 'appendMs'),
      rate('bare insert', bare, 'appendMs'),
      share('append to bare insert', 'appendMs'),
      latency('p50', 0.5),
      latency('p99', 0.99),
      latency('p99.9', 0.999),
      rate('drain, ten at a time', ours, 'drainMs'),
      rate('bare select and delete', bare, 'drainMs'),
      share('drain to bare', 'drainMs'),
    ],
    notes: [
      `${rounds} rounds of ${events.toLocaleString('en')} order events; both on the same disk, in turns`,
    ],
    ...(wrong.length > 0 ? { invalid: wrong[0]! } : {}),
  };
}

function eventsOf(count: number): Envelope[] {
  return Array.from({ length: count }, (_, index) =>
    orderEvent('order.placed', 1_000 + index, { orderId: index + 1 }, { account: 'DU1', seq: index + 1 }),
  );
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-bench-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function throughOutbox(folder: string, envelopes: readonly Envelope[]): Run {
  const box = new Outbox({
    path: join(folder, 'streamer.db'),
    owner: 'sandbox/DU1/bench',
    maxEvents: 1_000_000,
    alertAtUtilisation: 0.8,
    openedAtMs: Date.now(),
    book: true,
  });
  const { appendMs, appendsMs } = timedEach(envelopes, (event) => box.append([event]));
  const startMs = performance.now();
  let drained = 0;
  const none = new Set<number>();
  for (const target of ['bus', 'book'] as const) {
    for (;;) {
      const rows = box.peek(target, BATCH, none);
      if (rows.length === 0) break;
      box.remove(
        target,
        rows.map(({ id }) => id),
      );
      drained += rows.length;
    }
  }
  const drainMs = performance.now() - startMs;
  box.close();
  return { appendMs, appendsMs, drainMs, drained };
}

function throughTable(folder: string, envelopes: readonly Envelope[]): Run {
  const db = new DatabaseSync(join(folder, 'bare.db'));
  db.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    CREATE TABLE events (id INTEGER PRIMARY KEY, envelope TEXT NOT NULL) STRICT;`);
  const insert = db.prepare('INSERT INTO events (envelope) VALUES (?)');
  const select = db.prepare('SELECT id, envelope FROM events ORDER BY id LIMIT ?');
  const remove = db.prepare('DELETE FROM events WHERE id = ?');
  const { appendMs, appendsMs } = timedEach(envelopes, (event) => {
    const text = JSON.stringify(event);
    db.exec('BEGIN IMMEDIATE');
    insert.run(text);
    insert.run(text);
    db.exec('COMMIT');
  });
  const startMs = performance.now();
  let drained = 0;
  for (;;) {
    const rows = select.all(BATCH) as { id: number; envelope: string }[];
    if (rows.length === 0) break;
    for (const { envelope } of rows) JSON.parse(envelope);
    db.exec('BEGIN IMMEDIATE');
    for (const { id } of rows) remove.run(id);
    db.exec('COMMIT');
    drained += rows.length;
  }
  const drainMs = performance.now() - startMs;
  db.close();
  return { appendMs, appendsMs, drainMs, drained };
}

function timedEach(envelopes: readonly Envelope[], append: (event: Envelope) => void) {
  const appendsMs: number[] = [];
  const startMs = performance.now();
  for (const event of envelopes) {
    const fromMs = performance.now();
    append(event);
    appendsMs.push(performance.now() - fromMs);
  }
  return { appendMs: performance.now() - startMs, appendsMs };
}
