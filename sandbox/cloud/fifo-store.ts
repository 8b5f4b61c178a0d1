import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { transaction } from './sqlite.ts';

/** A message of a FIFO queue. */
export interface FifoMessage {
  /** Its place in the order; 0 until it is stored. */
  seq: number;
  readonly id: string;
  readonly group: string;
  readonly deduplicationId: string;
  readonly body: string;
  /** JSON of the message attributes, as sent. */
  readonly attributes: string;
  readonly sentMs: number;
  receives: number;
  firstReceivedMs: number;
  /** Not given out before this time: a delay of the queue, or the end of its visibility time-out. */
  visibleMs: number;
  /** The handle of the last receipt; '' when it was never received or came back. */
  receipt: string;
  /** ARN of the queue that it came from, in a dead-letter queue; else ''. */
  readonly sourceArn: string;
}

/** What was sent within the last five minutes under a deduplication id. */
export interface Deduplication {
  readonly id: string;
  readonly seq: number;
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS messages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  queue TEXT NOT NULL,
  id TEXT NOT NULL,
  grp TEXT NOT NULL,
  deduplication_id TEXT NOT NULL,
  body TEXT NOT NULL,
  attributes TEXT NOT NULL,
  sent_ms REAL NOT NULL,
  receives INTEGER NOT NULL,
  first_received_ms REAL NOT NULL,
  visible_ms REAL NOT NULL,
  receipt TEXT NOT NULL,
  source_arn TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS deduplications (
  queue TEXT NOT NULL,
  scope TEXT NOT NULL,
  deduplication_id TEXT NOT NULL,
  id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  until_ms REAL NOT NULL,
  PRIMARY KEY (queue, scope, deduplication_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deduplications_by_time ON deduplications (until_ms);
`;

/** FIFO queues on disk: `fifo.sqlite`. Every change is in the file when the call that made it returns. */
export class FifoStore {
  readonly #db: DatabaseSync;
  readonly #statements: Record<
    'insert' | 'update' | 'remove' | 'load' | 'find' | 'remember' | 'forget' | 'purge',
    StatementSync
  >;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#db = new DatabaseSync(path.join(folder, 'fifo.sqlite'));
    this.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${SCHEMA}`);
    const prepare = (sql: string): StatementSync => this.#db.prepare(sql);
    this.#statements = {
      insert: prepare(
        'INSERT INTO messages (queue, id, grp, deduplication_id, body, attributes, sent_ms, receives, first_received_ms, visible_ms, receipt, source_arn) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ),
      update: prepare(
        'UPDATE messages SET receives = ?, first_received_ms = ?, visible_ms = ?, receipt = ? WHERE seq = ?',
      ),
      remove: prepare('DELETE FROM messages WHERE seq = ?'),
      load: prepare(
        'SELECT seq, id, grp AS "group", deduplication_id AS deduplicationId, body, attributes, sent_ms AS sentMs, receives, first_received_ms AS firstReceivedMs, visible_ms AS visibleMs, receipt, source_arn AS sourceArn FROM messages WHERE queue = ? ORDER BY seq',
      ),
      find: prepare(
        'SELECT id, seq FROM deduplications WHERE queue = ? AND scope = ? AND deduplication_id = ? AND until_ms > ?',
      ),
      remember: prepare('INSERT OR REPLACE INTO deduplications VALUES (?, ?, ?, ?, ?, ?)'),
      forget: prepare('DELETE FROM deduplications WHERE until_ms <= ?'),
      purge: prepare('DELETE FROM messages WHERE queue = ?'),
    };
  }

  load(queue: string): FifoMessage[] {
    return this.#statements.load.all(queue) as unknown as FifoMessage[];
  }

  /** Stores the message at the end of the queue and gives it its place in the order. */
  insert(queue: string, message: FifoMessage): void {
    const { id, group, deduplicationId, body, attributes, sentMs } = message;
    const { receives, firstReceivedMs, visibleMs, receipt, sourceArn } = message;
    const { lastInsertRowid } = this.#statements.insert.run(
      queue,
      id,
      group,
      deduplicationId,
      body,
      attributes,
      sentMs,
      receives,
      firstReceivedMs,
      visibleMs,
      receipt,
      sourceArn,
    );
    message.seq = Number(lastInsertRowid);
  }

  update({ receives, firstReceivedMs, visibleMs, receipt, seq }: FifoMessage): void {
    this.#statements.update.run(receives, firstReceivedMs, visibleMs, receipt, seq);
  }

  remove({ seq }: FifoMessage): void {
    this.#statements.remove.run(seq);
  }

  purge(queue: string): void {
    this.#statements.purge.run(queue);
  }

  /** `scope` is '' for the whole queue, else the message group. */
  sentBefore(
    queue: string,
    scope: string,
    deduplicationId: string,
    nowMs: number,
  ): Deduplication | undefined {
    return this.#statements.find.get(queue, scope, deduplicationId, nowMs) as unknown as
      | Deduplication
      | undefined;
  }

  remember(queue: string, scope: string, message: FifoMessage, nowMs: number, untilMs: number): void {
    this.#statements.forget.run(nowMs);
    const { deduplicationId, id, seq } = message;
    this.#statements.remember.run(queue, scope, deduplicationId, id, seq, untilMs);
  }

  /** All of it, or nothing. */
  transaction<T>(work: () => T): T {
    return transaction(this.#db, work);
  }

  close(): void {
    this.#db.close();
  }
}
