/** The memory of the desk of alerts: one row, replaced under the version that was read. */
import type { DeskMemory } from '../domain/alerts/memory.ts';

export interface AlertMemoryRow {
  /** 0 where nothing has been written. */
  readonly version: number;
  /** Undefined where there is none, or one of another form. */
  readonly memory: DeskMemory | undefined;
}

export interface AlertMemoryStore {
  read(): Promise<AlertMemoryRow>;
  /** False when somebody else has written since. */
  write(expectedVersion: number, memory: DeskMemory): Promise<boolean>;
}
