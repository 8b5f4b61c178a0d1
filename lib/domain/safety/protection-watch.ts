/**
 * Watches over an account: an open position has working stops of its size at the broker, or a person hears of it within a
 * minute. A pure machine: it is shown what is certainly known, or that nothing is, and says what is to be raised. What it
 * does not know it never judges.
 *
 * Its memory is JSON and nothing else, so that a watchdog can put it down between two looks.
 */
import { plain } from '../orders/decimals.ts';
import type { TrackerAlert } from '../orders/tracker-types.ts';
import { barePositions, nameOf, orphanedChildren, type ProtectionFacts } from './protection-facts.ts';
import {
  boundReached,
  childOrphaned,
  positionProtected,
  positionUnprotected,
  protectionUnknown,
} from './protection-words.ts';

export interface WatchRules {
  readonly account: string;
  /** Who says so, for people: `the broker`, `the book`. */
  readonly witness: string;
  /** Symbols and classes whose positions need no stop. */
  readonly noStopNeeded: readonly string[];
  /** A fill is told before its child orders are: what is cured in this time is not told. */
  readonly graceMs: number;
  /** Between two alerts of one position that stays unprotected. */
  readonly repeatMs: number;
  /** Time in open sessions without certain knowledge, before a person is told. */
  readonly darkMs: number;
  /** Positions, and orphans, that are remembered at once. */
  readonly notesMax: number;
}

export const watchDefaults = {
  graceMs: 20_000,
  repeatMs: 15 * 60_000,
  darkMs: 5 * 60_000,
  notesMax: 2_000,
} as const;

export interface BareNote {
  readonly conId: number;
  readonly name: string;
  readonly sinceMs: number;
  /** Of the last alert; null before the first. */
  readonly toldMs: number | null;
  readonly tellings: number;
  /** What was missing when it was told, decimal text; `'0'` before the first. */
  readonly toldMissing: string;
  /** Since when more is missing than was told; null while that is not so. */
  readonly grownMs: number | null;
}

export interface OrphanNote {
  readonly orderKey: string;
  readonly sinceMs: number;
  readonly told: boolean;
}

/** System time throughout, Unix ms. */
export interface WatchMemory {
  /** Sorted by conId. */
  readonly bare: readonly BareNote[];
  /** Sorted by key. */
  readonly orphans: readonly OrphanNote[];
  /** Since when a session has been open and nothing certain; null while that is not so. */
  readonly darkSinceMs: number | null;
  readonly darkTold: boolean;
  readonly boundTold: boolean;
}

export interface WatchState {
  readonly rules: WatchRules;
  readonly memory: WatchMemory;
}

export interface WatchInput {
  /** Undefined while nothing is certain: a list was not whole, or the link is gone. */
  readonly facts: ProtectionFacts | undefined;
  /** Some session of the account's instruments is open; only not knowing asks for it. */
  readonly sessionOpen: boolean;
}

/** An alert, and a name that is the same when the same memory raises it again. */
export interface WatchAlert extends TrackerAlert {
  readonly key: string;
}

export interface WatchStep {
  readonly state: WatchState;
  readonly effects: readonly WatchAlert[];
}

const emptyMemory: WatchMemory = {
  bare: [],
  orphans: [],
  darkSinceMs: null,
  darkTold: false,
  boundTold: false,
};

export function createWatch(rules: WatchRules, memory: WatchMemory = emptyMemory): WatchState {
  return { rules, memory };
}

/** One look. `nowMs` is the system clock, Unix ms. */
export function step(state: WatchState, { facts, sessionOpen }: WatchInput, nowMs: number): WatchStep {
  return facts === undefined ? inTheDark(state, sessionOpen, nowMs) : look(state, facts, nowMs);
}

/** When the next look may raise something although nothing has changed, Unix ms; Infinity for never. */
export function deadline({ rules, memory }: WatchState): number {
  const { bare, orphans, darkSinceMs, darkTold } = memory;
  const { graceMs, darkMs } = rules;
  let next = darkSinceMs === null || darkTold ? Number.POSITIVE_INFINITY : darkSinceMs + darkMs;
  for (const note of bare) next = Math.min(next, dueMs(note, rules));
  for (const { sinceMs, told } of orphans) if (!told) next = Math.min(next, sinceMs + graceMs);
  return next;
}

