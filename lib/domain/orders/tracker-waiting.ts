/** Facts that mean something only with another one: a status without its order, a cost without its execution. */
import type { CommissionFact, ExecutionFact, OrderErrorFact, OrderStatusFact } from './broker-facts.ts';
import { compareStamps, type Stamp } from './stamp.ts';
import { type TrackerState, tellFull, type Waiting } from './tracker-state.ts';

interface Rooms {
  readonly statuses: OrderStatusFact;
  readonly errors: OrderErrorFact;
  readonly executions: ExecutionFact;
  readonly commissions: CommissionFact;
}

const words: Readonly<Record<keyof Rooms, string>> = {
  statuses: 'order statuses without their order',
  errors: 'order errors without their order',
  executions: 'executions without their order',
  commissions: 'commissions without their execution',
};

/** Keeps a fact for later; the newest of its name. Beyond the bound the oldest goes, and a person hears of it. */
export function awaitFact<N extends keyof Rooms>(
  state: TrackerState,
  room: N,
  name: string,
  fact: Rooms[N],
  at: Stamp,
): void {
  const waiting = state[room] as Map<string, Waiting<Rooms[N]>>;
  // What is repeated at each round keeps the place of its first arrival.
  const before = waiting.get(name);
  if (before !== undefined && compareStamps(before.at, at) > 0) return;
  waiting.set(name, { fact, at, round: before?.round ?? state.roundId });
  if (waiting.size <= state.config.waitingMax) return;
  const [oldest] = waiting.keys();
  waiting.delete(oldest!);
  tellFull(
    state,
    words[room],
    `More than ${state.config.waitingMax} ${words[room]}; the oldest (${oldest}) is dropped. IB lists it again if it still matters. Look whether another client floods the account.`,
  );
}

/** Takes out what has waited through a whole complete round: its last chance is over. */
export function overdue<N extends keyof Rooms>(
  state: TrackerState,
  room: N,
  roundId: number,
): Waiting<Rooms[N]>[] {
  const waiting = state[room] as Map<string, Waiting<Rooms[N]>>;
  const out: Waiting<Rooms[N]>[] = [];
  for (const [name, one] of waiting) {
    if (one.round >= roundId) continue;
    waiting.delete(name);
    out.push(one);
  }
  if (waiting.size < state.config.waitingMax) state.full.delete(words[room]);
  return out;
}

/** A set with a bound: the oldest goes. What it forgets is told once more, which the book takes as a repeat. */
export function addBounded(set: Set<string>, value: string, max: number): boolean {
  if (set.has(value)) return false;
  set.add(value);
  if (set.size > max) for (const oldest of set) return set.delete(oldest);
  return true;
}

/** An execution of a combination as a whole, with what it may cost. */
export function addCombo(state: TrackerState, execBase: string): void {
  addBounded(state.comboRows, execBase, state.config.waitingMax);
}
