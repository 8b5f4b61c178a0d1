import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery, DeliveryStore, NewDelivery } from './delivery-store.ts';

/**
 * What an attempt came to: finished (done or given up), to be tried again after `laterMs` as AWS would wait, or handed
 * to the asynchronous invocations of a function.
 */
export type Outcome =
  | { readonly kind: 'finished' }
  | { readonly kind: 'retry'; readonly laterMs: number }
  | { readonly kind: 'invoke'; readonly functionArn: string; readonly payload: string };

export const FINISHED: Outcome = { kind: 'finished' };

export interface Lane {
  /** Attempts that may run at once. */
  readonly concurrency: number;
  attempt(delivery: Delivery): Promise<Outcome>;
}

interface LaneState {
  readonly lane: Lane;
  readonly ready: Delivery[];
  running: number;
}

/** Deliveries held in memory; the rest waits in the store. */
const MEMORY_MAX = 5_000;

/**
 * Carries out deliveries: one lane for each target with a bounded concurrency, so that a slow target never holds up
 * another. A delivery that is to be tried again waits for `laterMs × timeScale`.
 */
export class Dispatcher {
  readonly #store: DeliveryStore;
  readonly #laneOf: (delivery: Delivery) => Lane | undefined;
  readonly #timeScale: number;
  readonly #lanes = new Map<Lane, LaneState>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #running = new Set<Promise<void>>();
  #inMemory = 0;
  #lastLoadedId = 0;
  /** True while rows beyond `#lastLoadedId` are in the store alone. */
  #spilled = true;
  #stopped = false;
  /** After the grace: outcomes no longer count, the store is closed. */
  #closed = false;

  constructor(options: {
    store: DeliveryStore;
    laneOf: (delivery: Delivery) => Lane | undefined;
    timeScale: number;
  }) {
    this.#store = options.store;
    this.#laneOf = options.laneOf;
    this.#timeScale = options.timeScale;
  }

  /** Takes up what an earlier run left. */
  start(): void {
    this.#refill();
  }

  /** Accepts deliveries: they are on disk when this returns, and carried out afterwards. */
  accept(deliveries: readonly NewDelivery[]): void {
    for (const delivery of this.#store.add(deliveries)) {
      if (this.#spilled || this.#inMemory >= MEMORY_MAX) {
        this.#spilled = true;
        continue;
      }
      this.#lastLoadedId = delivery.id;
      this.#enqueue(delivery);
    }
  }

  /** Waits for the attempts that are under way, `graceMs` at most; what is left stays in the store for the next run. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.race([Promise.all(this.#running), sleep(graceMs, undefined, { ref: false })]);
    this.#closed = true;
  }

  #refill(): void {
    while (this.#spilled && this.#inMemory < MEMORY_MAX && !this.#stopped) {
      const page = this.#store.page(this.#lastLoadedId, MEMORY_MAX - this.#inMemory);
      if (page.length === 0) this.#spilled = false;
      for (const delivery of page) {
        this.#lastLoadedId = delivery.id;
        this.#enqueue(delivery);
      }
    }
  }

  #enqueue(delivery: Delivery): void {
    this.#inMemory += 1;
    const waitMs = delivery.dueMs - Date.now();
    if (waitMs > 0) this.#wait(delivery, waitMs);
    else this.#makeReady(delivery);
  }

  #wait(delivery: Delivery, waitMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#makeReady(delivery);
    }, waitMs);
    this.#timers.add(timer);
  }

  #makeReady(delivery: Delivery): void {
    const lane = this.#laneOf(delivery);
    if (lane === undefined) {
      // Its rule or function is no longer in the template.
      this.#finish(delivery);
      return;
    }
    let state = this.#lanes.get(lane);
    if (state === undefined) {
      state = { lane, ready: [], running: 0 };
      this.#lanes.set(lane, state);
    }
    state.ready.push(delivery);
    this.#run(state);
  }

  #run(state: LaneState): void {
    while (state.running < state.lane.concurrency && !this.#stopped) {
      const delivery = state.ready.shift();
      if (delivery === undefined) return;
      state.running += 1;
      const work = this.#attempt(state.lane, delivery).finally(() => {
        state.running -= 1;
        this.#running.delete(work);
        this.#run(state);
      });
      this.#running.add(work);
    }
  }

  async #attempt(lane: Lane, delivery: Delivery): Promise<void> {
    const outcome = await lane.attempt(delivery);
    if (this.#closed) return;
    switch (outcome.kind) {
      case 'finished':
        this.#finish(delivery);
        break;
      case 'invoke':
        // Not written down: after a kill the rule hands it over once more.
        Object.assign(delivery, {
          kind: 'async',
          target: outcome.functionArn,
          payload: outcome.payload,
          attempts: 0,
          agedMs: 0,
        });
        this.#makeReady(delivery);
        break;
      case 'retry': {
        const waitMs = outcome.laterMs * this.#timeScale;
        delivery.attempts += 1;
        delivery.agedMs += outcome.laterMs;
        delivery.dueMs = Date.now() + waitMs;
        this.#store.retryLater(delivery);
        if (!this.#stopped) this.#wait(delivery, waitMs);
        break;
      }
    }
  }

  #finish(delivery: Delivery): void {
    this.#store.done(delivery.id);
    this.#inMemory -= 1;
    if (this.#inMemory < MEMORY_MAX / 2) this.#refill();
  }
}
