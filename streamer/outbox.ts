import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { TrackerDoc, TrackerMemory } from '../lib/domain/orders/tracker-types.ts';
import type { EventName } from '../lib/events/catalogue.ts';
import type { Envelope } from '../lib/events/envelope.ts';
import { OrderJournal } from './order-journal.ts';
import {
  OutboxError,
  type OutboxFileConfig,
  openOutboxFile,
  readMeta,
  unwritable,
  writeMeta,
} from './outbox-file.ts';

export { OutboxError, type OutboxErrorCode } from './outbox-file.ts';

/**
 * The durable outbox: an event exists once it is in this file, whatever happens to the process or the network.
 * SQLite in WAL mode survives a crash of the process; the file lies on a volume that outlives the container.
 *
 * The same file holds, in the same transactions, what a restart must know: the epoch, for each instrument the
 * watermark up to which every bar is accounted for, and the memory of the order tracker.
 */
export interface OutboxConfig extends OutboxFileConfig {
  /** Of those for the bus. Events of the book are never refused. */
  readonly maxEvents: number;
  /** Share of `maxEvents` above which the owner is told, once for each crossing. */
  readonly alertAtUtilisation: number;
  /** False where there is no book queue: its events then go to the bus alone. */
  readonly book: boolean;
}

/** Where an event goes: the bus gets all of them, the book's queue gets what the book is made of. */
export type OutboxTarget = 'bus' | 'book';

export interface OutboxRow {
  readonly id: number;
  readonly name: EventName;
  readonly envelope: Envelope;
}

/** What is written in the same transaction as the events. */
export interface WrittenBeside {
  readonly watermarks?: ReadonlyMap<number, number>;
  /** Documents of the order tracker by key; null forgets one. */
  readonly memory?: ReadonlyMap<string, TrackerDoc | null>;
  /** The last events before an end: there is no later moment at which they could be tried again. */
  readonly beyondBound?: boolean;
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

type Counts = { -readonly [K in 'depth' | 'appended' | 'removed' | 'rejected' | 'dead']: number };

/** Orders leave before candles. */
const PRIORITY_ORDER = 1;
const PRIORITY_NORMAL = 0;

/** What the book is made of. */
export function isOfBook(name: string): boolean {
  return /^(?:order|fill|commission|position|balance)\./.test(name);
}

/** The epoch of a run that has no lease: later than any before it, also when the file was lost. */
export function epochFromClock(outbox: Outbox, systemMs: number): number {
  return Math.max(Math.floor(systemMs / 1000), outbox.lastEpoch + 1);
}

export class Outbox {
  /** Set when an unreadable file was put aside at the start. */
  readonly recoveredFrom: string | undefined;
  /** Random, made once for each file. */
  readonly holder: string;
  /** What has left, or may have. */
  readonly journal: OrderJournal;
  readonly #config: OutboxConfig;
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #oldest: StatementSync;
  readonly #delete: StatementSync;
  readonly #bury: StatementSync;
  readonly #mark: StatementSync;
  readonly #remember: StatementSync;
  readonly #forget: StatementSync;
  readonly #counts: Readonly<Record<OutboxTarget, Counts>>;
  #epoch = 0;
  #lastEpoch: number;
  #seq = 0;

