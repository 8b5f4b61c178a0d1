/** What a person says to the runs of an account: not now, go on, I know of this one. Each is an audited transaction. */
import { operatorWriter } from '../domain/audit/writers.ts';
import type { AuditCause } from '../domain/book/item.ts';
import {
  type Acknowledged,
  acknowledgedMax,
  type Paused,
  type RunState,
} from '../domain/reconcile/records.ts';
import type { Verdict } from '../domain/reconcile/types.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { ReconcileError } from './reconcile-error.ts';
import { changeStanding, readStanding, type StatePorts } from './state.ts';
import { loadText } from './stored-text.ts';
import { unjudged } from './unjudged.ts';

/** Longer than this nobody should go without: a pause ends by itself. */
export const pauseMaxMs = 24 * 60 * 60 * 1_000;

export interface Person {
  readonly account: string;
  /** The identity of AWS. */
  readonly who: string;
  readonly reason: string;
}

/**
 * Runs by the clock and by a start are postponed until then; a person's run takes place.
 *
 * @param untilMs Unix ms UTC
 * @throws ReconcileError PAUSE_INVALID
 */
export async function pause(person: Person, untilMs: number, ports: StatePorts): Promise<Paused> {
  const nowMs = ports.nowMs();
  if (!(untilMs > nowMs && untilMs <= nowMs + pauseMaxMs)) {
    throw new ReconcileError('PAUSE_INVALID', 'A pause ends within 24 hours from now.');
  }
  const paused: Paused = { untilMs, by: person.who, reason: person.reason };
  await change(person, `reconcile pause ${new Date(untilMs).toISOString()}`, ports, (state) => ({
    ...state,
    paused,
  }));
  return paused;
}

export async function resume(person: Person, ports: StatePorts): Promise<void> {
  await change(person, 'reconcile resume', ports, (state) => ({ ...state, paused: null }));
}

/**
 * Somebody looks after a discrepancy: it is no longer escalated. A CRITICAL one locks all the same.
 *
 * @throws ReconcileError ACKNOWLEDGE_INVALID where no open discrepancy has this id
 */
export async function acknowledge(
  person: Person,
  id: string,
  ports: StatePorts & { readonly store: Pick<ObjectStore, 'get'> },
): Promise<void> {
  const { state } = await readStanding(ports.book, person.account);
  const errors = { missing: 'EVIDENCE_MISSING', corrupt: 'EVIDENCE_CORRUPT' } as const;
  const { memory } = state?.memory
    ? (JSON.parse(await loadText(ports.store, state.memory, errors)) as Verdict)
    : { memory: { noted: [] } };
  if (!memory.noted.some((noted) => noted.id === id && noted.state !== 'resolved')) {
    throw new ReconcileError(
      'ACKNOWLEDGE_INVALID',
      `No discrepancy with the id ${id} is open in ${person.account}.`,
    );
  }
  const said: Acknowledged = {
    by: person.who,
    reason: person.reason,
    at: new Date(ports.nowMs()).toISOString(),
  };
  await change(person, `reconcile ack ${id}`, ports, (standing) => {
    const acknowledged = { ...standing.acknowledged, [id]: said };
    if (Object.keys(acknowledged).length > acknowledgedMax) {
      throw new ReconcileError(
        'ACKNOWLEDGE_INVALID',
        `${acknowledgedMax} discrepancies are acknowledged already.`,
      );
    }
    return { ...standing, acknowledged };
  });
}

async function change(
  { account, who, reason }: Person,
  name: string,
  ports: StatePorts,
  next: (state: RunState) => RunState,
): Promise<void> {
  if (who.trim() === '' || reason.trim() === '') {
    throw new ReconcileError('PAUSE_INVALID', `${name} came without a name or a reason.`);
  }
  const cause: AuditCause = { kind: 'operator', id: who, name, reason };
  await changeStanding({ account, writer: operatorWriter, cause }, ports, ({ state }) => ({
    state: next(state ?? firstState),
  }));
}

/** A person may speak before the first run. */
const firstState: RunState = {
  last: {
    runId: '',
    status: 'SKIPPED',
    code: '',
    reason: '',
    trigger: 'operator',
    by: '',
    why: '',
    mode: 'warn',
    token: 0,
    startedAtMs: 0,
    ...unjudged,
    ruleVersion: 0,
  },
  memory: null,
  lastCompletedMs: null,
  lastJudgedMs: null,
  planHash: '',
  paused: null,
  acknowledged: {},
};
