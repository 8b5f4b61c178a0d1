/** What the watchdog remembers of an account between two looks. */
export interface WatchdogRow {
  /** Counts the writes from 1. */
  readonly version: number;
  /** JSON. */
  readonly memory: string;
}

export interface WatchdogStore {
  read(account: string): Promise<WatchdogRow | undefined>;
  /**
   * Replaces the row if it still has this version; 0 where there was none.
   *
   * @returns false when another look came first, and nothing was written
   */
  write(account: string, expectedVersion: number, memory: string): Promise<boolean>;
}
