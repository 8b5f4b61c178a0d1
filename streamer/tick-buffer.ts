/**
 * The buffer between the socket's listeners and the candle builders. A listener only writes here; the builders run
 * from a microtask after the chunk, or at once when `drainAt` entries wait. (Draining by `setImmediate` overflows on
 * a burst: the socket delivers chunk after chunk before the event loop comes round.)
 *
 * Entries lie in typed arrays, so that a tick costs no object. When the buffer is full, quotes go before trades and
 * the oldest first; what stays is never reordered. Everything dropped is counted.
 */
export const TRADE = 1;
export const QUOTE = 2;
const DROPPED = 0;

export interface TickBufferConfig {
  readonly capacity: number;
  readonly ttlMs: number;
  readonly drainAt: number;
  /** Share of the capacity above which the owner is told, once for each crossing. */
  readonly alertAtUtilisation: number;
}

/** The entry under the reader's eye; one object, reused for each. Prices and sizes are scaled integers. */
export interface TickEntry {
  kind: number;
  /** Index of the market data line. */
  line: number;
  timeMs: number;
  price: number;
  size: number;
  /** Cumulative volume, or -1; for quotes the tick type. */
  cumVolume: number;
}

export interface TickBufferStats {
  readonly depth: number;
  readonly capacity: number;
  readonly utilisation: number;
  readonly highWater: number;
  readonly pushed: number;
  readonly drained: number;
  readonly droppedQuotes: number;
  readonly droppedTrades: number;
  readonly expired: number;
}

export class TickBuffer {
  readonly #config: TickBufferConfig;
  readonly #consume: (entry: TickEntry) => void;
  readonly #onPressure: (stats: TickBufferStats) => void;
  readonly #onTradeDropped: (line: number, timeMs: number) => void;
  readonly #slots: number;
  readonly #alertDepth: number;
  readonly #kind: Uint8Array;
  readonly #line: Int32Array;
  readonly #timeMs: Float64Array;
  readonly #price: Float64Array;
  readonly #size: Float64Array;
  readonly #cumVolume: Float64Array;
  readonly #receivedMs: Float64Array;
  readonly #entry: TickEntry = { kind: TRADE, line: 0, timeMs: 0, price: 0, size: 0, cumVolume: -1 };
  #head = 0;
  #tail = 0;
  /** No live quote lies before this slot. */
  #quoteScan = 0;
  #live = 0;
  #scheduled = false;
  #paused = false;
  #alerted = false;
  #highWater = 0;
  #pushed = 0;
  #drained = 0;
  #droppedQuotes = 0;
  #droppedTrades = 0;
  #expired = 0;

  /**
   * @param consume called for each entry in order of arrival; must not throw
   * @param onPressure called when the depth crosses the alert line, before anything is dropped
   * @param onTradeDropped called for each trade that nobody will be handed: its line's bars are not complete
   */
  constructor(
    config: TickBufferConfig,
    consume: (entry: TickEntry) => void,
    onPressure: (stats: TickBufferStats) => void,
    onTradeDropped: (line: number, timeMs: number) => void = () => undefined,
  ) {
    this.#config = config;
    this.#consume = consume;
    this.#onPressure = onPressure;
    this.#onTradeDropped = onTradeDropped;
    // Twice the capacity: dropped quotes leave holes that one compaction in `capacity` pushes removes.
    this.#slots = config.capacity * 2;
    this.#alertDepth = Math.ceil(config.capacity * config.alertAtUtilisation);
    this.#kind = new Uint8Array(this.#slots);
    this.#line = new Int32Array(this.#slots);
    this.#timeMs = new Float64Array(this.#slots);
    this.#price = new Float64Array(this.#slots);
    this.#size = new Float64Array(this.#slots);
    this.#cumVolume = new Float64Array(this.#slots);
    this.#receivedMs = new Float64Array(this.#slots);
  }

