/** What must hold of each transaction on the book, in the moment in which it takes effect. */
import { Decimal } from 'decimal.js';
import { canonicalJson } from '../../../lib/aws/audit-hash.ts';
import { auditRow } from '../../../lib/aws/audit-item.ts';
import type { AuditRow } from '../../../lib/domain/audit/row.ts';
import type { PositionBody } from '../../../lib/domain/book/accounts.ts';
import type { Intent, IntentState } from '../../../lib/domain/orders/intent.ts';
import type { PlanRecord, RunState } from '../../../lib/domain/reconcile/records.ts';
import type { DiscrepancyType, Plan, Verdict } from '../../../lib/domain/reconcile/types.ts';
import { readFlags } from '../../../lib/domain/safety/flags.ts';
import type { Change } from '../memory/dynamodb.ts';
import { names } from '../world/cloud.ts';
import type { MirroredItem } from './book-mirror.ts';
import { checkBooked } from './booked.ts';
import { checkOnce, checkRefusal } from './commands.ts';
import type { Witness } from './witness.ts';

export interface BookWrite {
  readonly sort: string;
  readonly before: MirroredItem | undefined;
  readonly after: MirroredItem | undefined;
}

const account = 'DU1234567';

export function checkTransaction(
  witness: Witness,
  writes: readonly BookWrite[],
  changes: readonly Change[],
  who: string,
): void {
  const row = checkAudit(witness, writes, changes, who);
  for (const write of writes) {
    if (write.sort.startsWith('INTENT#')) checkIntent(witness, write, row);
    else if (write.sort === 'LOCK') checkLock(witness, write, writes, row);
    else if (write.sort === 'RUN#STATE') checkRunState(witness, write);
    checkNumbers(witness, write);
    checkBooked(witness, write, row);
  }
  if (row?.cause.kind === 'plan' && row.writer === 'plan') checkPlan(witness, writes, row);
}

/** One row that says exactly what the transaction changed; nothing that is there is changed or taken away. */
function checkAudit(
  witness: Witness,
  writes: readonly BookWrite[],
  changes: readonly Change[],
  who: string,
): AuditRow | undefined {
  const rows = changes.filter(({ table }) => table === names.audit);
  if (rows.some(({ before }) => before !== undefined))
    witness.broken('audit', `${who} changed or deleted a row of the trail`);
  const items = writes.filter(({ sort }) => !sort.startsWith('AUDIT#'));
  const [only] = rows;
  if (items.length === 0) return undefined;
  if (rows.length !== 1 || only?.after === undefined) {
    witness.broken(
      'audit',
      `${who} changed ${items.map(({ sort }) => sort).join(', ')} with ${rows.length} rows`,
    );
    return undefined;
  }
  const row = auditRow(account, only.after.attributes);
  const said = new Map(row.changes.map((change) => [change.item, change]));
  for (const { sort, before, after } of items) {
    const change = said.get(sort);
    const isTrue =
      change !== undefined &&
      change.formerVersion === (before?.version ?? 0) &&
      canonicalJson((change.image ?? null) as never) === canonicalJson((after ?? null) as never);
    if (!isTrue) witness.broken('audit', `the row of ${row.cause.name} does not say what became of ${sort}`);
    if (after !== undefined && after.version !== (before?.version ?? 0) + 1)
      witness.broken('audit', `${sort} went from version ${before?.version ?? 0} to ${after.version}`);
  }
  if (said.size !== items.length)
    witness.broken('audit', `the row of ${row.cause.name} says more than was done`);
  return row;
}

const movesOf: Readonly<Record<IntentState | 'none', readonly IntentState[]>> = {
  none: ['sending', 'denied', 'would-send'],
  sending: ['sent', 'rejected', 'denied', 'unresolved'],
  unresolved: ['sent', 'rejected'],
  sent: [],
  rejected: [],
  denied: [],
  'would-send': [],
};

