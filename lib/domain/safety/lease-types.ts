/** The lease of one account's session, as the control table has it. */
export interface Lease {
  /** Who holds it: unique to one outbox, so that a process started again on the same outbox is the same holder. */
  readonly holder: string;
  /** The fencing token: it grows with each acquisition. It is the epoch of the holder's events. */
  readonly token: number;
  /** It grows with each write; none is used twice. */
  readonly version: number;
  /** When it was written, by the holder's system clock, Unix ms UTC. For people; no decision rests on it. */
  readonly renewedAtMs: number;
  /** True when the holder gave it back: anybody may take it at once. */
  readonly released: boolean;
}

export interface LeaseConfig {
  readonly holder: string;
  /** A challenger takes the lease after one version stood for so long. */
  readonly ttlMs: number;
  /** Between two renewals by the holder. */
  readonly renewMs: number;
}

/** The two clocks of a moment. */
export interface Moment {
  /** Never goes back, has no date; the one that decides. */
  readonly monotonicMs: number;
  /** Unix ms UTC; may jump. */
  readonly wallMs: number;
}

/** A write of ours: what, and when it was sent. The row's version names the write, because none is used twice. */
export interface LeaseWrite {
  readonly row: Lease;
  readonly sentAt: Moment;
}

export type LeaseQuestion =
  | { readonly kind: 'read' }
  | { readonly kind: 'replace'; readonly purpose: 'take' | 'renew' | 'release'; readonly write: LeaseWrite };

export interface LeaseState {
  readonly config: LeaseConfig;
  /** `idle` until somebody contends; after a loss or a release `idle` again. */
  phase: 'idle' | 'watching' | 'held' | 'releasing';
  /** The question that is out: one at a time. */
  asked: LeaseQuestion | undefined;
  /** Monotonic; no question goes out before. */
  nextAtMs: number;
  /** Tokens up to this one were used before. */
  tokenFloor: number;
  /** While watching: the row that was read, and the monotonic time of the first answer that showed this version. */
  seen: { readonly row: Lease; readonly sinceMs: number } | undefined;
  /** While held or releasing: the last write of ours that is known to stand. */
  mine: LeaseWrite | undefined;
  /** Renewals without an answer: any of them may stand. */
  doubtful: LeaseWrite[];
  /** A renewal was refused while others are doubtful: the row tells. */
  mustRead: boolean;
  /** Attempts to give it back that did not succeed. */
  releaseFailures: number;
  /** Monotonic; when the wait was last told. */
  toldAtMs: number;
  /** Who the wait was told about; `?` for a table that does not answer. */
  toldHolder: string;
}

export type LeaseInput =
  /** Try to get it, and go on until it is got. Tokens are above `tokenFloor`. */
  | { readonly kind: 'contend'; readonly tokenFloor: number }
  /** The answer to `read`. */
  | { readonly kind: 'row'; readonly row: Lease | undefined }
  /** The answer to `replace`: whether the condition held. */
  | { readonly kind: 'replaced'; readonly done: boolean }
  /** No answer, or an error: what was asked may have been done or not. */
  | { readonly kind: 'failed'; readonly message: string }
  /** Give it back; while it is not held, stop trying. */
  | { readonly kind: 'release' }
  | { readonly kind: 'tick' };

export type LeaseEffect =
  | { readonly kind: 'read' }
  | { readonly kind: 'replace'; readonly expected: Lease | undefined; readonly next: Lease }
  | { readonly kind: 'acquired'; readonly token: number }
  | { readonly kind: 'lost'; readonly reason: string }
  /** `clean`: the table says so; else the time to live will. */
  | { readonly kind: 'released'; readonly clean: boolean }
  | { readonly kind: 'waiting'; readonly row: Lease; readonly unchangedMs: number }
  | { readonly kind: 'trouble'; readonly message: string };

export interface LeaseStep {
  readonly state: LeaseState;
  readonly effects: readonly LeaseEffect[];
}

export function createLease(config: LeaseConfig): LeaseState {
  return {
    config,
    phase: 'idle',
    asked: undefined,
    nextAtMs: Number.POSITIVE_INFINITY,
    tokenFloor: 0,
    seen: undefined,
    mine: undefined,
    doubtful: [],
    mustRead: false,
    releaseFailures: 0,
    toldAtMs: Number.NEGATIVE_INFINITY,
    toldHolder: '',
  };
}
