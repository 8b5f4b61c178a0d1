import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DeskError } from './desk-error.ts';

/** What a sandbox makes in its data folder, and so all that it may delete there. */
const OWN = ['cloud', 'logs', 'endpoint.json', 'streamer.db', 'streamer.db-wal', 'streamer.db-shm'];

/** The data folder of one running sandbox: nobody else may use it, or empty it, until `release`. */
export interface DataFolder {
  release(): void;
}

/**
 * Takes a data folder for this process. The lock is SQLite's, so that it ends with the process however that ends.
 *
 * @param fresh start with empty data: only what a sandbox has made there goes, nothing else
 * @throws DeskError when another sandbox runs in it, or it cannot be used
 */
export function takeFolder(dir: string, fresh: boolean): DataFolder {
  let lock: DatabaseSync | undefined;
  try {
    mkdirSync(dir, { recursive: true });
    lock = new DatabaseSync(join(dir, 'sandbox.lock'));
    lock.exec(
      'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS lock (x); COMMIT;',
    );
  } catch (error) {
    lock?.close();
    const message = (error as Error).message;
    throw new DeskError(
      /locked|busy/i.test(message)
        ? `Another sandbox runs in the data folder ${dir}. Stop it, or give this one a folder of its own: --data DIR.`
        : `The data folder ${dir} cannot be used (${message}). Give another one: --data DIR.`,
      2,
    );
  }
  if (fresh) for (const name of OWN) rmSync(join(dir, name), { recursive: true, force: true });
  const held = lock;
  return { release: () => held.close() };
}
