/** Output at a bounded rate, for the `slow` fault: frames leave one by one, in order. */

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

  #arm(): void {
    const head = this.#frames[this.#next];
    if (this.#timer !== undefined || head === undefined) return;
    const { delayMs = 0, bytesPerSecond } = this.#rate;
    const pauseMs = delayMs + (bytesPerSecond === undefined ? 0 : (head.length * 1_000) / bytesPerSecond);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#next += 1;
      this.#bytes -= head.length;
      if (this.#next > 1_024) {
        this.#frames.splice(0, this.#next);
        this.#next = 0;
      }
      this.#write(head);
      if (!this.waiting) this.#onFree();
      this.#arm();
    }, pauseMs);
  }
}
