import type { ProtectionFacts } from '../lib/domain/safety/protection-facts.ts';
import {
  createWatch,
  deadline,
  step,
  type WatchState,
  watchDefaults,
} from '../lib/domain/safety/protection-watch.ts';
import type { EventData } from '../lib/events/catalogue.ts';
import type { Logger } from './logger.ts';
import { readableStack } from './readable-stack.ts';

/** What the guardian needs from the streamer around it. */
export interface GuardianHost {
  readonly account: string;
  /** What is certain at this moment; undefined while nothing is. */
  readonly facts: () => ProtectionFacts | undefined;
  readonly raise: (alert: EventData<'alert.raised'>) => void;
  readonly systemMs: () => number;
  /** Whether some session is open in which knowledge is expected: not inside a reset window of the broker. */
  readonly marketOpen: () => boolean;
  /** Symbols and classes whose positions need no stop. */
  readonly noStopNeeded: readonly string[];
  readonly logger: Logger;
}

export interface GuardianFigures {
  /** Looks that were based on certain facts, and those that were not. */
  readonly looks: number;
  readonly darkLooks: number;
  /** Positions without stops of their size, as last seen. */
  readonly unprotected: number;
  readonly orphaned: number;
}

/** Between two looks; a position is thus seen within this time of its fill, whoever traded it. */
const LOOK_EVERY_MS = 5_000;
/** Never more often, whatever the machine is waiting for. */
const LOOK_PAUSE_MS = 1_000;

/**
 * Looks now and then whether every open position has working stops of its size at the broker, and raises what the machine
 * says. It looks at the tracker's knowledge as it is, instead of following its events: what it missed once it sees at the
 * next look.
 */
export class ProtectionGuardian {
  readonly #host: GuardianHost;
  #state: WatchState;
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #looks = 0;
  #darkLooks = 0;

  constructor(host: GuardianHost) {
    const { account, noStopNeeded } = host;
    this.#host = host;
    this.#state = createWatch({ ...watchDefaults, account, noStopNeeded, witness: 'the broker' });
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#plan();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  /** One look, now. */
  look(): void {
    const { facts, marketOpen, systemMs, raise } = this.#host;
    const certain = facts();
    if (certain === undefined) this.#darkLooks += 1;
    else this.#looks += 1;
    const { state, effects } = step(this.#state, { facts: certain, sessionOpen: marketOpen() }, systemMs());
    this.#state = state;
    for (const { key: _, ...alert } of effects) raise(alert);
  }

  stats(): GuardianFigures {
    const { bare, orphans } = this.#state.memory;
    return {
      looks: this.#looks,
      darkLooks: this.#darkLooks,
      unprotected: bare.length,
      orphaned: orphans.length,
    };
  }

  #plan(): void {
    if (!this.#running) return;
    const waitMs = deadline(this.#state) - this.#host.systemMs();
    const boundedMs = Math.min(LOOK_EVERY_MS, Math.max(LOOK_PAUSE_MS, waitMs));
    this.#timer = setTimeout(() => this.#tick(), boundedMs);
  }

  /** A look that fails is told in the log; the guard goes on. */
  #tick(): void {
    try {
      this.look();
    } catch (error) {
      this.#host.logger.error('The guardian could not look at the protection of positions', {
        error: error instanceof Error ? readableStack(error) : String(error),
      });
    } finally {
      this.#plan();
    }
  }
}
