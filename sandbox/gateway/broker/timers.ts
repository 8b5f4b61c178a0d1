/** Things that are due at a time of the tape, earliest first; equal times in the order in which they were asked for. */
interface Timer {
  readonly atMs: number;
  readonly act: () => void;
}

export class TapeTimers {
  readonly #timers: Timer[] = [];

  /** `Infinity` when nothing is waiting. */
  get dueMs(): number {
    return this.#timers[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  add(atMs: number, act: () => void): void {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#timers[middle]!.atMs <= atMs) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, { atMs, act });
  }

  /** Does what is due; what that adds for the same time is done too. */
  run(tapeMs: number): void {
    while (this.dueMs <= tapeMs) this.#timers.shift()!.act();
  }
}
