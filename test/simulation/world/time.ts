/**
 * The time and the chance of a simulated world: every timer, clock and random number of this Node process follows from a
 * seed, and nothing waits for real. Each timer belongs to the part that set it (a process, a call of a function), so that
 * a part which is killed never wakes again, and each part has a wall clock of its own, which may be wrong.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';
import { mulberry32 } from '../../../sandbox/tapes/generate.ts';
import { setTimeout as sleep } from '../../helpers/exactly-once-sleep.ts';

/** Whose code runs. */
export interface Owner {
  readonly isAlive: boolean;
  /** Of its wall clock, beside the true time. */
  readonly skewMs: number;
  /** Nothing of it runs before: its machine stands still. */
  readonly frozenUntilMs: number;
  /** An error that nobody caught: it ends a process. */
  uncaught(error: unknown): void;
}

/** Thrown out of the call in which a part dies: nothing more of it happens. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

interface Timer {
  readonly atMs: number;
  readonly seq: number;
  readonly everyMs: number;
  readonly act: () => void;
  readonly owner: Owner | undefined;
  isCancelled: boolean;
}

const owners = new AsyncLocalStorage<Owner | undefined>();
const realImmediate = setImmediate;
const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  now: Date.now,
  random: Math.random,
  performanceNow: performance.now.bind(performance),
  randomUUID: crypto.randomUUID,
  sleep: timersPromises.setTimeout,
};

export class SimulatedTime {
  /** True time, Unix ms; it never goes back. */
  nowMs: number;
  /** Timers that have gone off. */
  steps = 0;
  readonly random: () => number;
  readonly #startMs: number;
  readonly #heap: Timer[] = [];
  #seq = 0;

  constructor(startMs: number, seed: number) {
    this.nowMs = startMs;
    this.#startMs = startMs;
    this.random = mulberry32(seed);
  }

  /** The wall clock of whoever asks. */
  get wallMs(): number {
    return this.nowMs + (owners.getStore()?.skewMs ?? 0);
  }

  /** Until `uninstall`, nothing in this process has another time. */
  install(): void {
    const handleOf = (timer: Timer) => {
      const handle = {
        timer,
        ref: () => handle,
        unref: () => handle,
        hasRef: () => false,
        [Symbol.toPrimitive]: () => timer.seq,
      };
      return handle;
    };
    const set =
      (isRepeated: boolean) =>
      (act: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
        handleOf(this.#add(() => act(...args), ms, isRepeated ? Math.max(1, ms) : 0, owners.getStore()));
    const clear = (handle: unknown): void => {
      const { timer } = (handle ?? {}) as { timer?: Timer };
      if (timer !== undefined) timer.isCancelled = true;
    };
    Object.assign(globalThis, {
      setTimeout: set(false),
      clearTimeout: clear,
      setInterval: set(true),
      clearInterval: clear,
    });
    Date.now = () => this.wallMs;
    Math.random = this.random;
    performance.now = () => this.nowMs - this.#startMs;
    Object.assign(crypto, { randomUUID: () => uuidFrom(this.random) });
    Object.assign(timersPromises, { setTimeout: sleep });
    syncBuiltinESMExports();
  }

  uninstall(): void {
    const { now, random, performanceNow, randomUUID, sleep: realSleep, ...timers } = real;
    Object.assign(globalThis, timers);
    Date.now = now;
    Math.random = random;
    performance.now = performanceNow;
    Object.assign(crypto, { randomUUID });
    Object.assign(timersPromises, { setTimeout: realSleep });
    syncBuiltinESMExports();
    this.#heap.length = 0;
  }

  /** Of the world itself: it happens whoever has died meanwhile. */
  after(ms: number, act: () => void): void {
    this.#add(act, ms, 0, undefined);
  }

  /** Of whoever asks. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#add(resolve, ms, 0, owners.getStore());
    });
  }

  /** Runs code of a part. */
  runAs<T>(owner: Owner, act: () => T): T {
    return owners.run(owner, act);
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1));
  }

  chance(share: number): boolean {
    return share > 0 && this.random() < share;
  }

  one<T>(all: readonly T[]): T {
    return all[Math.floor(this.random() * all.length)]!;
  }

  /** Lets the next timer go off, with all that follows at once. False when nothing is left to happen. */
  async step(): Promise<boolean> {
    for (let timer = this.#pop(); timer !== undefined; timer = this.#pop()) {
      if (timer.isCancelled || timer.owner?.isAlive === false) continue;
      if (
        timer.owner !== undefined &&
        timer.owner.frozenUntilMs > this.nowMs &&
        timer.owner.frozenUntilMs > timer.atMs
      ) {
        Object.assign(timer, { atMs: timer.owner.frozenUntilMs });
        this.#push(timer);
        continue;
      }
      this.steps += 1;
      this.nowMs = Math.max(this.nowMs, timer.atMs);
      const { owner, act } = timer;
      if (timer.everyMs > 0) this.#again(timer);
      try {
        owners.run(owner, act);
      } catch (error) {
        if (owner === undefined) throw error;
        if (!(error instanceof Killed)) owner.uncaught(error);
      }
      await settled();
      return true;
    }
    return false;
  }

  /** A repeated timer keeps its handle. */
  #again(timer: Timer): void {
    Object.assign(timer, { atMs: this.nowMs + timer.everyMs, seq: this.#nextSeq() });
    this.#push(timer);
  }

  #add(act: () => void, ms: number, everyMs: number, owner: Owner | undefined): Timer {
    const wait = Number.isFinite(ms) ? Math.max(1, Math.ceil(ms)) : 1;
    const timer = { atMs: this.nowMs + wait, seq: this.#nextSeq(), everyMs, act, owner, isCancelled: false };
    this.#push(timer);
    return timer;
  }

  #nextSeq(): number {
    this.#seq += 1;
    return this.#seq;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
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
    return first;
  }
}

/** All that follows at once has happened: promises are done before the loop's next turn. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    realImmediate(resolve);
  });
}

export function uuidFrom(random: () => number): `${string}-${string}-${string}-${string}-${string}` {
  const part = (length: number): string =>
    Math.floor(random() * 16 ** length)
      .toString(16)
      .padStart(length, '0');
  return `${part(8)}-${part(4)}-4${part(3)}-8${part(3)}-${part(6)}${part(6)}`;
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.seq < b.seq);
}
