/**
 * Loaded before the streamer (`node --import`): its SQLite file is as slow, or as full, as the file in EVENKEEL_CHAOS_DISK
 * says. Full means that the file may not grow and has no free page left: SQLite itself then answers SQLITE_FULL.
 */
import { DatabaseSync, StatementSync } from 'node:sqlite';
import type { DiskSetting } from './disk.ts';
import { watchSetting } from './setting-file.ts';

const file = process.env.EVENKEEL_CHAOS_DISK;
const pagesMax = 1_073_741_823;

if (file !== undefined) {
  const exec = Reflect.get(DatabaseSync.prototype, 'exec') as (this: DatabaseSync, sql: string) => void;
  const prepare = Reflect.get(DatabaseSync.prototype, 'prepare') as (
    this: DatabaseSync,
    ...args: Parameters<DatabaseSync['prepare']>
  ) => StatementSync;
  const run = Reflect.get(StatementSync.prototype, 'run') as (
    this: StatementSync,
    ...args: unknown[]
  ) => ReturnType<StatementSync['run']>;
  const open = new Set<DatabaseSync>();
  const owners = new WeakMap<StatementSync, DatabaseSync>();
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  let setting: DiskSetting = { slowMs: null, isFull: false };

  const fill = (db: DatabaseSync): void => {
    const { page_count: pages } = db.prepare('PRAGMA page_count').get() as { page_count: number };
    exec.call(db, `PRAGMA max_page_count = ${Math.max(pages, 1)}`);
    try {
      exec.call(db, 'CREATE TABLE IF NOT EXISTS chaos_filler (filler)');
      for (;;) exec.call(db, 'INSERT INTO chaos_filler VALUES (zeroblob(1000))');
    } catch {
      // Full: that is what it is for.
    }
  };
  const free = (db: DatabaseSync): void => {
    exec.call(db, `PRAGMA max_page_count = ${pagesMax}; DROP TABLE IF EXISTS chaos_filler`);
  };
  const drag = (): void => {
    if (setting.slowMs === null) return;
    const [least, most] = setting.slowMs;
    Atomics.wait(sleeper, 0, 0, least + Math.random() * (most - least));
  };

  DatabaseSync.prototype.exec = function (sql) {
    if (sql === 'COMMIT') drag();
    exec.call(this, sql);
    if (open.has(this) || !/CREATE TABLE/.test(sql)) return;
    open.add(this);
    if (setting.isFull) fill(this);
  };
  DatabaseSync.prototype.prepare = function (...args) {
    const statement = prepare.apply(this, args);
    owners.set(statement, this);
    return statement;
  };
  StatementSync.prototype.run = function (...args: unknown[]) {
    // Within a transaction nothing reaches the disk before its end.
    if (owners.get(this)?.isTransaction !== true) drag();
    return run.apply(this, args);
  };
  watchSetting<DiskSetting>(file, (next) => {
    const before = setting;
    setting = next;
    if (setting.isFull === before.isFull) return;
    for (const db of open) if (db.isOpen) (setting.isFull ? fill : free)(db);
  });
}