/** What may leave is what the book allows at this very moment; nobody else sees the moment. */
function checkIntent(witness: Witness, { before, after }: BookWrite, row: AuditRow | undefined): void {
  if (after === undefined) {
    witness.broken('intents', 'an intent was deleted');
    return;
  }
  const intent = after.body as unknown as Intent;
  const { key, state, code, epoch, wish, command } = intent;
  const former = (before?.body.state as IntentState | undefined) ?? 'none';
  witness.note(`${row?.writer ?? '?'} ${key}: ${former} to ${state} ${code}`);
  if (!movesOf[former].includes(state)) witness.broken('intents', `${key} went from ${former} to ${state}`);
  if (state === 'unresolved') witness.unresolvedIn.set(key, witness.terms);
  if (state === 'rejected' && command !== 'modify') checkRefusal(witness, intent);
  if (state !== 'sending') return;
  checkOnce(witness, intent);
  const wrong = (why: string) => witness.broken('gate', `${key} (${command}) was reserved ${why}`);
  const flags = witness.book.get('FLAGS');
  // Nobody has said that orders may leave.
  if (flags === undefined) wrong('before anybody has set a flag');
  const mode = witness.book.get('TRADING')?.mode ?? 'active';
  const lock = witness.book.get('LOCK');
  const { lease } = witness;
  if (flags?.SAFE_MODE === true || flags?.DRY_RUN === true)
    wrong(`under ${flags.SAFE_MODE === true ? 'SAFE_MODE' : 'DRY_RUN'}`);
  if (mode === 'halted') wrong('while trading is halted');
  if (lease === undefined || lease.released || lease.token !== epoch)
    wrong(`under the lease ${epoch}, which is ${lease?.token}`);
  const isOpen = lock?.state === 'open' && lock.token === epoch;
  // A person's order that only reduces or protects passes the lock.
  if (!isOpen && wish.by !== 'person')
    wrong(`behind a lock that is ${String(lock?.state)} at ${String(lock?.token)}`);
}

/** What a desk must not trade on, whatever the table of severities says. */
const alwaysCritical: ReadonlySet<DiscrepancyType> = new Set([
  'NAKED_POSITION',
  'UNPROTECTED_POSITION',
  'POSITION_MISMATCH',
]);

function checkLock(
  witness: Witness,
  { before, after }: BookWrite,
  writes: readonly BookWrite[],
  row: AuditRow | undefined,
): void {
  const lock = after?.body;
  const token = Number(lock?.token ?? 0);
  witness.note(`lock ${String(lock?.state)} at ${token}: ${String(lock?.reason).slice(0, 100)}`);
  if (token < Number(before?.body.token ?? 0))
    witness.broken('fence', `the lock went from the token ${String(before?.body.token)} to ${token}`);
  if (lock?.state !== 'open') return;
  const state = writes.find(({ sort }) => sort === 'RUN#STATE')?.after?.body as unknown as
    | RunState
    | undefined;
  const last = state?.last ?? (witness.book.get('RUN#STATE') as unknown as RunState | undefined)?.last;
  const wrong = (why: string) => witness.broken('lock', `it was opened by ${String(row?.writer)} ${why}`);
  if (last === undefined || last.runId !== lock.runId) {
    wrong(`for the run ${String(lock.runId)}, which is not the last`);
    return;
  }
  if (last.status !== 'COMPLETED') wrong(`by a run that is ${last.status}`);
  const critical = last.severities.CRITICAL ?? 0;
  const acknowledged = Object.keys(state?.acknowledged ?? {}).length;
  if (critical > acknowledged) wrong(`with ${critical} critical discrepancies`);
  const said = last.verdict && witness.world.cloud.stores.reconcile.peek(last.verdict.key);
  const verdict = said && (JSON.parse(Buffer.from(said).toString('utf8')) as Verdict);
  for (const { id, type, message } of verdict?.discrepancies ?? [])
    if (alwaysCritical.has(type) && !/EXTERNAL|EXPIRY/.test(message) && state?.acknowledged[id] === undefined)
      wrong(`with ${id}`);
  if (last.epoch !== token) wrong(`for the term ${token} by a snapshot of the term ${last.epoch}`);
}

function checkRunState(witness: Witness, { before, after }: BookWrite): void {
  const former = (before?.body as unknown as RunState | undefined)?.last.token ?? 0;
  const token = (after?.body as unknown as RunState | undefined)?.last.token ?? 0;
  if (token < former) witness.broken('fence', `a run of the token ${token} wrote after one of ${former}`);
}

