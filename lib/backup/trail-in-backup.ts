/** The rows of the audit trail that belong to a backup, those up to its instant, and what they count. */
import type { RowSpan } from '../domain/backup/row-text.ts';
import { TrailCount } from '../domain/backup/trail-count.ts';
import type { StoredKeys } from '../ports/stored-keys.ts';
import type { StoredPage } from '../ports/table-scan.ts';
import type { ChainHeads } from './chain-heads.ts';
import { keyText } from './part-reader.ts';

export interface TrailGap {
  readonly account: string;
  readonly writer: string;
  /** Rows that the chain's head counts. */
  readonly expected: number;
  readonly found: number;
}

export class TrailInBackup {
  readonly #heads: ReadonlyMap<string, ChainHeads>;
  readonly #keys: StoredKeys;
  readonly #counts = new Map<string, TrailCount>();

  constructor(heads: ReadonlyMap<string, ChainHeads>, keys: StoredKeys) {
    this.#heads = heads;
    this.#keys = keys;
  }

  /** Says of each row of the page, once, whether it belongs to the backup, and counts it if so. */
  take({ bytes }: StoredPage<RowSpan>): (row: RowSpan) => boolean {
    const page = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return (row) => {
      const { pkStart, pkEnd, skStart, skEnd } = row;
      const { account, writer, seq } = this.#keys.rowOf(
        keyText(page, pkStart, pkEnd),
        keyText(page, skStart, skEnd),
      );
      const head = this.#heads.get(account)?.get(writer);
      if (head === undefined || seq > head.seq) return false;
      this.of(account).add(writer, row);
      return true;
    };
  }

  of(account: string): TrailCount {
    const known = this.#counts.get(account);
    if (known !== undefined) return known;
    const count = new TrailCount((item) => this.#keys.refOf(item)?.kind ?? 'unknown');
    this.#counts.set(account, count);
    return count;
  }

  /** Chains of which rows are missing. */
  gaps(): TrailGap[] {
    return [...this.#heads].flatMap(([account, chains]) =>
      [...chains]
        .map(([writer, { seq }]) => {
          const found = this.of(account).rowsOf(writer);
          return { account, writer, expected: seq, found };
        })
        .filter(({ expected, found }) => expected !== found),
    );
  }
}
