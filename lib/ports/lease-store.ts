import type { Lease } from '../domain/safety/lease-types.ts';

export type { Lease } from '../domain/safety/lease-types.ts';

export interface LeaseStore {
  read(account: string): Promise<Lease | undefined>;
  /** Writes `next` if the stored lease still has `expected`'s token and version (undefined: there is none). */
  replace(account: string, expected: Lease | undefined, next: Lease): Promise<boolean>;
}

/** What the streamer last said of itself; one row, written every eight seconds. */
export interface HeartbeatStore {
  read(account: string): Promise<Heartbeat | undefined>;
  write(account: string, heartbeat: Heartbeat): Promise<void>;
}

export interface Heartbeat {
  readonly streamer: string;
  readonly epoch: number;
  /** System time, Unix ms UTC. */
  readonly atMs: number;
  readonly phase: string;
  readonly ready: boolean;
  /** Market clock, Unix ms UTC; 0 before its first word. */
  readonly marketMs: number;
  readonly feeds: readonly {
    /** Local symbol, for example `GCZ3`; the configured name until it is resolved. */
    readonly symbol: string;
    /** IB's key of the contract; 0 until it is resolved. */
    readonly conId: number;
    readonly feed: string;
    readonly trades: number;
  }[];
  /** Whether orders, positions and balances are followed, and when they were last compared with IB's lists. */
  readonly orders: { readonly synced: boolean; readonly syncedAtMs: number };
  readonly outboxDepth: number;
  readonly bookDepth: number;
  readonly startedAtMs: number;
}
