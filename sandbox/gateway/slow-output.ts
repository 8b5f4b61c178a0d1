/** Output at a bounded rate, for the `slow` fault: frames leave one by one, in order. */
import { performance } from 'node:perf_hooks';

export interface SlowRate {
  /** Pause before each frame, in milliseconds. */
  readonly delayMs?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
}

/** Beyond this the tape at full speed waits for the client. */
const waitingBytes = 65_536;

export class SlowOutput {
  readonly #rate: SlowRate;
  readonly #write: (bytes: Buffer) => void;
  readonly #onFree: () => void;
  #frames: Buffer[] = [];
  #next = 0;
  #bytes = 0;
  #dueMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(rate: SlowRate, write: (bytes: Buffer) => void, onFree: () => void) {
    this.#rate = rate;
    this.#write = write;
    this.#onFree = onFree;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get waiting(): boolean {
    return this.#bytes > waitingBytes;
  }

  push(bytes: Buffer): void {
    this.#frames.push(bytes);
    this.#bytes += bytes.length;
    this.#arm();
  }

  /** Sends the rest at once. */
  end(): void {
    clearTimeout(this.#timer);
    const rest = this.#frames.slice(this.#next);
    this.discard();
    if (rest.length > 0) this.#write(Buffer.concat(rest));
  }

  discard(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#frames = [];
    this.#next = 0;
    this.#bytes = 0;
  }

  #pauseMs(bytes: Buffer): number {
    const { delayMs = 0, bytesPerSecond } = this.#rate;
    return delayMs + (bytesPerSecond === undefined ? 0 : (bytes.length * 1_000) / bytesPerSecond);
  }

  #arm(): void {
    const head = this.#frames[this.#next];
    if (this.#timer !== undefined || head === undefined) return;
    const now = performance.now();
    // Frames are due one after the other; after an idle time the first one waits its whole pause.
    this.#dueMs = Math.max(this.#dueMs, now);
    this.#timer = setTimeout(() => this.#sendDue(), this.#dueMs + this.#pauseMs(head) - now);
  }

  /** Timers are no finer than a millisecond, so several frames may be due at once. */
  #sendDue(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (let head = this.#frames[this.#next]; head !== undefined; head = this.#frames[this.#next]) {
      const dueMs = this.#dueMs + this.#pauseMs(head);
      if (dueMs > now) break;
      this.#dueMs = dueMs;
      this.#next += 1;
      this.#bytes -= head.length;
      this.#write(head);
    }
    if (this.#next > 1_024) {
      this.#frames.splice(0, this.#next);
      this.#next = 0;
    }
    if (!this.waiting) this.#onFree();
    this.#arm();
  }
}
