import { randomBytes } from 'node:crypto';

const heldMax = 64;
const validMs = 15 * 60_000;

/** Numbers that are good for one action each: the same request sent again does nothing. */
export class Onces {
  readonly #issued = new Map<string, number>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  issue(): string {
    const once = randomBytes(16).toString('base64url');
    this.#issued.set(once, this.#nowMs());
    // The oldest belong to dialogs that were left.
    for (const old of this.#issued.keys()) {
      if (this.#issued.size <= heldMax) break;
      this.#issued.delete(old);
    }
    return once;
  }

  /** True for the first time that it is shown, within a quarter of an hour. */
  use(once: unknown): boolean {
    if (typeof once !== 'string') return false;
    const issuedMs = this.#issued.get(once);
    this.#issued.delete(once);
    return issuedMs !== undefined && this.#nowMs() - issuedMs <= validMs;
  }
}
