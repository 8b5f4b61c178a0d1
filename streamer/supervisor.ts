import type { LeaseTerm } from './lease-keeper.ts';
import type { LeaseSource } from './lease-none.ts';

/** What is done while the lease is held; made anew for each term. */
export interface Duty {
  start(): void;
  /** Cuts the link to the gateway at once, without a write. */
  closeLink(): void;
  /** Ends everything of the term; what it had to tell is in the outbox when this resolves. */
  end(): Promise<void>;
}

export interface SupervisorOptions<D extends Duty> {
  readonly lease: LeaseSource;
  /** The last epoch of the outbox: the next token is above it. */
  readonly lastEpoch: () => number;
  /** @throws when the term cannot be used; the supervisor gives the lease back and ends with that error */
  readonly begin: (term: LeaseTerm, isFirst: boolean) => Duty & D;
}

/**
 * The process's life: wait for the lease, be on duty while it lasts, close the link at once when it is lost, wait
 * again. What the outbox holds is sent all the while; that is not the supervisor's.
 */
export class Supervisor<D extends Duty> {
  readonly #options: SupervisorOptions<D>;
  readonly #stop = new AbortController();
  #duty: (Duty & D) | undefined;
  #running: Promise<void> | undefined;
  #terms = 0;

  constructor(options: SupervisorOptions<D>) {
    this.#options = options;
  }

  /** What is on duty now; undefined while the lease is not held. */
  get duty(): (Duty & D) | undefined {
    return this.#duty;
  }

  /** Runs until `stop`. Rejects when a term cannot be begun or ended. */
  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Closes the link, ends the duty and gives the lease back. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { lease, lastEpoch } = this.#options;
    const { signal } = this.#stop;
    const stopped = new Promise<undefined>((resolve) => {
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    while (!signal.aborted) {
      const term = await lease.acquire(lastEpoch(), signal);
      if (term === undefined) return;
      await this.#serve(term, stopped);
    }
  }

  async #serve(term: LeaseTerm, stopped: Promise<undefined>): Promise<void> {
    let isOver = false;
    try {
      const duty = this.#options.begin(term, this.#terms === 0);
      this.#terms += 1;
      this.#duty = duty;
      try {
        duty.start();
        const reason = await Promise.race([term.lost, stopped]);
        isOver = reason !== undefined;
      } finally {
        duty.closeLink();
        await duty.end();
        this.#duty = undefined;
      }
    } finally {
      // Behind the link: whoever takes it now finds the gateway free.
      if (!isOver) await term.release();
    }
  }
}
