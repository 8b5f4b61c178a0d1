import type { StoredLine } from './table-scan.ts';

/** Puts items back exactly as they were stored, without a condition: for tables that nobody else writes. */
export interface TableLoad {
  /** Any number of items; resolves when all are stored. Putting them again is harmless. */
  put(table: string, lines: readonly StoredLine[]): Promise<void>;
}

/** Tables of a restore drill. Only names that begin with the stage's drill prefix can be made or deleted. */
export interface ScratchTables {
  /** Makes a table with keys pk and sk, or the audit table's shape with its index; resolves when it is active. */
  create(name: string, shape: 'book' | 'audit'): Promise<void>;
  /** Resolves when it is gone; a table that is not there is gone. */
  remove(name: string): Promise<void>;
  /** Those that an earlier drill left behind. */
  list(): Promise<readonly string[]>;
}
