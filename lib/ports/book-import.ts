/** The way back into an empty book: the fence around it, and the transaction that takes the fence away. */

import type { RestoreFence } from '../domain/audit/fence.ts';
import type { ChainHead } from '../domain/audit/row.ts';
import type { ChainSource } from '../domain/audit/verify.ts';
import type { BookChange } from './book.ts';

export interface OpenedFence {
  readonly fence: RestoreFence;
  /** Whose chains are closed. */
  readonly writers: readonly string[];
}

export interface FenceEnd {
  readonly account: string;
  readonly fence: RestoreFence;
  /** Every writer whose chain is closed. */
  readonly writers: readonly string[];
  /** Where the chains stand; a writer that has none keeps no head. */
  readonly heads: ReadonlyMap<string, ChainHead>;
  /** The restore's own change of the book: the next row of its writer's chain. */
  readonly change: BookChange;
}

export interface BookImport {
  /** The fence around an account's book; undefined where there is none. */
  fence(account: string): Promise<OpenedFence | undefined>;
  /** Closes the chains of these writers in one transaction; `conflict` where one has a head or a fence already. */
  raise(account: string, writers: readonly string[], fence: RestoreFence): Promise<'raised' | 'conflict'>;
  /** Takes away a fence behind which nothing was written. */
  lift(account: string, opened: OpenedFence): Promise<void>;
  /** The real heads in place of the fence, together with the restore's own row: all of it, or nothing. */
  finish(end: FenceEnd): Promise<'committed' | 'conflict'>;
  /** The trail as its rows are stored, for chains whose heads are not in the book yet. */
  trail(account: string, heads: ReadonlyMap<string, ChainHead>): ChainSource;
}
