/** Whether what is done again and again is still done: seen from outside of who does it, because whoever waits for ever says nothing. */

export interface LatenessRules {
  /** After so long without it, it is late. */
  readonly lateMs: number;
  /** Between two alerts while it stays away. */
  readonly repeatMs: number;
}

export const latenessRepeatMs = 60 * 60_000;

/** System time, Unix ms. */
export interface LatenessNote {
  /** When it was last done; where it never was, of the first look. */
  readonly sinceMs: number;
  readonly isFirst: boolean;
  /** Of the last alert; null before the first. */
  readonly toldMs: number | null;
  readonly tellings: number;
}

export interface LatenessInput {
  /** When it was last done, Unix ms; undefined where it never was. */
  readonly doneMs: number | undefined;
  /** Nobody expects it now: the broker resets, a person has paused it, or somebody else's alert says why. */
  readonly excused: boolean;
}

export interface LatenessStep {
  /** Null while all is well: most looks have nothing to remember. */
  readonly note: LatenessNote | null;
  /** What a person is told: that it is late, or that it is done again after that was told. */
  readonly tell: 'late' | 'over' | undefined;
}

/** One look. `nowMs` is the system clock, Unix ms. While it is excused nothing is raised and nothing forgotten. */
export function step(
  { lateMs, repeatMs }: LatenessRules,
  before: LatenessNote | null,
  { doneMs, excused }: LatenessInput,
  nowMs: number,
): LatenessStep {
  const wasTold = before !== null && before.toldMs !== null;
  if (doneMs !== undefined && nowMs - doneMs <= lateMs)
    return { note: null, tell: wasTold ? 'over' : undefined };
  const isFirst = doneMs === undefined;
  const known = before !== null && before.isFirst === isFirst ? before : null;
  const note: LatenessNote = {
    sinceMs: doneMs ?? known?.sinceMs ?? nowMs,
    isFirst,
    // Done and late again between two looks: what was told stands, and is counted on.
    toldMs: known?.toldMs ?? null,
    tellings: known?.tellings ?? 0,
  };
  const dueMs = note.toldMs === null ? note.sinceMs + lateMs : note.toldMs + repeatMs;
  if (excused || nowMs < dueMs) return { note, tell: undefined };
  return { note: { ...note, toldMs: nowMs, tellings: note.tellings + 1 }, tell: 'late' };
}
