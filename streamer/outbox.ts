import { mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { EventName } from '../lib/events/catalogue.ts';
import type { Envelope } from '../lib/events/envelope.ts';

/**
 * The durable outbox: an event exists once it is in this file, whatever happens to the process or the network.
 * SQLite in WAL mode survives a crash of the process; the file lies on a volume that outlives the container.
 *
 * The same file holds, in the same transactions, what a restart must know: the epoch, and for each instrument the
 * watermark up to which every bar is accounted for.
 */
export interface OutboxConfig {
  readonly path: string;
  readonly maxEvents: number;
  /** Share of `maxEvents` above which the owner is told, once for each crossing. */
  readonly alertAtUtilisation: number;
  /** Start time in Unix seconds: a lost volume must not bring an old epoch back. */
  readonly startedAtSeconds: number;
  /** Whose events these are, `<stage>/<account>/<streamer>`: they must never leave under another name. */
  readonly owner: string;
}

export interface OutboxRow {
  readonly id: number;
  readonly name: EventName;
  readonly envelope: Envelope;
}

export interface OutboxStats {
  readonly depth: number;
  readonly capacity: number;
  readonly utilisation: number;
  readonly appended: number;
  readonly removed: number;
  readonly rejected: number;
  readonly dead: number;
}

/** Orders leave before candles; nothing of this kind is ever refused for want of room. */
const PRIORITY_ORDER = 1;
const PRIORITY_NORMAL = 0;

export class OutboxError extends Error {
  readonly code: 'OUTBOX_IN_USE' | 'OUTBOX_UNUSABLE' | 'OUTBOX_OF_ANOTHER';
  constructor(code: OutboxError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OutboxError';
    this.code = code;
  }
}

export class Outbox {
  readonly epoch: number;
  /** Set when an unreadable file was put aside at the start. */
  readonly recoveredFrom: string | undefined;
  readonly #config: OutboxConfig;
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #bury: StatementSync;
  readonly #mark: StatementSync;
  #seq = 0;
  #depth: number;
  #dead: number;
  #appended = 0;
  #removed = 0;
  #rejected = 0;

  /** @throws OutboxError when another process holds the file or its folder cannot be written */
  constructor(config: OutboxConfig) {
    this.#config = config;
    const opened = open(config);
    this.#db = opened.db;
    this.recoveredFrom = opened.recoveredFrom;
    claim(this.#db, config);
    this.epoch = nextEpoch(this.#db, config.startedAtSeconds);
    this.#insert = this.#db.prepare('INSERT INTO events (priority, name, envelope) VALUES (?, ?, ?)');
    this.#delete = this.#db.prepare('DELETE FROM events WHERE id = ?');
    this.#bury = this.#db.prepare(
      'INSERT INTO dead (name, envelope, code, message) SELECT name, envelope, ?, ? FROM events WHERE id = ?',
    );
    this.#mark = this.#db.prepare(
      'INSERT INTO watermarks (con_id, from_ms) VALUES (?, ?) ON CONFLICT (con_id) DO UPDATE SET from_ms = excluded.from_ms',
    );
    this.#depth = count(this.#db, 'events');
    this.#dead = count(this.#db, 'dead');
  }

  /** The next sequence number of this epoch. */
  nextSeq(): number {
    this.#seq += 1;
    return this.#seq;
  }

  /** True when an event that is not an order's would be refused. */
  get full(): boolean {
    return this.#depth >= this.#config.maxEvents;
  }

  get nearlyFull(): boolean {
    return this.#depth >= this.#config.maxEvents * this.#config.alertAtUtilisation;
  }

  /**
   * Appends events and moves watermarks in one transaction. Returns those that found no room (only possible at the
   * bound, and never for order events); they are counted. The last events before an end go `beyondBound`: there is no
   * later moment at which they could be tried again.
   */
  append(
    events: readonly Envelope[],
    watermarks: ReadonlyMap<number, number> = new Map(),
    beyondBound = false,
  ): readonly Envelope[] {
    const refused: Envelope[] = [];
    let added = 0;
    this.#transaction(() => {
      for (const event of events) {
        const priority = event.type.startsWith('order.') ? PRIORITY_ORDER : PRIORITY_NORMAL;
        if (!beyondBound && priority === PRIORITY_NORMAL && this.#depth + added >= this.#config.maxEvents) {
          refused.push(event);
          continue;
        }
        this.#insert.run(priority, event.type, JSON.stringify(event));
        added += 1;
      }
      // A watermark that moved past an event that was refused would make its bar vanish without a trace.
      if (refused.length === 0) for (const [conId, fromMs] of watermarks) this.#mark.run(conId, fromMs);
    });
    this.#depth += added;
    this.#appended += added;
    this.#rejected += refused.length;
    return refused;
  }

  /** The oldest events that are not in `inFlight`, orders first. */
  peek(limit: number, inFlight: ReadonlySet<number>): OutboxRow[] {
    const rows = this.#db
      .prepare('SELECT id, name, envelope FROM events ORDER BY priority DESC, id LIMIT ?')
      .all(limit + inFlight.size) as { id: number; name: string; envelope: string }[];
    const free: OutboxRow[] = [];
    for (const row of rows) {
      if (inFlight.has(row.id)) continue;
      free.push({ id: row.id, name: row.name as EventName, envelope: JSON.parse(row.envelope) as Envelope });
      if (free.length === limit) break;
    }
    return free;
  }

  /** Forgets events that the bus has accepted. */
  remove(ids: readonly number[]): void {
    if (ids.length === 0) return;
    this.#transaction(() => {
      for (const id of ids) this.#delete.run(id);
    });
    this.#depth -= ids.length;
    this.#removed += ids.length;
  }

  /** Puts an event that the bus can never accept aside, where a person finds it. */
  bury(id: number, code: string, message: string): void {
    this.#transaction(() => {
      this.#bury.run(code, message, id);
      this.#delete.run(id);
    });
    this.#depth -= 1;
    this.#dead += 1;
  }

  /** Start of the first bar of an instrument that is not accounted for, Unix ms UTC. */
  watermark(conId: number): number | undefined {
    const row = this.#db.prepare('SELECT from_ms FROM watermarks WHERE con_id = ?').get(conId) as
      | { from_ms: number }
      | undefined;
    return row?.from_ms;
  }

  stats(): OutboxStats {
    return {
      depth: this.#depth,
      capacity: this.#config.maxEvents,
      utilisation: this.#depth / this.#config.maxEvents,
      appended: this.#appended,
      removed: this.#removed,
      rejected: this.#rejected,
      dead: this.#dead,
    };
  }

  close(): void {
    this.#db.close();
  }

  #transaction(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }
}