/** What was seen before stays: a position that was bare and is bare when there is light again was bare in between. */
function inTheDark({ rules, memory }: WatchState, sessionOpen: boolean, nowMs: number): WatchStep {
  if (!sessionOpen) {
    return { state: { rules, memory: { ...memory, darkSinceMs: null } }, effects: [] };
  }
  const darkSinceMs = memory.darkSinceMs ?? nowMs;
  const isDue = !memory.darkTold && nowMs >= darkSinceMs + rules.darkMs;
  const effects = isDue ? [protectionUnknown(rules, darkSinceMs)] : [];
  const darkTold = memory.darkTold || isDue;
  return { state: { rules, memory: { ...memory, darkSinceMs, darkTold } }, effects };
}

function look(state: WatchState, facts: ProtectionFacts, nowMs: number): WatchStep {
  const { rules, memory } = state;
  const effects: WatchAlert[] = [];
  const bare = watchPositions(state, facts, nowMs, effects);
  const orphans = watchChildren(state, facts, nowMs, effects);
  const over = bare.over + orphans.over;
  if (over > 0 && !memory.boundTold) effects.push(boundReached(rules, over, nowMs));
  const next: WatchMemory = {
    bare: bare.notes,
    orphans: orphans.notes,
    darkSinceMs: null,
    darkTold: false,
    boundTold: over > 0,
  };
  return { state: { rules, memory: next }, effects };
}

function watchPositions(
  { rules, memory }: WatchState,
  facts: ProtectionFacts,
  nowMs: number,
  effects: WatchAlert[],
) {
  const known = new Map(memory.bare.map((note) => [note.conId, note]));
  const all = barePositions(facts, rules.noStopNeeded);
  const kept = bounded(all, ({ contract }) => known.has(contract.conId), rules.notesMax);
  const notes = kept.map((position): BareNote => {
    const { conId } = position.contract;
    const name = nameOf(position.contract);
    const missing = position.size.abs().minus(position.covered);
    const before = known.get(conId) ?? firstNote(conId, name, nowMs);
    // Whoever places the stop that was told of would leave the rest bare.
    const hasGrown = before.toldMs !== null && missing.gt(before.toldMissing);
    const note = { ...before, grownMs: hasGrown ? (before.grownMs ?? nowMs) : null };
    if (nowMs < dueMs(note, rules)) return note;
    effects.push(positionUnprotected(rules, position, note));
    return {
      ...note,
      toldMs: nowMs,
      tellings: note.tellings + 1,
      toldMissing: plain(missing),
      grownMs: null,
    };
  });
  const still = new Set(all.map(({ contract }) => contract.conId));
  for (const note of memory.bare) {
    if (note.toldMs !== null && !still.has(note.conId)) effects.push(positionProtected(rules, facts, note));
  }
  return { notes, over: all.length - kept.length };
}

function watchChildren(
  { rules, memory }: WatchState,
  facts: ProtectionFacts,
  nowMs: number,
  effects: WatchAlert[],
) {
  const known = new Map(memory.orphans.map((note) => [note.orderKey, note]));
  const all = orphanedChildren(facts);
  const kept = bounded(all, ({ orderKey }) => known.has(orderKey), rules.notesMax);
  const notes = kept.map((child): OrphanNote => {
    const { orderKey } = child;
    const note = known.get(orderKey) ?? { orderKey, sinceMs: nowMs, told: false };
    // IB cancels the children of a cancelled parent itself, a moment later.
    if (note.told || nowMs < note.sinceMs + rules.graceMs) return note;
    effects.push(childOrphaned(rules, facts, child, note.sinceMs));
    return { ...note, told: true };
  });
  return { notes, over: all.length - kept.length };
}

function firstNote(conId: number, name: string, nowMs: number): BareNote {
  return { conId, name, sinceMs: nowMs, toldMs: null, tellings: 0, toldMissing: '0', grownMs: null };
}

function dueMs({ sinceMs, toldMs, grownMs }: BareNote, { graceMs, repeatMs }: WatchRules): number {
  if (toldMs === null) return sinceMs + graceMs;
  const againMs = toldMs + repeatMs;
  return grownMs === null ? againMs : Math.min(againMs, grownMs + graceMs);
}

/** In the order given; where there are too many, those that are remembered stay. */
function bounded<T>(all: readonly T[], isKnown: (one: T) => boolean, max: number): readonly T[] {
  if (all.length <= max) return all;
  const chosen = new Set([...all.filter(isKnown), ...all.filter((one) => !isKnown(one))].slice(0, max));
  return all.filter((one) => chosen.has(one));
}
