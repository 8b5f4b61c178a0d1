/** What a restore works on, what it is asked, and what it answers. */
import type { ChainTools } from '../domain/audit/row.ts';
import type { BookRef } from '../domain/book/item.ts';
import type { Flags } from '../domain/safety/flags.ts';
import type { TradingState } from '../domain/safety/trading-state.ts';
import type { AuditTrail } from '../ports/audit-trail.ts';
import type { BackupStore } from '../ports/backup-store.ts';
import type { Book } from '../ports/book.ts';
import type { BookImport } from '../ports/book-import.ts';
import type { LeaseStore } from '../ports/lease-store.ts';
import type { TableLoad } from '../ports/table-load.ts';
import type { TableScan } from '../ports/table-scan.ts';

/** Digest and keys, as the tables have them. */
export interface RestoreTools extends ChainTools {
  /** The item that a sort key of the book names. */
  readonly refOf: (sk: string) => BookRef | undefined;
  readonly bookPartition: (account: string) => string;
  /** `day` is `yyyy-mm-dd`, UTC. */
  readonly auditPartition: (account: string, day: string) => string;
  /** Writer and number of the audit row with this sort key. */
  readonly auditRowOf: (sk: string) => { readonly writer: string; readonly seq: number };
}

/** Where a restore writes: the tables of a stage, or those of a drill. */
export interface RestoreTarget {
  readonly tables: { readonly book: string; readonly audit: string };
  readonly book: Book;
  readonly audit: AuditTrail;
  readonly imports: BookImport;
  readonly scan: TableScan;
  readonly load: TableLoad;
  readonly leases: LeaseStore;
}

export interface RestoreOptions {
  /** The bucket of backups. */
  readonly store: Pick<BackupStore, 'get' | 'list' | 'versions'>;
  readonly target: RestoreTarget;
  readonly tools: RestoreTools;
  /** The stage that the backup must be of. */
  readonly place: { readonly stage: string; readonly awsAccount: string; readonly region: string };
  readonly nowMs: () => number;
  /** Id or number of the backup, or `latest`. */
  readonly backup: string;
  /** IB accounts; all of the backup when left out. */
  readonly accounts?: readonly string[] | undefined;
  readonly onProgress?: ((progress: RestoreProgress) => void) | undefined;
  /** Stops between two writes; the same command goes on later. */
  readonly signal?: AbortSignal | undefined;
}

export interface RestoreRequest extends RestoreOptions {
  /** Who restores and why, for the audit trail. */
  readonly who: string;
  readonly reason: string;
  /** Whether a book that is not empty may be changed. */
  readonly inPlace: boolean;
  /** Makes a backup of what is there; called once, before the first change of a book that is not empty. */
  readonly backupFirst: () => Promise<{ readonly id: string }>;
}

/**
 * - `verify`: parts of the backup are read and checked; `done` and `total` are lines
 * - `load`: audit rows and items are put; lines of the parts
 * - `check`: the restored book and trail are read back; rows
 * - `compare`: the backup beside a book in use; lines of the parts
 * - `change`: items of a book in use are changed
 */
export interface RestoreProgress {
  readonly phase: 'verify' | 'load' | 'check' | 'compare' | 'change';
  readonly done: number;
  readonly total: number;
}

/** What the book of an account is before a restore. */
export type BookState =
  /** No item. */
  | 'empty'
  /** A restore of this backup was begun and not ended. */
  | 'begun'
  /** This backup was restored into it, and nothing was written since. */
  | 'restored'
  | 'in-use';

export interface ItemChanges {
  readonly add: number;
  readonly change: number;
  readonly remove: number;
}

export interface PlannedChange {
  /** Sort key of the item in the book. */
  readonly item: string;
  readonly does: 'add' | 'change' | 'remove';
}

export interface BackupNamed {
  readonly id: string;
  readonly number: number;
  readonly hash: string;
  readonly instant: string;
}

export interface RestorePlan {
  readonly backup: BackupNamed;
  readonly accounts: readonly AccountPlan[];
}

export interface AccountPlan {
  readonly account: string;
  readonly state: BookState;
  /** Items of the backup, heads of chains not counted. */
  readonly items: number;
  readonly auditRows: number;
  /** Rows of the trail after the backup's instant that are still there and would be replayed; 0 for a book in use. */
  readonly survivingRows: number;
  readonly changes: ItemChanges;
  /** By kind, for example `order`. */
  readonly changesByKind: Readonly<Record<string, ItemChanges>>;
  /** The first of them, in order of their keys. */
  readonly first: readonly PlannedChange[];
  /** Whether it would be refused without the flag for a book in use. */
  readonly needsInPlace: boolean;
  /** Of a book in use, where somebody has set it: it stays. Null where it is what the backup has. */
  readonly trading: TradingState | null;
}

export interface RestoreResult {
  readonly backup: BackupNamed;
  readonly accounts: readonly RestoredAccount[];
  /** Id of the backup that was made before the first change of a book in use; `''` where none was needed. */
  readonly backupBefore: string;
  readonly durationMs: number;
}

export interface RestoredAccount {
  readonly account: string;
  /** `already`: it was restored before, and nothing was written since. */
  readonly how: 'empty' | 'in-place' | 'already';
  /** Whether an earlier attempt had begun it. */
  readonly resumed: boolean;
  readonly instant: string;
  readonly counts: readonly RestoredCount[];
  readonly items: number;
  readonly auditRows: number;
  /** Rows of the surviving trail that were replayed over the backup; null where there were none. */
  readonly replayed: { readonly rows: number; readonly until: string } | null;
  /** Of a book in use. */
  readonly changes: ItemChanges | null;
  readonly flags: { readonly before: Flags; readonly after: Flags };
  /** Whether the account may trade, as the book has it now. In place it is what stood there. */
  readonly trading: TradingState;
  /** The lease's token where it had to be raised; null where it was high enough. */
  readonly leaseToken: { readonly before: number | null; readonly after: number } | null;
}

/** `restored` may differ from `manifest` where rows were replayed, or where a book in use was written meanwhile. */
export interface RestoredCount {
  readonly of: 'orders' | 'orderEvents' | 'executions';
  readonly manifest: number;
  readonly restored: number;
}