/** Approved by its hash, backed up before, on the versions that it rests on, and nothing beside it. */
function checkPlan(witness: Witness, writes: readonly BookWrite[], row: AuditRow): void {
  const items = writes.filter(({ sort }) => !sort.startsWith('AUDIT#'));
  const record = items.find(({ sort }) => sort.startsWith('PLAN#'));
  const effects = items.filter(({ sort }) => /^(?:ORDER|FILL|POS|CASH|PERM|REF|API)/.test(sort));
  const hash = record?.sort.slice('PLAN#'.length) ?? row.cause.id;
  witness.note(`plan ${hash.slice(0, 8)} ${row.cause.name}: ${effects.map(({ sort }) => sort).join(' ')}`);
  const after = record?.after?.body as unknown as PlanRecord | undefined;
  const done = witness.carriedOut.get(hash) ?? new Set<number>();
  witness.carriedOut.set(hash, done);
  if (after?.state === 'applied' && done.size !== after.actions)
    witness.broken(
      'plan',
      `${hash.slice(0, 8)} is applied with ${done.size} of ${after.actions} actions carried out`,
    );
  if (
    (record?.before?.body as unknown as PlanRecord | undefined)?.done !== after?.done &&
    after !== undefined
  )
    done.add(after.done);
  if (effects.length === 0) return;
  const wrong = (why: string) => witness.broken('plan', `${hash.slice(0, 8)} ${row.cause.name} ${why}`);
  const before = record?.before?.body as unknown as PlanRecord | undefined;
  if (before === undefined) {
    wrong('changes the book without its record');
    return;
  }
  if (before.state !== 'applying' || before.approval === null)
    wrong(`was carried out in the state ${before.state}`);
  // No run is in the mode in which a policy approves.
  if (!witness.approved.has(hash)) wrong('was carried out, and nobody approved that hash');
  if (!witness.backups.includes(before.backupId))
    wrong(`was carried out without a backup of its own (${before.backupId || 'none'})`);
  const { flags } = readFlags(witness.book.get('FLAGS'));
  if (flags.DRY_RUN || flags.SAFE_MODE || !flags.DRY_RUN_CONFIRM) wrong('was carried out against the flags');
  if (!witness.applied.has(hash) && witness.backups.length === 0) wrong('was carried out without a backup');
  witness.applied.add(hash);
  const text = witness.world.cloud.stores.reconcile.peek(before.key);
  if (text === undefined) {
    wrong('has no plan in the bucket');
    return;
  }
  const plan = JSON.parse(Buffer.from(text).toString('utf8')) as Omit<Plan, 'hash'>;
  // It was looked at before its transaction was tried, which may take some attempts.
  if (plan.expiresAtMs + 15_000 < Date.parse(row.at)) wrong('had expired');
  const written = new Map(
    effects.map(({ sort, before: was, after }) => [sort, { was: was?.version ?? 0, after }]),
  );
  const action = plan.actions.find(
    ({ writes: own }) =>
      own.length === written.size &&
      own.every(({ ref, expectedVersion, body }) => {
        const one = written.get(sortOf(ref));
        return (
          one !== undefined &&
          one.was === expectedVersion &&
          canonicalJson((one.after?.body ?? null) as never) === canonicalJson((body ?? null) as never)
        );
      }),
  );
  if (action === undefined) wrong('changed what no action of it says');
}

/** Sort key of what a plan names. */
export function sortOf({ kind, id }: { readonly kind: string; readonly id: string }): string {
  const prefix = {
    position: 'POS',
    cash: 'CASH',
    order: 'ORDER',
    fill: 'FILL',
    perm: 'PERM',
    ref: 'REF',
    api: 'API',
  }[kind];
  return `${prefix ?? kind.toUpperCase()}#${id}`;
}

/** A price is the cost of one by its multiplier. */
function checkAverage(witness: Witness, { contract, averageCost, averagePrice }: PositionBody): void {
  const price = new Decimal(averageCost)
    .div(contract.multiplier || 1)
    .toDecimalPlaces(12, Decimal.ROUND_HALF_EVEN);
  if (price.toFixed() !== averagePrice)
    witness.broken(
      'money',
      `position ${contract.conId} costs ${averageCost}, and its price is ${averagePrice}`,
    );
}

/** Decimal text, never the shortest form of a binary fraction that was added up. */
function checkNumbers(witness: Witness, { sort, after }: BookWrite): void {
  if (after === undefined || !/^(?:ORDER|FILL|POS|CASH)#/.test(sort)) return;
  if (sort.startsWith('POS#') && !witness.spoilt.has(sort))
    checkAverage(witness, after.body as unknown as PositionBody);
  // What the broker has divided ends anywhere, and so does the exact sum of it.
  const text = JSON.stringify(after.body, (key, value: unknown) => (key === 'realizedPnl' ? null : value));
  const [wrong] = /NaN|Infinity|[":,]-?\d+\.\d*(?:0{7}|9{7})\d*[",}]/.exec(text) ?? [];
  if (wrong !== undefined) witness.broken('money', `${sort} has ${wrong}`);
}
