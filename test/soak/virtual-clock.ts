/**
 * Simulated time for a whole process. Once installed, `Date`, `performance.now`, `setTimeout` and `setInterval` (also
 * those of `node:timers` and `node:timers/promises`) follow this clock, which stands still until it is told to move.
 * Sockets, files and `setImmediate` stay real: work is done in real time while no simulated time passes.
 */
import { syncBuiltinESMExports } from 'node:module';
import { promisify } from 'node:util';

type Callback = (...args: unknown[]) => void;

/** The clocks and timers of the machine, for those who drive the simulated ones. */
export const real = {
  now: performance.now.bind(performance),
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  sleep: (ms: number) => new Promise<void>((resolve) => realSetTimeout(resolve, ms)),
  /** One turn of the event loop: what the sockets have is read. */
  turn: () => new Promise<void>((resolve) => setImmediate(resolve)),
};
const realSetTimeout = globalThis.setTimeout;
const RealDate = globalThis.Date;

/** What `setTimeout` and `setInterval` give: the part of Node's own class that is public. */
class SimulatedTimer {
  dueMs = 0;
  order = 0;
  waiting = false;
  readonly callback: Callback;
  readonly args: readonly unknown[];
  readonly delayMs: number;
  readonly repeats: boolean;
  readonly #clock: VirtualClock;
  #referenced = true;

  constructor(
    clock: VirtualClock,
    callback: Callback,
    delayMs: number,
    args: readonly unknown[],
    repeats: boolean,
  ) {
    this.#clock = clock;
    this.callback = callback;
    this.args = args;
    // As Node does: nothing is due at once, and what does not fit into 31 bits is.
    this.delayMs = delayMs >= 1 && delayMs < 2 ** 31 ? Math.trunc(delayMs) : 1;
    this.repeats = repeats;
  }

  ref(): this {
    this.#referenced = true;
    return this;
  }

  unref(): this {
    this.#referenced = false;
    return this;
  }

  hasRef(): boolean {
    return this.#referenced;
  }

  refresh(): this {
    this.#clock.schedule(this);
    return this;
  }

  close(): this {
    this.waiting = false;
    return this;
  }

  [Symbol.toPrimitive](): number {
    return this.order;
  }

  [Symbol.dispose](): void {
    this.waiting = false;
  }
}

interface Entry {
  readonly dueMs: number;
  readonly order: number;
  readonly timer: SimulatedTimer;
}

export class VirtualClock {
  readonly #startMs: number;
  readonly #performanceStartMs = real.now();
  readonly #heap: Entry[] = [];
  #nowMs: number;
  #order = 0;
  #installed = false;

  /** @param startMs Unix milliseconds at which the clock stands at first */
  constructor(startMs: number) {
    this.#startMs = startMs;
    this.#nowMs = startMs;
  }

  /** Unix milliseconds. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#heap.reduce((count, entry) => count + (isLive(entry) ? 1 : 0), 0);
  }

  /** Replaces the clocks and timers of this process; what a module has kept of the old ones before stays real. */
  install(): void {
    if (this.#installed) return;
    this.#installed = true;
    const startTimer =
      (repeats: boolean) =>
      (callback: Callback, delayMs = 1, ...args: unknown[]) =>
        this.start(callback, Number(delayMs), repeats, args);
    const stopTimer = (original: (timer: never) => void) => (timer: unknown) => {
      if (timer instanceof SimulatedTimer) timer.waiting = false;
      // Timers that were begun before the clock was installed are Node's own.
      else original(timer as never);
    };
    const sleep = (delayMs?: number, value?: unknown, options: { signal?: AbortSignal } = {}) =>
      this.#sleep(delayMs ?? 1, value, options.signal);
    const patched = {
      setTimeout: Object.assign(startTimer(false), { [promisify.custom]: sleep }),
      setInterval: startTimer(true),
      clearTimeout: stopTimer(globalThis.clearTimeout),
      clearInterval: stopTimer(globalThis.clearInterval),
    };
    Object.assign(process.getBuiltinModule('node:timers'), patched);
    Object.assign(process.getBuiltinModule('node:timers/promises'), { setTimeout: sleep });
    syncBuiltinESMExports();
    Object.assign(globalThis, patched, { Date: this.#date() });
    Object.defineProperty(performance, 'now', {
      value: () => this.#performanceStartMs + this.#nowMs - this.#startMs,
      configurable: true,
      writable: true,
    });
  }

  /** A timer of this clock, whether it is installed or not. */
  start(callback: Callback, delayMs: number, repeats = false, args: readonly unknown[] = []): SimulatedTimer {
    const timer = new SimulatedTimer(this, callback, delayMs, args, repeats);
    this.schedule(timer);
    return timer;
  }

  schedule(timer: SimulatedTimer): void {
    this.#order += 1;
    timer.order = this.#order;
    timer.dueMs = this.#nowMs + timer.delayMs;
    timer.waiting = true;
    push(this.#heap, { dueMs: timer.dueMs, order: timer.order, timer });
  }

  /**
   * Moves the clock on to `toMs`. Timers run in the order of their times, each at its own time, and after those of one
   * moment `settle` is waited for, so that their work is done before time goes on.
   */
  async advance(toMs: number, settle: () => Promise<void> | void): Promise<void> {
    for (let next = this.#next(); next !== undefined && next.dueMs <= toMs; next = this.#next()) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      for (let due: Entry | undefined = next; due && due.dueMs <= this.#nowMs; due = this.#next()) {
        pop(this.#heap);
        this.#fire(due.timer);
        // A promise that a timer resolved runs on before the next timer, as in Node.
        await Promise.resolve();
      }
      await settle();
    }
    this.#nowMs = Math.max(this.#nowMs, toMs);
  }

  /** The first timer that still waits; what was cleared is thrown away on the way. */
  #next(): Entry | undefined {
    while (this.#heap.length > 0 && !isLive(this.#heap[0]!)) pop(this.#heap);
    return this.#heap[0];
  }

  #fire(timer: SimulatedTimer): void {
    timer.waiting = false;
    if (timer.repeats) this.schedule(timer);
    try {
      timer.callback(...timer.args);
    } catch (error) {
      // As from a timer of Node: it ends the process, unless somebody listens.
      process.nextTick(() => {
        throw error;
      });
    }
  }

  #sleep(delayMs: number, value: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const refuse = () =>
        reject(new DOMException('The operation was aborted', { name: 'AbortError', cause: signal?.reason }));
      if (signal?.aborted) {
        refuse();
        return;
      }
      const timer = new SimulatedTimer(this, done, delayMs, [], false);
      const onAbort = () => {
        timer.waiting = false;
        refuse();
      };
      function done() {
        signal?.removeEventListener('abort', onAbort);
        resolve(value);
      }
      signal?.addEventListener('abort', onAbort, { once: true });
      this.schedule(timer);
    });
  }

  #date(): DateConstructor {
    const nowMs = () => this.#nowMs;
    return class extends RealDate {
      constructor(...args: unknown[]) {
        super(...((args.length === 0 ? [nowMs()] : args) as [number]));
      }

      static override now(): number {
        return nowMs();
      }
    } as DateConstructor;
  }
}

/** False for what was cleared, and for an earlier time of a timer that was set anew. */
function isLive({ timer, order }: Entry): boolean {
  return timer.waiting && timer.order === order;
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(entry, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
    if (!isBefore(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
}
