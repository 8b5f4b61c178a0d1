import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { RetentionMode } from './model.ts';
import type { Tags } from './s3-tags.ts';
import { transaction } from './sqlite.ts';

/** One version of an object, or a delete marker. */
export interface S3Version {
  /** Orders the versions of a key; the highest is the current one. */
  readonly seq: number;
  readonly bucket: string;
  readonly key: string;
  /** `null` in a bucket without versions. */
  readonly versionId: string;
  readonly isMarker: boolean;
  /** Its file; '' of a marker. */
  readonly file: string;
  readonly bytes: number;
  /** MD5 in hexadecimal, without quotes. */
  readonly etag: string;
  readonly modifiedMs: number;
  /** What GetObject answers with: content-type, x-amz-meta-… and so on. */
  readonly headers: Readonly<Record<string, string>>;
  readonly checksums: Readonly<Record<string, string>>;
  readonly retention: Retention | undefined;
  readonly tags: Tags;
}

export interface Retention {
  readonly mode: RetentionMode;
  readonly untilMs: number;
}

/** Sorts after every key that begins with what stands before it. */
export const LAST = '\u{10FFFF}';

export type NewVersion = Omit<S3Version, 'seq'>;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS versions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  bucket TEXT NOT NULL,
  key TEXT NOT NULL,
  version_id TEXT NOT NULL,
  is_marker INTEGER NOT NULL,
  file TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  etag TEXT NOT NULL,
  modified_ms REAL NOT NULL,
  headers TEXT NOT NULL,
  checksums TEXT NOT NULL,
  retention TEXT,
  tags TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS versions_by_key ON versions (bucket, key, seq);