  /** Writes one tick. Never throws; a full buffer drops the oldest quote, or the oldest trade when there is none. */
  push(
    kind: number,
    line: number,
    timeMs: number,
    price: number,
    size: number,
    cumVolume: number,
    receivedMs: number,
  ): void {
    if (this.#live >= this.#config.capacity) this.#makeRoom();
    if (this.#tail === this.#slots) this.#compact();
    const slot = this.#tail++;
    this.#kind[slot] = kind;
    this.#line[slot] = line;
    this.#timeMs[slot] = timeMs;
    this.#price[slot] = price;
    this.#size[slot] = size;
    this.#cumVolume[slot] = cumVolume;
    this.#receivedMs[slot] = receivedMs;
    this.#pushed += 1;
    this.#live += 1;
    if (this.#live > this.#highWater) this.#highWater = this.#live;
    if (this.#live >= this.#alertDepth && !this.#alerted) this.#alert();
    if (this.#paused) return;
    if (this.#live >= this.#config.drainAt) this.drain();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(this.#drainLater);
    }
  }

  /** Hands everything that waits to the consumer, unless paused. */
  drain(): void {
    if (this.#paused) return;
    const entry = this.#entry;
    while (this.#head < this.#tail) {
      const slot = this.#head++;
      const kind = this.#kind[slot]!;
      if (kind === DROPPED) continue;
      entry.kind = kind;
      entry.line = this.#line[slot]!;
      entry.timeMs = this.#timeMs[slot]!;
      entry.price = this.#price[slot]!;
      entry.size = this.#size[slot]!;
      entry.cumVolume = this.#cumVolume[slot]!;
      this.#live -= 1;
      this.#drained += 1;
      this.#consume(entry);
      if (this.#paused) return;
    }
    this.#head = 0;
    this.#tail = 0;
    this.#quoteScan = 0;
    this.#alerted = false;
  }

  /** Stops handing out (the consumer cannot take more); ticks wait here until `resume`. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.drain();
  }

  get empty(): boolean {
    return this.#live === 0;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Drops what has waited longer than the time to live; returns how many. */
  flushExpired(systemMs: number): number {
    let expired = 0;
    for (let slot = this.#head; slot < this.#tail; slot++) {
      if (this.#kind[slot] === DROPPED) continue;
      if (systemMs - this.#receivedMs[slot]! <= this.#config.ttlMs) break;
      this.#drop(slot);
      expired += 1;
    }
    this.#expired += expired;
    return expired;
  }

  /** Drops what waits for a line: it belongs to a contract that the line no longer stands for. */
  discard(line: number): void {
    for (let slot = this.#head; slot < this.#tail; slot++) {
      if (this.#kind[slot] !== DROPPED && this.#line[slot] === line) this.#drop(slot);
    }
  }

  stats(): TickBufferStats {
    return {
      depth: this.#live,
      capacity: this.#config.capacity,
      utilisation: this.#live / this.#config.capacity,
      highWater: this.#highWater,
      pushed: this.#pushed,
      drained: this.#drained,
      droppedQuotes: this.#droppedQuotes,
      droppedTrades: this.#droppedTrades,
      expired: this.#expired,
    };
  }

  readonly #drainLater = (): void => {
    this.#scheduled = false;
    this.drain();
  };

  #alert(): void {
    this.#alerted = true;
    this.#onPressure(this.stats());
  }

  #makeRoom(): void {
    let victim = Math.max(this.#quoteScan, this.#head);
    while (victim < this.#tail && this.#kind[victim] !== QUOTE) victim++;
    this.#quoteScan = victim;
    if (victim >= this.#tail) {
      victim = this.#head;
      while (this.#kind[victim] === DROPPED) victim++;
    }
    this.#drop(victim);
  }

  #drop(slot: number): void {
    const isQuote = this.#kind[slot] === QUOTE;
    this.#kind[slot] = DROPPED;
    this.#live -= 1;
    if (isQuote) this.#droppedQuotes += 1;
    else {
      this.#droppedTrades += 1;
      this.#onTradeDropped(this.#line[slot]!, this.#timeMs[slot]!);
    }
  }

  #compact(): void {
    let to = 0;
    for (let from = this.#head; from < this.#tail; from++) {
      if (this.#kind[from] === DROPPED) continue;
      this.#kind[to] = this.#kind[from]!;
      this.#line[to] = this.#line[from]!;
      this.#timeMs[to] = this.#timeMs[from]!;
      this.#price[to] = this.#price[from]!;
      this.#size[to] = this.#size[from]!;
      this.#cumVolume[to] = this.#cumVolume[from]!;
      this.#receivedMs[to] = this.#receivedMs[from]!;
      to += 1;
    }
    this.#head = 0;
    this.#tail = to;
    this.#quoteScan = 0;
  }
}
