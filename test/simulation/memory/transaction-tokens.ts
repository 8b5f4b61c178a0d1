/** Tokens of transactions: what comes again within ten minutes is done already. */
import { isDeepStrictEqual } from 'node:util';
import { parameterMismatch } from './dynamodb-errors.ts';
import type { TransactionTokens } from './store.ts';

const keptMs = 10 * 60_000;

interface Done {
  /** As they were sent: an adapter makes them anew for each transaction. */
  readonly actions: unknown;
  readonly atMs: number;
}

export class MemoryTransactionTokens implements TransactionTokens {
  readonly #nowMs: () => number;
  /** The oldest first. */
  readonly #done = new Map<string, Done>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  isDone(token: string, actions: unknown): boolean {
    this.#forget();
    const found = this.#done.get(token);
    if (found === undefined) return false;
    if (!isDeepStrictEqual(found.actions, actions)) throw parameterMismatch();
    return true;
  }

  done(token: string, actions: unknown): void {
    this.#done.set(token, { actions, atMs: this.#nowMs() });
  }

  #forget(): void {
    const nowMs = this.#nowMs();
    for (const [token, { atMs }] of this.#done) {
      if (nowMs - atMs < keptMs) return;
      this.#done.delete(token);
    }
  }
}
