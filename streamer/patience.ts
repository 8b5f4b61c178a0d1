import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_MS = 250;
const MAX_MS = 4_000;

/** Pauses that grow, until a moment. */
export class Patience {
  readonly #untilMs: number;
  readonly #systemMs: () => number;
  #pauseMs = FIRST_MS;

  constructor(untilMs: number, systemMs: () => number) {
    this.#untilMs = untilMs;
    this.#systemMs = systemMs;
  }

  get untilMs(): number {
    return this.#untilMs;
  }

  get isOver(): boolean {
    return this.#systemMs() > this.#untilMs;
  }

  /** Whether the next pause ends before it is over. */
  get lasts(): boolean {
    return this.#systemMs() + this.#pauseMs < this.#untilMs;
  }

  async pause(signal: AbortSignal): Promise<void> {
    const leftMs = this.#untilMs - this.#systemMs() + 1;
    await sleep(Math.min(this.#pauseMs, leftMs), undefined, { signal });
    this.#pauseMs = Math.min(MAX_MS, 2 * this.#pauseMs);
  }
}
