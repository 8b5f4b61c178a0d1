import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The outbox's file: opened for one process alone, brought to the present shape, and claimed for its owner. */
export interface OutboxFile {
  readonly db: DatabaseSync;
  /** Where an unreadable file was put aside. */
  readonly recoveredFrom: string | undefined;
  /** Made once for each file: whoever runs on it is the same holder. */
  readonly holder: string;
}

export interface OutboxFileConfig {
  readonly path: string;
  /** Whose events these are, `<stage>/<account>/<streamer>`: they must never leave under another name. */
  readonly owner: string;
  /** System time, Unix ms: part of the name of a file that is put aside. */
  readonly openedAtMs: number;
}

export type OutboxErrorCode =
  | 'OUTBOX_IN_USE'
  | 'OUTBOX_UNUSABLE'
  | 'OUTBOX_UNWRITABLE'
  | 'OUTBOX_OF_ANOTHER'
  | 'EPOCH_NOT_NEW';

export class OutboxError extends Error {
  readonly code: OutboxErrorCode;
  constructor(code: OutboxErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OutboxError';
    this.code = code;
  }
}

/** What the disk answered to a write: it is full, broken, or gone. */
export function unwritable(path: string, error: unknown): OutboxError {
  const why = error instanceof Error ? error.message : String(error);
  return new OutboxError(
    'OUTBOX_UNWRITABLE',
    `The outbox ${path} cannot be written (${why}). The streamer ends, because what it cannot write it must not do: no order leaves without it. Nothing of the broker's is lost, the next start asks for it. Make room on the disk, or give DB_PATH (streamers[].dbPath) a file on another one.`,
    { cause: error },
  );
}

/** @throws OutboxError when another process holds the file, its folder cannot be written, or it belongs to another */
export function openOutboxFile(config: OutboxFileConfig): OutboxFile {
  const { db, recoveredFrom } = open(config);
  claim(db, config);
  return { db, recoveredFrom, holder: holderOf(db) };
}

export function readMeta(db: DatabaseSync, key: string): string | undefined {
  const row = db.prepare('SELECT value FROM meta WHERE key = ?').get(key) as { value: string } | undefined;
  return row?.value;
}

export function writeMeta(db: DatabaseSync, key: string, value: string): void {
  db.prepare(
    'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  ).run(key, value);
}

function open(config: OutboxFileConfig): { db: DatabaseSync; recoveredFrom: string | undefined } {
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
      const aside = `${config.path}.unreadable-${Math.floor(config.openedAtMs / 1000)}`;
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
        target TEXT NOT NULL DEFAULT 'bus',
        priority INTEGER NOT NULL,
        name TEXT NOT NULL,
        envelope TEXT NOT NULL
      ) STRICT;
      CREATE TABLE IF NOT EXISTS dead (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        target TEXT NOT NULL DEFAULT 'bus',
        name TEXT NOT NULL,
        envelope TEXT NOT NULL,
        code TEXT NOT NULL,
        message TEXT NOT NULL
      ) STRICT;
      CREATE TABLE IF NOT EXISTS watermarks (con_id INTEGER PRIMARY KEY, from_ms INTEGER NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS sends (key TEXT PRIMARY KEY, next_order_id INTEGER NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS ended (key TEXT PRIMARY KEY) STRICT;
      CREATE TABLE IF NOT EXISTS memory (key TEXT PRIMARY KEY, doc TEXT NOT NULL) STRICT;
    `);
    // A file of a release that knew only the bus: what lies in it goes there.
    for (const table of ['events', 'dead']) {
      const columns = db.prepare(`PRAGMA table_info(${table})`).all() as { name: string }[];
      if (columns.some(({ name }) => name === 'target')) continue;
      db.exec(`ALTER TABLE ${table} ADD COLUMN target TEXT NOT NULL DEFAULT 'bus'`);
    }
    db.exec(`
      DROP INDEX IF EXISTS events_by_priority;
      CREATE INDEX IF NOT EXISTS events_by_target ON events (target, priority DESC, id);
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

function claim(db: DatabaseSync, { owner, path }: OutboxFileConfig): void {
  const known = readMeta(db, 'owner');
  if (known === undefined) writeMeta(db, 'owner', owner);
  if (known === undefined || known === owner) return;
  db.close();
  throw new OutboxError(
    'OUTBOX_OF_ANOTHER',
    `The outbox ${path} belongs to ${known}, and this is ${owner}: its unsent events would leave under a wrong name. Set DB_PATH (streamers[].dbPath) to a file of this streamer's own.`,
  );
}

function holderOf(db: DatabaseSync): string {
  const known = readMeta(db, 'holder');
  if (known !== undefined) return known;
  const holder = randomUUID();
  writeMeta(db, 'holder', holder);
  return holder;
}
