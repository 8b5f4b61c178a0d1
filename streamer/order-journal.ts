import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Weeks of orders; a book is not restored to before them in silence. */
const ENDED_MAX = 50_000;

/**
 * The write-ahead of orders, in the outbox's file: an intent that is not in it has provably not left this machine. The
 * intent itself is in the book by then; what a lost disk took with it is looked for at the broker. What has ended is
 * remembered too: a book that was restored from before may not know that it left.
 */
export class OrderJournal {
  readonly #db: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #has: StatementSync;
  readonly #end: StatementSync;
  readonly #highest: StatementSync;
  readonly #keys: StatementSync;
  readonly #noteEnded: StatementSync;
  readonly #forgetEnded: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#begin = db.prepare('INSERT OR IGNORE INTO sends (key, next_order_id) VALUES (?, ?)');
    this.#has = db.prepare(
      'SELECT 1 FROM sends WHERE key = :key UNION ALL SELECT 1 FROM ended WHERE key = :key',
    );
    this.#noteEnded = db.prepare('INSERT OR IGNORE INTO ended SELECT key FROM sends WHERE key = ?');
    this.#forgetEnded = db.prepare(
      `DELETE FROM ended WHERE rowid <= (SELECT max(rowid) FROM ended) - ${ENDED_MAX}`,
    );
    this.#end = db.prepare('DELETE FROM sends WHERE key = ?');
    this.#highest = db.prepare('SELECT max(next_order_id) AS id FROM sends');
    this.#keys = db.prepare('SELECT key FROM sends ORDER BY rowid');
  }

  /** From now on it may have left. `nextOrderId` is above every id of it. */
  begin(key: string, nextOrderId: number): void {
    // Events may be told again after a loss of power; an order whose row went with it would be said never to have left.
    this.#db.exec('PRAGMA synchronous = FULL');
    try {
      this.#begin.run(key, nextOrderId);
    } finally {
      this.#db.exec('PRAGMA synchronous = NORMAL');
    }
  }

  mayHaveLeft(key: string): boolean {
    return this.#has.get({ key }) !== undefined;
  }

  /** All that may have left and was not ended, the oldest first. */
  keys(): readonly string[] {
    return (this.#keys.all() as { key: string }[]).map(({ key }) => key);
  }

  /** Its fate is in the book, and was told. */
  end(key: string): void {
    this.#noteEnded.run(key);
    this.#forgetEnded.run();
    this.#end.run(key);
  }

  /** Above every order id of what is in it; 0 for nothing. */
  get nextOrderId(): number {
    return Number((this.#highest.get() as { id: number | null }).id ?? 0);
  }
}
