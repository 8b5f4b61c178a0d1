/** One look at one account: its heartbeat, its book, its reconcile, what was remembered, what is to be raised, what to remember. */

import { readRunState, runStateRef } from '../../lib/domain/reconcile/records.ts';
import {
  type HeartbeatNote,
  heartbeatDefaults,
  step as stepHeartbeat,
} from '../../lib/domain/safety/heartbeat-watch.ts';
import {
  type LatenessNote,
  type LatenessStep,
  latenessRepeatMs,
  step as stepLateness,
} from '../../lib/domain/safety/lateness-watch.ts';
import {
  listsBack,
  listsLate,
  reconcileLate,
  reconcileOnTime,
} from '../../lib/domain/safety/lateness-words.ts';
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
const memoryForm = 3;

interface Remembered {
  readonly form: number;
  readonly heartbeat: HeartbeatNote | null;
  readonly protection: WatchMemory | undefined;
  readonly stops: readonly string[];
  readonly reconcile: LatenessNote | null;
  readonly lists: LatenessNote | null;
}

/** After so long without it, something is late. */
export interface LateLimits {
  readonly reconcileMs: number;
  readonly listsMs: number;
}

export interface LookPorts {
  readonly heartbeats: Pick<HeartbeatStore, 'read'>;
  readonly book: Pick<BookReader, 'read' | 'list'>;
  readonly resetWindows: readonly ResetWindow[];
  readonly noStopNeeded: readonly string[];
  readonly late: LateLimits;
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
  { heartbeats, book, resetWindows, noStopNeeded, late }: LookPorts,
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
  const { state: watch, effects } = stepProtection(
    createWatch(rules, before.protection),
    { facts: isUncertain ? undefined : seen.facts, sessionOpen: false },
    nowMs,
  );
  const [runs] = await book.read(account, [runStateRef]);
  const state = readRunState(runs?.body);
  const isPaused = state?.paused != null && nowMs < state.paused.untilMs;
  const isReset = resetWindow !== undefined;
  const reconcile = stepLateness(
    { lateMs: late.reconcileMs, repeatMs: latenessRepeatMs },
    before.reconcile,
    { doneMs: state?.lastJudgedMs ?? undefined, excused: isReset || isPaused },
    nowMs,
  );
  // Of a streamer that is silent or not connected its own alerts tell: nothing is judged then, and nothing forgotten.
  const connected = alive.note === null && heartbeat?.ready === true ? heartbeat : undefined;
  const lists: LatenessStep =
    connected === undefined
      ? { note: before.lists, tell: undefined }
      : stepLateness(
          { lateMs: late.listsMs, repeatMs: latenessRepeatMs },
          before.lists,
          { doneMs: connected.orders.syncedAtMs || undefined, excused: isReset },
          nowMs,
        );
  const lateness: WatchAlert[] = [];
  if (reconcile.tell === 'late') lateness.push(reconcileLate(account, reconcile.note!, nowMs));
  if (reconcile.tell === 'over') lateness.push(reconcileOnTime(account, before.reconcile!));
  if (lists.tell === 'late') lateness.push(listsLate(account, streamer, lists.note!, nowMs));
  if (lists.tell === 'over') lateness.push(listsBack(account, streamer, before.lists!));
  const memory: Remembered = {
    form: memoryForm,
    heartbeat: alive.note,
    protection: watch.memory,
    stops: seen.stops,
    reconcile: reconcile.note,
    lists: lists.note,
  };
  return {
    alerts: [...alive.effects, ...effects, ...lateness],
    memory: JSON.stringify(memory),
    heartbeatAgeMs: heartbeat === undefined ? null : nowMs - heartbeat.atMs,
    positions: seen.facts.positions.length,
    unprotected: watch.memory.bare.length,
    whole: seen.whole,
  };
}

function remembered(row: WatchdogRow | undefined): Remembered {
  const nothing: Remembered = {
    form: memoryForm,
    heartbeat: null,
    protection: undefined,
    stops: [],
    reconcile: null,
    lists: null,
  };
  if (row === undefined) return nothing;
  try {
    const memory = JSON.parse(row.memory) as Remembered;
    return memory.form === memoryForm ? memory : nothing;
  } catch {
    return nothing;
  }
}
