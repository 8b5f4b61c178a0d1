import {
  createLease,
  deadline,
  type LeaseConfig,
  type LeaseEffect,
  type LeaseInput,
  type LeaseState,
  type Moment,
  mayAct,
  step,
} from '../lib/domain/safety/lease-machine.ts';
import type { Lease, LeaseStore } from '../lib/ports/lease-store.ts';
import type { Logger } from './logger.ts';

/** One time of holding the lease, from its acquisition to its loss or release. */
export interface LeaseTerm {
  /** The fencing token: the epoch of what is done in this term. */
  readonly token: number;
  /** Nobody has held this lease before. */
  readonly isFirst: boolean;
  /** Whether the gateway may be written to at this very moment. */
  mayWrite(): boolean;
  /** Resolves with the reason when it is lost; never when it is given back. */
  readonly lost: Promise<string>;
  /** Gives it back; the link must be closed before. True when the table says so. */
  release(): Promise<boolean>;
}

export interface LeaseKeeperOptions {
  readonly account: string;
  readonly store: LeaseStore;
  readonly config: LeaseConfig;
  readonly logger: Logger;
  /** Milliseconds that never go back. */
  readonly monotonicMs?: () => number;
  /** Unix milliseconds. */
  readonly systemMs?: () => number;
}

/** The last that was read of somebody else's lease. */
export interface LeaseStats {
  readonly held: boolean;
  /** Of our own term; 0 when there is none. */
  readonly token: number;
  readonly holder: string;
  readonly waitingFor: (Lease & { readonly unchangedMs: number }) | null;
  readonly trouble: string;
}

/** Drives the lease machine: asks the table, sleeps to the deadline, and says what became of it. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #monotonicMs: () => number;
  readonly #systemMs: () => number;
  #state: LeaseState;
  #timer: NodeJS.Timeout | undefined;
  #acquired: ((token: number) => void) | undefined;
  #lost: ((reason: string) => void) | undefined;
  #released: (clean: boolean) => void = () => undefined;
  #trouble = '';

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#systemMs = options.systemMs ?? Date.now;
    this.#state = createLease(options.config);
  }

  /**
   * Waits until the lease is ours. One call at a time, and none while a term lasts.
   *
   * @param tokenFloor the token will be above it
   * @returns undefined when `signal` aborted the wait
   */
  async acquire(tokenFloor: number, signal: AbortSignal): Promise<LeaseTerm | undefined> {
    if (signal.aborted) return undefined;
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    this.#acquired = resolve;
    const { promise: lost, resolve: lose } = Promise.withResolvers<string>();
    this.#lost = lose;
    const stopped = async (): Promise<void> => {
      await this.#release();
      resolve(undefined);
    };
    const abort = (): void => void stopped();
    signal.addEventListener('abort', abort, { once: true });
    this.#feed({ kind: 'contend', tokenFloor });
    const token = await promise;
    signal.removeEventListener('abort', abort);
    this.#acquired = undefined;
    if (token === undefined) return undefined;
    return {
      token,
      isFirst: token === 1,
      mayWrite: () => mayAct(this.#state, token, this.#now()),
      lost,
      release: () => this.#release(),
    };
  }

  stats(): LeaseStats {
    const { phase, mine, seen, config } = this.#state;
    const now = this.#now();
    const token = phase === 'held' ? (mine?.row.token ?? 0) : 0;
    return {
      held: mayAct(this.#state, token, now),
      token,
      holder: config.holder,
      waitingFor: seen ? { ...seen.row, unchangedMs: Math.round(now.monotonicMs - seen.sinceMs) } : null,
      trouble: this.#trouble,
    };
  }

  #release(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#released = resolve;
    this.#feed({ kind: 'release' });
    return promise;
  }

  #now(): Moment {
    return { monotonicMs: this.#monotonicMs(), wallMs: this.#systemMs() };
  }

  #feed(input: LeaseInput): void {
    const { state, effects } = step(this.#state, input, this.#now());
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    clearTimeout(this.#timer);
    const at = deadline(this.#state);
    if (at === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => this.#feed({ kind: 'tick' }),
      Math.max(0, Math.ceil(at - this.#monotonicMs())),
    );
  }

  #perform(effect: LeaseEffect): void {
    const { store, account, logger } = this.#options;
    switch (effect.kind) {
      case 'read':
        this.#ask(store.read(account), (row) => ({ kind: 'row', row }));
        return;
      case 'replace':
        this.#ask(store.replace(account, effect.expected, effect.next), (done) => ({
          kind: 'replaced',
          done,
        }));
        return;
      case 'acquired':
        logger.info('The lease is ours', { account, token: effect.token });
        this.#acquired?.(effect.token);
        return;
      case 'lost':
        logger.error('The lease is lost: nothing is sent to the gateway any more', {
          account,
          reason: effect.reason,
        });
        this.#lost?.(effect.reason);
        return;
      case 'released':
        this.#released(effect.clean);
        return;
      case 'waiting':
        logger.info(`Another streamer holds the lease of ${account}: waiting for it`, {
          holder: effect.row.holder,
          token: effect.row.token,
          renewedAt: new Date(effect.row.renewedAtMs).toISOString(),
          unchangedSeconds: Math.round(effect.unchangedMs / 1000),
        });
        return;
      case 'trouble':
        logger.warn('The control table does not answer: the lease cannot be read or renewed', {
          error: effect.message,
        });
        return;
    }
  }

  #ask<T>(question: Promise<T>, answer: (value: T) => LeaseInput): void {
    question.then(
      (value) => {
        this.#trouble = '';
        this.#feed(answer(value));
      },
      (error: unknown) => {
        this.#trouble = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        this.#feed({ kind: 'failed', message: this.#trouble });
      },
    );
  }
}