function open(config: OutboxConfig): { db: DatabaseSync; recoveredFrom: string | undefined } {
  try {
    mkdirSync(dirname(config.path), { recursive: true });
    return { db: openFile(config.path), recoveredFrom: undefined };
  } catch (error) {
    const message = (error as Error).message;
    if (/locked|busy/i.test(message)) {
      throw new OutboxError(
        'OUTBOX_IN_USE',
        `The outbox ${config.path} is in use by another process. Two streamers must not share one; stop the other, or set DB_PATH to another file.`,
        { cause: error },
      );
    }
    if (/malformed|not a database/i.test(message)) {
      // Better to start with an empty outbox and backfill than not to start: the broken file is kept for a person.
      const aside = `${config.path}.unreadable-${config.startedAtSeconds}`;
      renameSync(config.path, aside);
      return { db: openFile(config.path), recoveredFrom: aside };
    }
    throw new OutboxError(
      'OUTBOX_UNUSABLE',
      `The outbox ${config.path} cannot be opened (${message}). Check that its folder exists and can be written, or set DB_PATH to another file.`,
      { cause: error },
    );
  }
}

function openFile(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    db.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        priority INTEGER NOT NULL,
        name TEXT NOT NULL,
        envelope TEXT NOT NULL
      ) STRICT;
      CREATE INDEX IF NOT EXISTS events_by_priority ON events (priority DESC, id);
      CREATE TABLE IF NOT EXISTS dead (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        envelope TEXT NOT NULL,
        code TEXT NOT NULL,
        message TEXT NOT NULL
      ) STRICT;
      CREATE TABLE IF NOT EXISTS watermarks (con_id INTEGER PRIMARY KEY, from_ms INTEGER NOT NULL) STRICT;
    `);
    // A damaged page would be found only when its events are due, and then again after every restart.
    const { quick_check: verdict } = db.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
    if (verdict !== 'ok') throw new Error(`database is malformed: ${verdict}`);
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

function claim(db: DatabaseSync, { owner, path }: OutboxConfig): void {
  const row = db.prepare("SELECT value FROM meta WHERE key = 'owner'").get() as { value: string } | undefined;
  if (row && row.value !== owner) {
    db.close();
    throw new OutboxError(
      'OUTBOX_OF_ANOTHER',
      `The outbox ${path} belongs to ${row.value}, and this is ${owner}: its unsent events would leave under a wrong name. Set DB_PATH (streamers[].dbPath) to a file of this streamer's own.`,
    );
  }
  if (!row) db.prepare("INSERT INTO meta (key, value) VALUES ('owner', ?)").run(owner);
}

function nextEpoch(db: DatabaseSync, startedAtSeconds: number): number {
  const row = db.prepare("SELECT value FROM meta WHERE key = 'epoch'").get() as { value: string } | undefined;
  const epoch = Math.max(startedAtSeconds, row ? Number(row.value) + 1 : 1);
  db.prepare(
    "INSERT INTO meta (key, value) VALUES ('epoch', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  ).run(String(epoch));
  return epoch;
}

function count(db: DatabaseSync, table: 'events' | 'dead'): number {
  return (db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n;
}
