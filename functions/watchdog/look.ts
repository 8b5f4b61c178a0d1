/** One look at one account: its heartbeat, its book, what was remembered, what is to be raised, what to remember. */
import {
  type HeartbeatNote,
  heartbeatDefaults,
  step as stepHeartbeat,
} from '../../lib/domain/safety/heartbeat-watch.ts';
import {
  createWatch,
  step as stepProtection,
  type WatchAlert,
  type WatchMemory,
  watchDefaults,
} from '../../lib/domain/safety/protection-watch.ts';
import { activeResetWindow, type ResetWindow } from '../../lib/domain/safety/reset-windows.ts';
import type { BookReader } from '../../lib/ports/book.ts';
import type { HeartbeatStore } from '../../lib/ports/lease-store.ts';
import type { WatchdogRow } from '../../lib/ports/watchdog-store.ts';
import { bookFacts } from './book-facts.ts';

/**
 * Two looks in a row, which are a minute apart and never exactly: a fill is in the book before its stop is, and the queue
 * between them and the broker may be late.
 */
const graceMs = 45_000;

/** What the row `WATCHDOG` holds, as JSON. Another form than this one is read as nothing remembered. */
const memoryForm = 2;

interface Remembered {
  readonly form: number;
  readonly heartbeat: HeartbeatNote | null;
  readonly protection: WatchMemory | undefined;
  readonly stops: readonly string[];
}

export interface LookPorts {
  readonly heartbeats: Pick<HeartbeatStore, 'read'>;
  readonly book: Pick<BookReader, 'read' | 'list'>;
  readonly resetWindows: readonly ResetWindow[];
  readonly noStopNeeded: readonly string[];
}

export interface Look {
  readonly alerts: readonly WatchAlert[];
  /** For the row, as JSON. */
  readonly memory: string;
  readonly heartbeatAgeMs: number | null;
  readonly positions: number;
  readonly unprotected: number;
  /** All orders of the book were read. */
  readonly whole: boolean;
}

export async function lookAt(
  { account, streamer }: { readonly account: string; readonly streamer: string },
  row: WatchdogRow | undefined,
  { heartbeats, book, resetWindows, noStopNeeded }: LookPorts,
  nowMs: number,
): Promise<Look> {
  const before = remembered(row);
  const heartbeat = await heartbeats.read(account);
  const resetWindow = activeResetWindow(resetWindows, nowMs)?.window.name;
  const alive = stepHeartbeat(
    { ...heartbeatDefaults, account, streamer },
    before.heartbeat,
    { atMs: heartbeat?.atMs, resetWindow },
    nowMs,
  );
  const seen = await bookFacts(account, before.stops, noStopNeeded, book);
  // A streamer that lives and has not compared with the broker yet: the book may lack what there is.
  const isUncertain = alive.note === null && heartbeat?.orders.synced === false;
  const rules = { ...watchDefaults, graceMs, account, noStopNeeded, witness: 'the book' };
  const { state, effects } = stepProtection(
    createWatch(rules, before.protection),
    { facts: isUncertain ? undefined : seen.facts, sessionOpen: false },
    nowMs,
  );
  const memory: Remembered = {
    form: memoryForm,
    heartbeat: alive.note,
    protection: state.memory,
    stops: seen.stops,
  };
  return {
    alerts: [...alive.effects, ...effects],
    memory: JSON.stringify(memory),
    heartbeatAgeMs: heartbeat === undefined ? null : nowMs - heartbeat.atMs,
    positions: seen.facts.positions.length,
    unprotected: state.memory.bare.length,
    whole: seen.whole,
  };
}

function remembered(row: WatchdogRow | undefined): Remembered {
  const nothing = { form: memoryForm, heartbeat: null, protection: undefined, stops: [] };
  if (row === undefined) return nothing;
  try {
    const memory = JSON.parse(row.memory) as Remembered;
    return memory.form === memoryForm ? memory : nothing;
  } catch {
    return nothing;
  }
}
