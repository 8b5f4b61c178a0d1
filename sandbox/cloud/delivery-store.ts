import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { CloudError, messageOf } from './errors.ts';
import { transaction } from './sqlite.ts';

/** An event on its way to a rule's target, a call of a schedule, or an asynchronous invocation of a function. */
export interface Delivery {
  readonly id: number;
  kind: 'rule' | 'schedule' | 'async';
  /** Of a rule `<rule ARN> <target id>`, of a schedule `<schedule ARN> <scheduled time>`; else the function's ARN. */
  target: string;
  payload: string;
  readonly requestId: string;
  /** Attempts that failed. */
  attempts: number;
  /** Time that its retries would have taken in AWS. */
  agedMs: number;
  /** Not tried again before this time (Unix ms). */
  dueMs: number;
}

export type NewDelivery = Readonly<Pick<Delivery, 'kind' | 'target' | 'payload' | 'requestId'>>;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  payload TEXT NOT NULL,
  request_id TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  aged_ms REAL NOT NULL DEFAULT 0,
  due_ms REAL NOT NULL DEFAULT 0
) STRICT;
`;

const FLUSH_AFTER_MS = 20;
const DONE_MAX = 500;

/**
 * Keeps what PutEvents and asynchronous Invoke accepted until it is done, in a SQLite file, so that a killed sandbox
 * loses nothing. Finished rows are deleted in groups: after a kill a few of the last ones run again, as a bus that
 * delivers at least once may do. The file is held exclusively, which also keeps a second sandbox off the data folder.
 */
export class DeliveryStore {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #remove: StatementSync;
  readonly #update: StatementSync;
  readonly #page: StatementSync;
  #count: number;
  #done: number[] = [];
  #flushTimer: NodeJS.Timeout | undefined;

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true });
    const file = path.join(dataDir, 'deliveries.sqlite');
    this.#db = new DatabaseSync(file);
    try {
      this.#db.exec(
        'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;',
      );
      this.#db.exec(`BEGIN EXCLUSIVE; ${SCHEMA} COMMIT;`);
    } catch (error) {
      this.#db.close();
      throw new CloudError(
        'DATA_DIR_IN_USE',
        `The data folder ${dataDir} cannot be opened (${messageOf(error)}); another sandbox is probably running on it.`,
        'Stop that one, or start this one with another data folder.',
        { cause: error },
      );
    }
    this.#insert = this.#db.prepare(
      'INSERT INTO deliveries (kind, target, payload, request_id) VALUES (?, ?, ?, ?)',
    );
    this.#remove = this.#db.prepare('DELETE FROM deliveries WHERE id = ?');
    this.#update = this.#db.prepare(
      'UPDATE deliveries SET kind = ?, target = ?, payload = ?, attempts = ?, aged_ms = ?, due_ms = ? WHERE id = ?',
    );
    this.#page = this.#db.prepare(
      'SELECT id, kind, target, payload, request_id AS requestId, attempts, aged_ms AS agedMs, due_ms AS dueMs FROM deliveries WHERE id > ? ORDER BY id LIMIT ?',
    );
    this.#count = Number(this.#db.prepare('SELECT count(*) AS n FROM deliveries').get()?.n ?? 0);
  }

  /** Deliveries accepted and not finished. */
  get count(): number {
    return this.#count;
  }

  /** Stores all or none; they are safe when this returns. */
  add(deliveries: readonly NewDelivery[]): Delivery[] {
    if (deliveries.length === 0) return [];
    const added = transaction(this.#db, () =>
      deliveries.map(({ kind, target, payload, requestId }) => {
        const { lastInsertRowid } = this.#insert.run(kind, target, payload, requestId);
        const id = Number(lastInsertRowid);
        return { id, kind, target, payload, requestId, attempts: 0, agedMs: 0, dueMs: 0 };
      }),
    );
    this.#count += added.length;
    return added;
  }

  /** The next rows after `afterId`, in order of acceptance. */
  page(afterId: number, limit: number): Delivery[] {
    this.#flush();
    return this.#page.all(afterId, limit) as unknown as Delivery[];
  }

  retryLater({ id, kind, target, payload, attempts, agedMs, dueMs }: Delivery): void {
    this.#update.run(kind, target, payload, attempts, agedMs, dueMs, id);
  }

  done(id: number): void {
    this.#count -= 1;
    this.#done.push(id);
    if (this.#done.length >= DONE_MAX) this.#flush();
    else this.#flushTimer ??= setTimeout(() => this.#flush(), FLUSH_AFTER_MS);
  }

  close(): void {
    this.#flush();
    this.#db.close();
  }

  #flush(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    if (this.#done.length === 0) return;
    const ids = this.#done;
    this.#done = [];
    transaction(this.#db, () => {
      for (const id of ids) this.#remove.run(id);
    });
  }
}
