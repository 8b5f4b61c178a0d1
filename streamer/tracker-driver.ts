import type { PositionReport } from '../lib/domain/accounts/position-report.ts';
import type { BrokerFact, BrokerList, ListOutcome } from '../lib/domain/orders/broker-facts.ts';
import {
  createTracker,
  deadline,
  step,
  type TrackerEffect,
  type TrackerEmit,
  type TrackerInput,
  type TrackerMemory,
  type TrackerOptions,
} from '../lib/domain/orders/tracker.ts';
import { type EndVerdict, judgeEnd } from '../lib/domain/orders/tracker-ends.ts';
import { protectionFacts } from '../lib/domain/orders/tracker-protection.ts';
import type { TrackedOrder } from '../lib/domain/orders/tracker-state.ts';
import type { GivenEnd, TrackerDoc } from '../lib/domain/orders/tracker-types.ts';
import { isLiving } from '../lib/domain/orders/tracker-view.ts';
import type { ProtectionFacts } from '../lib/domain/safety/protection-facts.ts';
import type { ListDesk } from './broker-lists.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { Logger } from './logger.ts';

/** What the driver of the tracker needs from the streamer around it. */
export interface TrackerDriverHost {
  readonly options: TrackerOptions;
  /** What an earlier run remembered. */
  readonly memory: readonly TrackerMemory[];
  readonly epoch: number;
  readonly lists: ListDesk;
  readonly recorder: EventRecorder;
  readonly logger: Logger;
  readonly systemMs: () => number;
  /** For deadlines: the system clock without its steps; the same when left out. */
  readonly steadyMs?: () => number;
}

/** Told of what the broker says of orders, behind the tracker: what it tells is in the outbox by then. */
export interface BrokerListener {
  fact(fact: BrokerFact): void;
  /** A round of the broker's lists has ended. */
  round(complete: boolean): void;
  disconnected(): void;
}

export interface OrderFigures {
  /** As `TrackerDriver.synced`. */
  readonly synced: boolean;
  /** When that round ended, system time, Unix ms; 0 for never. */
  readonly syncedAtMs: number;
  /** Orders that live. */
  readonly working: number;
  /** Orders without a permId, which are not told yet. */
  readonly held: number;
  readonly facts: number;
  readonly rounds: number;
  readonly lists: ReturnType<ListDesk['stats']>;
}

/**
 * Feeds the order and position tracker, one input after the other, and carries out its effects: a step's events and
 * memory go to the outbox as one, then the lists that it asks for are asked. Facts count whatever the session is at:
 * IB begins to tell of orders before it says that the session is ready.
 */
export class TrackerDriver {
  readonly #host: TrackerDriverHost;
  readonly #steadyMs: () => number;
  readonly #state;
  readonly #inputs: TrackerInput[] = [];
  #feeding = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #facts = 0;
  #rounds = 0;
  #synced = false;
  /** The last round had all open orders, and the link has held since. */
  #openListed = false;
  #syncedAtMs = 0;
  readonly #listeners = new Set<BrokerListener>();

  constructor(host: TrackerDriverHost) {
    this.#host = host;
    this.#steadyMs = host.steadyMs ?? host.systemMs;
    this.#state = createTracker(host.options, host.memory);
    host.lists.watch({
      begun: (list, renews) => this.#feed({ kind: 'list-begin', list, renews }),
      over: (list, whole) => this.#feed({ kind: 'list-over', list, whole }),
    });
  }

