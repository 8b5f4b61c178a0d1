import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_MS = 250;
const MAX_MS = 4_000;

/** Pauses that grow, for a time. */
export class Patience {
  readonly #untilMs: number;
  readonly #steadyMs: () => number;
  #pauseMs = FIRST_MS;

  /** @param steadyMs a clock that nobody sets */
  constructor(forMs: number, steadyMs: () => number) {
    this.#untilMs = steadyMs() + forMs;
    this.#steadyMs = steadyMs;
  }

  get isOver(): boolean {
    return this.#steadyMs() > this.#untilMs;
  }

  /** Whether the next pause ends before it is over. */
  get lasts(): boolean {
    return this.#steadyMs() + this.#pauseMs < this.#untilMs;
  }

  async pause(signal: AbortSignal): Promise<void> {
    const leftMs = this.#untilMs - this.#steadyMs() + 1;
    await sleep(Math.min(this.#pauseMs, leftMs), undefined, { signal });
    this.#pauseMs = Math.min(MAX_MS, 2 * this.#pauseMs);
  }
}
