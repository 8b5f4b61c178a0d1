/** One run of reconcile at a time for each account: a row of the control table with a fencing token. */
export interface RunLockRow {
  readonly runId: string;
  /** Counts the runs that have had it: whatever a run writes carries its token, and a later one's word stands. */
  readonly token: number;
  /** System time until which it is held, Unix ms UTC; 0 once it is given back. */
  readonly untilMs: number;
}

export type RunLockTaken =
  | { readonly taken: true; readonly token: number }
  | { readonly taken: false; readonly heldBy: RunLockRow };

export interface RunLockStore {
  read(account: string): Promise<RunLockRow | undefined>;
  /** Takes it when it is free, given back or expired at `nowMs`; the token is the former one plus 1. Each run takes it once. */
  take(
    account: string,
    wish: { readonly runId: string; readonly nowMs: number; readonly untilMs: number },
  ): Promise<RunLockTaken>;
  /** Gives it back; one that somebody else has taken over stays theirs. */
  release(account: string, token: number): Promise<void>;
}
