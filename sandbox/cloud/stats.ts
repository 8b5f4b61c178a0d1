/** What happened in the local cloud since its start. All numbers are counts. */
export interface CloudStats {
  readonly events: {
    /** Entries that PutEvents accepted. */
    readonly accepted: number;
    /** Entries that PutEvents refused. */
    readonly rejected: number;
    /** Accepted events that at least one rule matched, and those that none did. */
    readonly matched: number;
    readonly unmatched: number;
  };
  readonly deliveries: {
    /** Handed to their target: a queue, or the asynchronous invocations of a function. */
    readonly ok: number;
    readonly failed: number;
    readonly retried: number;
    readonly deadLettered: number;
    /** Given up with no dead-letter queue, or one that may not be written to. */
    readonly dropped: number;
  };
  readonly scheduler: {
    /** Calls that were due, or asked for by `fireSchedule`. */
    readonly fired: number;
    /** Not called, because the machine was asleep or too busy at the time. */
    readonly missed: number;
    /** Handed to their target, and attempts that failed. */
    readonly ok: number;
    readonly failed: number;
    readonly retried: number;
    readonly deadLettered: number;
    readonly dropped: number;
  };
  readonly invocations: {
    readonly ok: number;
    readonly failed: number;
    readonly timedOut: number;
    readonly retried: number;
    readonly deadLettered: number;
    readonly dropped: number;
  };
  readonly notifications: {
    /** Messages that topics took. */
    readonly published: number;
    /** Subject of the last one; '' for none. */
    readonly last: string;
  };
  /** Deliveries and asynchronous invocations accepted and not yet finished. */
  readonly pending: number;
  /** Requests answered AccessDenied. */
  readonly denied: number;
  readonly faultsInjected: number;
  readonly requests: Readonly<Record<string, number>>;
  /** The last problems, oldest first, at most 100: denials, failed deliveries, failed functions. */
  readonly problems: readonly string[];
}

type Mutable<T> = {
  -readonly [K in keyof T]: T[K] extends number ? number : T[K] extends string ? string : Mutable<T[K]>;
};

const PROBLEMS_MAX = 100;
const DISTINCT_MAX = 1_000;

/** Counters, and the last problems in words. */
export class StatsCollector {
  readonly events: Mutable<CloudStats['events']> = { accepted: 0, rejected: 0, matched: 0, unmatched: 0 };
  readonly deliveries: Mutable<CloudStats['deliveries']> = {
    ok: 0,
    failed: 0,
    retried: 0,
    deadLettered: 0,
    dropped: 0,
  };
  readonly scheduler: Mutable<CloudStats['scheduler']> = {
    fired: 0,
    missed: 0,
    ok: 0,
    failed: 0,
    retried: 0,
    deadLettered: 0,
    dropped: 0,
  };
  readonly invocations: Mutable<CloudStats['invocations']> = {
    ok: 0,
    failed: 0,
    timedOut: 0,
    retried: 0,
    deadLettered: 0,
    dropped: 0,
  };
  readonly notifications: Mutable<CloudStats['notifications']> = { published: 0, last: '' };
  denied = 0;
  readonly #requests: Record<string, number> = {};
  readonly #problems: string[] = [];
  readonly #said = new Set<string>();
  readonly #log: (message: string) => void;

  constructor(log: (message: string) => void) {
    this.#log = log;
  }

  request(name: string): void {
    this.#requests[name] = (this.#requests[name] ?? 0) + 1;
  }

  /** Keeps a problem; logs it the first time, so that a broken permission does not flood the terminal. */
  problem(message: string): void {
    this.#problems.push(message);
    if (this.#problems.length > PROBLEMS_MAX) this.#problems.shift();
    if (this.#said.has(message)) return;
    if (this.#said.size >= DISTINCT_MAX) this.#said.clear();
    this.#said.add(message);
    this.#log(message);
  }

  snapshot(pending: number, faultsInjected: number): CloudStats {
    return {
      events: { ...this.events },
      deliveries: { ...this.deliveries },
      scheduler: { ...this.scheduler },
      invocations: { ...this.invocations },
      notifications: { ...this.notifications },
      pending,
      denied: this.denied,
      faultsInjected,
      requests: { ...this.#requests },
      problems: [...this.#problems],
    };
  }
}
