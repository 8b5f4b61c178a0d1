/** The hashes of one chain's rows, which come in any order: whether they are all there and made on each other. */
import { Buffer } from 'node:buffer';
import { type AuditRow, hashOf, noHash } from '../domain/audit/row.ts';
import type { Digest } from '../domain/audit/verify.ts';

const hashBytes = 32;

export class ChainLedger {
  readonly #hashes: Buffer;
  readonly #previous: Buffer;
  readonly #seen: Uint8Array;
  readonly #seq: number;

  /** @param seq rows of the chain that count */
  constructor(seq: number) {
    this.#seq = seq;
    this.#hashes = Buffer.alloc(seq * hashBytes);
    this.#previous = Buffer.alloc(seq * hashBytes);
    this.#seen = new Uint8Array(seq);
  }

  /** @returns false for a row that is not what it was when it was written, or comes twice */
  add(row: AuditRow, digest: Digest): boolean {
    const index = row.seq - 1;
    if (index < 0 || index >= this.#seq || this.#seen[index] === 1) return false;
    if (!isWhole(row, digest)) return false;
    this.#seen[index] = 1;
    this.#hashes.write(row.hash, index * hashBytes, 'hex');
    this.#previous.write(row.previousHash, index * hashBytes, 'hex');
    return true;
  }

  hashAt(seq: number): string {
    return this.#at(this.#hashes, seq);
  }

  /** The number of the first row that is not there, or was not made on the one before it; undefined when all is well. */
  broken(headHash: string): number | undefined {
    for (let seq = 1; seq <= this.#seq; seq += 1) {
      const before = seq === 1 ? noHash : this.hashAt(seq - 1);
      if (this.#seen[seq - 1] !== 1 || this.#at(this.#previous, seq) !== before) return seq;
    }
    return this.#seq > 0 && this.hashAt(this.#seq) !== headHash ? this.#seq : undefined;
  }

  #at(hashes: Buffer, seq: number): string {
    return hashes.toString('hex', (seq - 1) * hashBytes, seq * hashBytes);
  }
}

/** Whether a row says what makes its hash. */
export function isWhole(row: AuditRow, digest: Digest): boolean {
  try {
    return hashOf(row, digest) === row.hash;
  } catch {
    return false;
  }
}
