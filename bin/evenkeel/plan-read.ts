import { type PlanRecord, readPlanRecord } from '../../lib/domain/reconcile/records.ts';
import type { Discrepancy, Plan } from '../../lib/domain/reconcile/types.ts';
import type { BookReader } from '../../lib/ports/book.ts';
import { loadPlan } from '../../lib/reconcile/plan-store.ts';
import { ReconcileError } from '../../lib/reconcile/reconcile-error.ts';
import { findRun } from '../../lib/reconcile/rejudge.ts';
import { CliError } from './exit.ts';
import { readState, readVerdict } from './reconcile-read.ts';
import type { Session } from './session.ts';

/** So much of a hash is enough where it names one plan. */
export const shortHash = 8;
const namedInErrors = 5;

type Place = Pick<Session, 'ports' | 'account'>;

/** A plan as a reviewer needs it: what it does, and what the run said of it. */
export interface PlanRead {
  readonly record: PlanRecord;
  readonly plan: Plan;
  /** What its run found, for the evidence; null where that cannot be read any more. */
  readonly discrepancies: readonly Discrepancy[] | null;
}

/** Every plan that was ever staged for the account, newest first. */
export async function readPlans(book: Pick<BookReader, 'list'>, account: string): Promise<PlanRecord[]> {
  const plans: PlanRecord[] = [];
  for await (const { body } of book.list(account, 'plan')) {
    const record = readPlanRecord(body);
    if (record !== undefined) plans.push(record);
  }
  return plans.sort(
    (a, b) => b.createdAtMs - a.createdAtMs || Number(b.madeFrom !== '') - Number(a.madeFrom !== ''),
  );
}

/**
 * The plan that a hash, or its beginning, names.
 *
 * @throws CliError HASH_INVALID, PLAN_UNKNOWN, HASH_NOT_UNIQUE
 */
export function findPlan(given: string, plans: readonly PlanRecord[]): PlanRecord {
  const wanted = given.toLowerCase();
  if (!/^[0-9a-f]{8,64}$/.test(wanted)) {
    throw new CliError(
      'HASH_INVALID',
      `${given} is no hash of a plan: give the first ${shortHash} or more of its 64 hexadecimal digits. ${known(plans)}`,
    );
  }
  const [found, ...others] = plans.filter(({ hash }) => hash.startsWith(wanted));
  if (found === undefined)
    throw new CliError('PLAN_UNKNOWN', `No plan has the hash ${given}. ${known(plans)}`);
  if (others.length === 0) return found;
  throw new CliError(
    'HASH_NOT_UNIQUE',
    `${given} is the beginning of several plans: give more digits. ${known([found, ...others])}`,
  );
}

function known(plans: readonly PlanRecord[]): string {
  if (plans.length === 0) return 'No plan was staged yet.';
  const named = plans.slice(0, namedInErrors).map(({ hash, state }) => `${hash.slice(0, 12)} (${state})`);
  const rest = plans.length - named.length;
  return `Valid: ${named.join(', ')}${rest > 0 ? ` and ${rest} older` : ''}.`;
}

/** The plan that stands; undefined for none. */
export async function standingPlan({ ports, account }: Place): Promise<PlanRecord | undefined> {
  const [state, plans] = await Promise.all([readState(ports.book, account), readPlans(ports.book, account)]);
  return plans.find(({ hash }) => hash === state?.planHash);
}

/** @throws ReconcileError PLAN_MISSING, PLAN_CORRUPT */
export async function openPlan({ ports, account }: Place, record: PlanRecord): Promise<PlanRead> {
  const [plan, discrepancies] = await Promise.all([
    ports.reconcile().then((store) => loadPlan(store, record)),
    foundBy({ ports, account }, record.runId),
  ]);
  return { record, plan, discrepancies };
}

/** Its absence does not keep anybody from reviewing the plan itself. */
async function foundBy({ ports, account }: Place, runId: string): Promise<readonly Discrepancy[] | null> {
  try {
    const run = await findRun(account, runId, ports.audit);
    return (await readVerdict({ ports }, run))?.discrepancies ?? null;
  } catch (error) {
    if (error instanceof ReconcileError) return null;
    throw error;
  }
}

/** The plan before: the one that it was made from, else the one that it replaced, else the latest older one. */
export function planBefore(record: PlanRecord, plans: readonly PlanRecord[]): PlanRecord | undefined {
  const others = plans.filter(({ hash }) => hash !== record.hash);
  return (
    others.find(({ hash }) => hash === record.madeFrom) ??
    others.find(({ replacedBy }) => replacedBy === record.hash) ??
    others.find(({ createdAtMs }) => createdAtMs < record.createdAtMs)
  );
}