`;

const COLUMNS =
  'seq, bucket, key, version_id AS versionId, is_marker AS isMarker, file, bytes, etag, modified_ms AS modifiedMs, headers, checksums, retention, tags';

/**
 * Objects on disk: each version's bytes in a file of its own, everything about them in `index.sqlite`. A file is written
 * under another name and renamed, and counts once its row is there: a process that is killed leaves whole objects only.
 */
export class S3Store {
  readonly #folder: string;
  readonly #db: DatabaseSync;
  readonly #statements: Record<
    'insert' | 'remove' | 'current' | 'version' | 'retain' | 'tag' | 'currents' | 'versions',
    StatementSync
  >;

  constructor(dataDir: string) {
    this.#folder = path.join(dataDir, 's3');
    mkdirSync(path.join(this.#folder, 'objects'), { recursive: true });
    this.#db = new DatabaseSync(path.join(this.#folder, 'index.sqlite'));
    this.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${SCHEMA}`);
    this.#addTags();
    const prepare = (sql: string): StatementSync => this.#db.prepare(sql);
    this.#statements = {
      insert: prepare(
        'INSERT INTO versions (bucket, key, version_id, is_marker, file, bytes, etag, modified_ms, headers, checksums, retention, tags) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ),
      remove: prepare('DELETE FROM versions WHERE seq = ?'),
      current: prepare(
        `SELECT ${COLUMNS} FROM versions WHERE bucket = ? AND key = ? ORDER BY seq DESC LIMIT 1`,
      ),
      version: prepare(`SELECT ${COLUMNS} FROM versions WHERE bucket = ? AND key = ? AND version_id = ?`),
      retain: prepare('UPDATE versions SET retention = ? WHERE seq = ?'),
      tag: prepare('UPDATE versions SET tags = ? WHERE seq = ?'),
      currents: prepare(
        `SELECT ${COLUMNS} FROM versions v WHERE bucket = ? AND key >= ? AND key < ? AND key > ? AND is_marker = 0 AND seq = (SELECT max(seq) FROM versions WHERE bucket = v.bucket AND key = v.key) ORDER BY key LIMIT ?`,
      ),
      versions: prepare(
        `SELECT ${COLUMNS} FROM versions WHERE bucket = ? AND (key > ? OR (key = ? AND seq < ?)) ORDER BY key, seq DESC LIMIT ?`,
      ),
    };
    this.#sweep();
  }

  /** Writes the bytes of a version to come and gives the name of their file. */
  async write(bytes: Buffer): Promise<string> {
    const file = randomUUID();
    const temporary = path.join(this.#folder, `${file}.tmp`);
    await writeFile(temporary, bytes);
    await rename(temporary, this.pathOf(file));
    return file;
  }

  pathOf(file: string): string {
    return path.join(this.#folder, 'objects', file);
  }

  /** Deletes a file that no row names. */
  async discard(file: string): Promise<void> {
    if (file !== '') await rm(this.pathOf(file), { force: true });
  }

  add(version: NewVersion): void {
    const { bucket, key, versionId, isMarker, file, bytes, etag, modifiedMs } = version;
    this.#statements.insert.run(
      bucket,
      key,
      versionId,
      isMarker ? 1 : 0,
      file,
      bytes,
      etag,
      modifiedMs,
      JSON.stringify(version.headers),
      JSON.stringify(version.checksums),
      version.retention === undefined ? null : JSON.stringify(version.retention),
      JSON.stringify(version.tags),
    );
  }

  remove({ seq }: S3Version): void {
    this.#statements.remove.run(seq);
  }

  retain({ seq }: S3Version, retention: Retention): void {
    this.#statements.retain.run(JSON.stringify(retention), seq);
  }

  tag({ seq }: S3Version, tags: Tags): void {
    this.#statements.tag.run(JSON.stringify(tags), seq);
  }

  /** The newest version of a key, which may be a delete marker. */
  current(bucket: string, key: string): S3Version | undefined {
    return read(this.#statements.current.get(bucket, key));
  }

  version(bucket: string, key: string, versionId: string): S3Version | undefined {
    return read(this.#statements.version.get(bucket, key, versionId));
  }

  /** Current objects with keys that begin with `prefix` and come after `after`, in the order of their keys. */
  currents(bucket: string, prefix: string, after: string, limit: number): S3Version[] {
    const rows = this.#statements.currents.all(bucket, prefix, `${prefix}${LAST}`, after, limit);
    return rows.map((row) => read(row)!);
  }

  /** Every version with a key after `key`, and those of `key` older than `seq`; by key, newest first. */
  versions(bucket: string, key: string, seq: number, limit: number): S3Version[] {
    return this.#statements.versions.all(bucket, key, key, seq, limit).map((row) => read(row)!);
  }

  /** All of it, or nothing. */
  transaction<T>(work: () => T): T {
    return transaction(this.#db, work);
  }

  close(): void {
    this.#db.close();
  }

  /** An index of before there were tags has no column for them. */
  #addTags(): void {
    const columns = this.#db.prepare('PRAGMA table_info(versions)').all();
    if (!columns.some(({ name }) => name === 'tags'))
      this.#db.exec('ALTER TABLE versions ADD COLUMN tags TEXT');
  }

  /** Files that a killed process left without their row, and rows' files that it did not come to delete. */
  #sweep(): void {
    const named = new Set(
      this.#db
        .prepare('SELECT file FROM versions')
        .all()
        .map(({ file }) => String(file)),
    );
    const objects = path.join(this.#folder, 'objects');
    for (const file of readdirSync(objects)) if (!named.has(file)) rmSync(path.join(objects, file));
    for (const file of readdirSync(this.#folder))
      if (file.endsWith('.tmp')) rmSync(path.join(this.#folder, file));
  }
}

function read(row: unknown): S3Version | undefined {
  if (row === undefined) return undefined;
  const raw = row as Omit<S3Version, 'isMarker' | 'headers' | 'checksums' | 'retention' | 'tags'> & {
    readonly isMarker: number;
    readonly headers: string;
    readonly checksums: string;
    readonly retention: string | null;
    readonly tags: string | null;
  };
  return {
    ...raw,
    isMarker: raw.isMarker === 1,
    headers: JSON.parse(raw.headers) as Record<string, string>,
    checksums: JSON.parse(raw.checksums) as Record<string, string>,
    retention: raw.retention === null ? undefined : (JSON.parse(raw.retention) as Retention),
    tags: JSON.parse(raw.tags ?? '{}') as Tags,
  };
}