  fact(fact: BrokerFact): void {
    this.#facts += 1;
    this.#host.lists.onFact(fact);
    this.#feed({ kind: 'fact', fact, at: { epoch: this.#host.epoch, seq: this.#facts } });
    for (const listener of this.#listeners) listener.fact(fact);
  }

  /** The session is ready. */
  connected(): void {
    this.#host.lists.connected();
    this.#feed({ kind: 'connected' });
  }

  disconnected(): void {
    this.#synced = false;
    this.#openListed = false;
    // The tracker first: what becomes of the questions of a link that is gone tells it nothing.
    this.#feed({ kind: 'disconnected' });
    this.#host.lists.disconnected();
    for (const listener of this.#listeners) listener.disconnected();
  }

  listen(listener: BrokerListener): void {
    this.#listeners.add(listener);
  }

  /** Has the lists asked for soon: something is in doubt that only they can settle. */
  doubt(): void {
    this.#feed({ kind: 'doubt' });
  }

  /** The last round of questions that has begun. */
  get rounds(): { readonly begun: number; readonly isRunning: boolean } {
    return { begun: this.#state.roundId, isRunning: this.#state.round !== undefined };
  }

  /** Whether a person may give this end to an order that the broker does not know any more. */
  judgeEnd(end: GivenEnd): EndVerdict {
    return judgeEnd(this.#state, end);
  }

  /** Gives it, where it may be given: with the events that tell of it. One that stands is told again where the book lacks it. */
  giveEnd(end: GivenEnd): EndVerdict {
    const verdict = this.judgeEnd(end);
    this.#feed({ kind: 'settle', end });
    return verdict;
  }

  /**
   * The last round of questions was complete, the link has held since, and no whole list lacks a position that is held:
   * such a one may be closed, and until the next list has settled it the picture is not that of the broker.
   */
  get synced(): boolean {
    return this.#synced && this.#state.positionsLacking.size === 0;
  }

  /** Orders that live, whoever placed them. */
  living(): readonly TrackedOrder[] {
    return [...this.#state.orders.values()].filter(isLiving);
  }

  /** Orders as they were last told, those that ended within the last days included. */
  order(permId: number): TrackedOrder | undefined {
    return this.#state.orders.get(this.#state.keyByPerm.get(permId) ?? '');
  }

  /** The positions of an account, flat ones left out. */
  positions(account: string): readonly PositionReport[] {
    return [...this.#state.positions.values()].flatMap((told) =>
      told.account === account && told.report.position !== '0' ? [told.report] : [],
    );
  }

  /** IB's servers are back on a link that stayed up (1101, 1102). */
  restored(): void {
    // What happened behind an outage is in no list before the round that begins now has ended.
    this.#synced = false;
    this.#openListed = false;
    this.#feed({ kind: 'restored' });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** What is held, and which orders are open, is known whole, be it that other lists have failed. */
  get canClose(): boolean {
    const { owed, positionsLacking } = this.#state;
    return this.#openListed && !owed.has('positions') && positionsLacking.size === 0;
  }

  stats(): OrderFigures {
    let working = 0;
    for (const order of this.#state.orders.values()) if (isLiving(order)) working += 1;
    return {
      synced: this.synced,
      syncedAtMs: this.#syncedAtMs,
      working,
      held: this.#state.held.size,
      facts: this.#facts,
      rounds: this.#rounds,
      lists: this.#host.lists.stats(),
    };
  }

  /** What is certain of positions and of the orders that may protect them; undefined while that is not known whole. */
  protection(): ProtectionFacts | undefined {
    return this.synced ? protectionFacts(this.#state) : undefined;
  }

  #feed(input: TrackerInput): void {
    if (this.#stopped) return;
    this.#inputs.push(input);
    if (this.#feeding) return;
    this.#feeding = true;
    try {
      for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
        const { effects } = step(this.#state, next, this.#steadyMs());
        this.#perform(effects);
      }
    } finally {
      this.#feeding = false;
      this.#plan();
    }
  }

  #perform(effects: readonly TrackerEffect[]): void {
    if (effects.length === 0) return;
    const events: TrackerEmit[] = [];
    const memory = new Map<string, TrackerDoc | null>();
    for (const effect of effects) {
      if (effect.kind === 'emit') events.push(effect);
      else if (effect.kind === 'remember') memory.set(effect.key, effect.doc);
    }
    this.#host.recorder.record(events, memory);
    for (const effect of effects) {
      if (effect.kind === 'ask') this.#ask(effect.list);
      else if (effect.kind === 'synced') this.#roundEnded(effect.outcomes, effect.complete);
      else if (effect.kind === 'emit' && effect.name === 'alert.raised')
        this.#host.logger.warn(effect.data.message, { alert: effect.data.alert });
    }
  }

  #ask(list: BrokerList): void {
    this.#host.lists.ask(list, ({ outcome }) => this.#feed({ kind: 'list-end', list, outcome }));
  }

  #roundEnded(outcomes: Readonly<Partial<Record<BrokerList, ListOutcome>>>, complete: boolean): void {
    const { logger, systemMs } = this.#host;
    this.#rounds += 1;
    if (complete) {
      this.#syncedAtMs = systemMs();
      if (!this.#synced) logger.info("Orders and positions are compared with the broker's lists");
    } else {
      logger.warn("Not all of the broker's lists were complete; nothing is concluded from them", outcomes);
    }
    this.#synced = complete;
    this.#openListed = outcomes['open-orders'] === 'ok';
    for (const listener of this.#listeners) listener.round(complete);
  }

  /** Sleeps until the tracker's deadline. */
  #plan(): void {
    clearTimeout(this.#timer);
    const atMs = deadline(this.#state);
    if (this.#stopped || atMs === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.max(1, Math.min(atMs - this.#steadyMs(), 2 ** 31 - 1));
    this.#timer = setTimeout(() => this.#feed({ kind: 'tick' }), waitMs);
  }
}
