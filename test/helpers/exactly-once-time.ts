/** Time and chance that belong to a run: its timers, `Date.now` and `Math.random` follow from a seed, and nothing waits for real. */
import { mulberry32 } from '../../sandbox/tapes/generate.ts';

const realImmediate = setImmediate;
const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  now: Date.now,
  random: Math.random,
};

/** Thrown out of the call in which a process dies: nothing more of it happens. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

interface Timer {
  readonly atMs: number;
  readonly seq: number;
  readonly everyMs: number;
  readonly act: () => void;
}

/** While it is installed, nothing in this process has another time. */
export class VirtualTime {
  nowMs: number;
  readonly random: () => number;
  readonly #timers = new Map<number, Timer>();
  #seq = 0;

  constructor(startMs: number, seed: number) {
    this.nowMs = startMs;
    this.random = mulberry32(seed);
  }

  install(): void {
    const set = (everyMs: (ms: number) => number) => (act: (...args: unknown[]) => void, ms?: number) => {
      const id = this.#add(() => act(), ms ?? 0, everyMs(ms ?? 0));
      const handle = { [Symbol.toPrimitive]: () => id, id, ref: () => handle, unref: () => handle };
      return handle;
    };
    const clear = (handle: unknown): void => {
      const id = (handle as { id?: number } | undefined)?.id;
      if (id !== undefined) this.#timers.delete(id);
    };
    Object.assign(globalThis, {
      setTimeout: set(() => 0),
      clearTimeout: clear,
      setInterval: set((ms) => Math.max(1, ms)),
      clearInterval: clear,
    });
    Date.now = () => this.nowMs;
    Math.random = this.random;
  }

  uninstall(): void {
    const { now, random, ...timers } = real;
    Object.assign(globalThis, timers);
    Date.now = now;
    Math.random = random;
    this.#timers.clear();
  }

  after(ms: number, act: () => void): void {
    this.#add(act, ms, 0);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** A whole number of milliseconds from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1));
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  one<T>(all: readonly T[]): T {
    return all[Math.floor(this.random() * all.length)]!;
  }

  /** Lets everything happen that is due until then. */
  async advance(untilMs: number): Promise<void> {
    await settle();
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      const [id, timer] = next;
      this.nowMs = Math.max(this.nowMs, timer.atMs);
      this.#timers.delete(id);
      if (timer.everyMs > 0)
        this.#timers.set(id, { ...timer, atMs: this.nowMs + timer.everyMs, seq: this.#nextSeq() });
      survive(timer.act);
      await settle();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  #next(untilMs: number): [number, Timer] | undefined {
    let first: [number, Timer] | undefined;
    for (const entry of this.#timers) {
      const [, { atMs, seq }] = entry;
      if (atMs > untilMs) continue;
      if (first === undefined || atMs < first[1].atMs || (atMs === first[1].atMs && seq < first[1].seq))
        first = entry;
    }
    return first;
  }

  #add(act: () => void, ms: number, everyMs: number): number {
    const seq = this.#nextSeq();
    this.#timers.set(seq, { atMs: this.nowMs + Math.max(1, Math.ceil(ms)), seq, everyMs, act });
    return seq;
  }

  #nextSeq(): number {
    this.#seq += 1;
    return this.#seq;
  }
}

/** A process that dies inside a timer ends there, and nothing else does. */
function survive(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
  }
}

/** All that follows at once has happened: promises are done before the loop's next turn. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    realImmediate(resolve);
  });
}
