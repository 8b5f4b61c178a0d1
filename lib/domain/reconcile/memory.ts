/**
 * What one run leaves for the next: how long each discrepancy has been open, how often something was merely absent, and
 * whose turn it is to be asked for by name. Each subject has a count of its own.
 */
import type { Discrepancy, Noted, ReconcileInput, ReconcileMemory, ReconcileRules } from './types.ts';

export interface Remembered {
  readonly noted: readonly Noted[];
  readonly opened: readonly string[];
  readonly resolved: readonly string[];
  readonly escalated: readonly string[];
}

/**
 * The life of each discrepancy after this run. What was not judged stays as it was: a list that failed resolves nothing.
 *
 * @param found of this run, one for each id
 * @param isJudged whether this run could have found it
 */
export function remember(
  { memory, rules, nowMs }: Pick<ReconcileInput, 'memory' | 'rules' | 'nowMs'>,
  found: readonly Discrepancy[],
  isJudged: (noted: Noted) => boolean,
): Remembered {
  const before = new Map(memory.noted.map((noted) => [noted.id, noted]));
  const ids = new Set(found.map(({ id }) => id));
  const noted = found.map((discrepancy) => seenAgain(discrepancy, before.get(discrepancy.id), nowMs, rules));
  const gone = memory.noted.filter(({ id, state }) => !ids.has(id) && state !== 'resolved');
  const resolved = gone.filter(isJudged).map((one): Noted => ({ ...one, state: 'resolved' }));
  const kept = gone.filter((one) => !isJudged(one));
  const isNew = ({ id }: Noted) => (before.get(id)?.state ?? 'resolved') === 'resolved';
  return {
    noted: [...noted, ...resolved, ...kept].sort(byId),
    opened: noted
      .filter(isNew)
      .map(({ id }) => id)
      .sort(),
    resolved: resolved.map(({ id }) => id).sort(),
    escalated: noted
      .filter(({ id, state }) => state === 'escalated' && before.get(id)?.state !== 'escalated')
      .map(({ id }) => id)
      .sort(),
  };
}

function seenAgain(
  { id, type, severity }: Discrepancy,
  before: Noted | undefined,
  nowMs: number,
  { escalateAfterRuns }: ReconcileRules,
): Noted {
  const known = before?.state === 'resolved' ? undefined : before;
  const runs = (known?.runs ?? 0) + 1;
  // Somebody looks after an acknowledged one.
  const acknowledged = known?.state === 'acknowledged';
  const state = acknowledged ? 'acknowledged' : runs >= escalateAfterRuns ? 'escalated' : 'open';
  return { id, type, severity, state, firstSeenMs: known?.firstSeenMs ?? nowMs, lastSeenMs: nowMs, runs };
}

/** Ids about which no more is done until a person has acknowledged them. */
export function escalatedIds(noted: readonly Noted[]): ReadonlySet<string> {
  return new Set(noted.filter(({ state }) => state === 'escalated').map(({ id }) => id));
}

export interface Turn {
  readonly keys: readonly string[];
  readonly nextQuery: string;
}

/**
 * Whose turn it is: the next few after the last one that was asked for, and from the beginning again.
 *
 * @param keys sorted
 */
export function nextTurn(keys: readonly string[], after: string, max: number): Turn {
  if (keys.length === 0 || max <= 0) return { keys: [], nextQuery: after };
  const start = keys.findIndex((key) => key > after);
  const from = Math.max(start, 0);
  const turn = [...keys.slice(from), ...keys.slice(0, from)].slice(0, max);
  return { keys: turn, nextQuery: turn.at(-1)! };
}

/** Counts of an earlier run under these names, for subjects that could not be judged in this one. */
export function carriedOver(
  { absent }: ReconcileMemory,
  isOurs: (subject: string) => boolean,
): Record<string, number> {
  return Object.fromEntries(Object.entries(absent).filter(([subject]) => isOurs(subject)));
}

function byId(a: Noted, b: Noted): number {
  return a.id < b.id ? -1 : 1;
}