  /** @throws OutboxError when another process holds the file or its folder cannot be written */
  constructor(config: OutboxConfig) {
    this.#config = config;
    const { db, recoveredFrom, holder } = openOutboxFile(config);
    this.#db = db;
    this.recoveredFrom = recoveredFrom;
    this.holder = holder;
    this.journal = new OrderJournal(db);
    this.#lastEpoch = Number(readMeta(db, 'epoch') ?? 0);
    this.#insert = db.prepare('INSERT INTO events (target, priority, name, envelope) VALUES (?, ?, ?, ?)');
    this.#oldest = db.prepare(
      'SELECT id, name, envelope FROM events WHERE target = ? ORDER BY priority DESC, id LIMIT ?',
    );
    this.#delete = db.prepare('DELETE FROM events WHERE id = ?');
    this.#bury = db.prepare(
      'INSERT INTO dead (target, name, envelope, code, message) SELECT target, name, envelope, ?, ? FROM events WHERE id = ?',
    );
    this.#mark = db.prepare(
      'INSERT INTO watermarks (con_id, from_ms) VALUES (?, ?) ON CONFLICT (con_id) DO UPDATE SET from_ms = excluded.from_ms',
    );
    this.#remember = db.prepare(
      'INSERT INTO memory (key, doc) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET doc = excluded.doc',
    );
    this.#forget = db.prepare('DELETE FROM memory WHERE key = ?');
    this.#counts = { bus: counts(db, 'bus'), book: counts(db, 'book') };
  }

  /** The epoch of the events that are being made; 0 before one has begun. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The last epoch that this file has seen, of this process or an earlier one; 0 for none. */
  get lastEpoch(): number {
    return this.#lastEpoch;
  }

  /**
   * Begins the epoch of a new lease: its fencing token. Sequence numbers start anew.
   *
   * @throws OutboxError EPOCH_NOT_NEW when events of this epoch or of a later one may exist, OUTBOX_UNWRITABLE
   */
  beginEpoch(token: number): void {
    if (!Number.isSafeInteger(token) || token <= this.#lastEpoch) {
      throw new OutboxError(
        'EPOCH_NOT_NEW',
        `The outbox ${this.#config.path} has events of epoch ${this.#lastEpoch}, so ${token} cannot begin: its events would be taken for older ones, or for repeats. The lease's token must be greater; a control table that was emptied starts it anew. Give the lease row a token of at least ${this.#lastEpoch}, or set DB_PATH to a new file once this one has no unsent events.`,
      );
    }
    this.#writing(() => writeMeta(this.#db, 'epoch', String(token)));
    this.#epoch = token;
    this.#lastEpoch = token;
    this.#seq = 0;
  }

  /** The next sequence number of this epoch. */
  nextSeq(): number {
    this.#seq += 1;
    return this.#seq;
  }

  /** True when an event that is not the book's would be refused. */
  get full(): boolean {
    return this.#counts.bus.depth >= this.#config.maxEvents;
  }

  nearlyFull(target: OutboxTarget): boolean {
    return this.#counts[target].depth >= this.#config.maxEvents * this.#config.alertAtUtilisation;
  }

  /**
   * Appends events, moves watermarks and writes the tracker's memory in one transaction. Returns the events that found
   * no room (only possible at the bound, and never those of the book or alerts); they are counted.
   *
   * @throws OutboxError OUTBOX_UNWRITABLE; nothing of it is written then
   */
  append(events: readonly Envelope[], beside: WrittenBeside = {}): readonly Envelope[] {
    const refused: Envelope[] = [];
    const added = { bus: 0, book: 0 };
    this.#transaction(() => {
      for (const event of events) {
        const ofBook = isOfBook(event.type);
        const room = this.#counts.bus.depth + added.bus < this.#config.maxEvents;
        if (!ofBook && event.type !== 'alert.raised' && !room && beside.beyondBound !== true) {
          refused.push(event);
          continue;
        }
        const text = JSON.stringify(event);
        this.#insert.run('bus', ofBook ? PRIORITY_ORDER : PRIORITY_NORMAL, event.type, text);
        added.bus += 1;
        if (!ofBook || !this.#config.book) continue;
        this.#insert.run('book', PRIORITY_ORDER, event.type, text);
        added.book += 1;
      }
      // A watermark that moved past an event that was refused would make its bar vanish without a trace.
      if (refused.length === 0)
        for (const [conId, fromMs] of beside.watermarks ?? []) this.#mark.run(conId, fromMs);
      for (const [key, doc] of beside.memory ?? []) {
        if (doc === null) this.#forget.run(key);
        else this.#remember.run(key, JSON.stringify(doc));
      }
    });
    for (const target of ['bus', 'book'] as const) {
      this.#counts[target].depth += added[target];
      this.#counts[target].appended += added[target];
    }
    this.#counts.bus.rejected += refused.length;
    return refused;
  }

  /** The oldest events for a target that are not in `inFlight`, orders first. */
  peek(target: OutboxTarget, limit: number, inFlight: ReadonlySet<number>): OutboxRow[] {
    const rows = this.#oldest.all(target, limit + inFlight.size) as {
      id: number;
      name: string;
      envelope: string;
    }[];
    const free: OutboxRow[] = [];
    for (const row of rows) {
      if (inFlight.has(row.id)) continue;
      free.push({ id: row.id, name: row.name as EventName, envelope: JSON.parse(row.envelope) as Envelope });
      if (free.length === limit) break;
    }
    return free;
  }

  /** Forgets events that their target has accepted. */
  remove(target: OutboxTarget, ids: readonly number[]): void {
    if (ids.length === 0) return;
    this.#transaction(() => {
      for (const id of ids) this.#delete.run(id);
    });
    this.#counts[target].depth -= ids.length;
    this.#counts[target].removed += ids.length;
  }

  /** Puts an event that its target can never accept aside, where a person finds it. */
  bury(target: OutboxTarget, id: number, code: string, message: string): void {
    this.#transaction(() => {
      this.#bury.run(code, message, id);
      this.#delete.run(id);
    });
    this.#counts[target].depth -= 1;
    this.#counts[target].dead += 1;
  }

  /** Start of the first bar of an instrument that is not accounted for, Unix ms UTC. */
  watermark(conId: number): number | undefined {
    const row = this.#db.prepare('SELECT from_ms FROM watermarks WHERE con_id = ?').get(conId) as
      | { from_ms: number }
      | undefined;
    return row?.from_ms;
  }

  /** What the order tracker of an earlier run remembered. */
  memory(): TrackerMemory[] {
    const rows = this.#db.prepare('SELECT key, doc FROM memory ORDER BY key').all() as {
      key: string;
      doc: string;
    }[];
    return rows.map(({ key, doc }) => ({ key, doc: JSON.parse(doc) as TrackerDoc }));
  }

  stats(target: OutboxTarget): OutboxStats {
    const capacity = this.#config.maxEvents;
    const { depth, ...rest } = this.#counts[target];
    return { depth, capacity, utilisation: depth / capacity, ...rest };
  }

  close(): void {
    this.#db.close();
  }

  #transaction(work: () => void): void {
    this.#writing(() => {
      this.#db.exec('BEGIN IMMEDIATE');
      try {
        work();
        this.#db.exec('COMMIT');
      } catch (error) {
        // SQLite itself has rolled it back where the disk is full or fails.
        if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
        throw error;
      }
    });
  }

  #writing(work: () => void): void {
    try {
      work();
    } catch (error) {
      // A file that was closed meanwhile says nothing of the disk.
      const { code } = error as NodeJS.ErrnoException;
      throw code === 'ERR_SQLITE_ERROR' ? unwritable(this.#config.path, error) : error;
    }
  }
}

function counts(db: DatabaseSync, target: OutboxTarget): Counts {
  const count = (table: 'events' | 'dead') =>
    (db.prepare(`SELECT count(*) AS n FROM ${table} WHERE target = ?`).get(target) as { n: number }).n;
  return { depth: count('events'), appended: 0, removed: 0, rejected: 0, dead: count('dead') };
}
