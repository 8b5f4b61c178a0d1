/**
 * Synthetic fills under orders of their own stand in for executions that nobody knew. When such an execution comes after
 * all, under its real order, the fills add up to more than the broker has: as much of them is taken back as has come.
 */
import { type Amount, amount, plain, sum, zero } from '../orders/decimals.ts';
import { fillKey, parseExecId } from '../orders/exec-id.ts';
import { type CountedFill, countFills } from '../orders/fill-count.ts';
import type { FillReport } from '../orders/fill-report.ts';
import { compareStamps } from '../orders/stamp.ts';
import type { ReconcileContext, SyntheticFill } from './context.ts';
import { sizeOf } from './holdings.ts';
import { gatherEvidence } from './position-evidence.ts';
import { severityOf } from './severity.ts';
import { isSyntheticOrder } from './synthetic-fills.ts';
import type { Discrepancy, ReconcileInput } from './types.ts';

export interface OvertakenFills {
  readonly discrepancies: readonly Discrepancy[];
  /** Later revisions of the synthetic fills, with what is left of them. */
  readonly fills: readonly SyntheticFill[];
}

/** @param differing contracts whose position differs: they are settled first */
export function overtakenFills(
  input: ReconcileInput,
  context: ReconcileContext,
  differing: ReadonlySet<string>,
): OvertakenFills {
  const discrepancies: Discrepancy[] = [];
  const fills: SyntheticFill[] = [];
  const conIds = new Set<string>();
  for (const [key, { contract, filled }] of context.after) {
    if (!isSyntheticOrder(key) || filled === '0' || contract === null) continue;
    const conId = String(contract.conId);
    if (!differing.has(conId) && !context.unsettled.has(conId)) conIds.add(conId);
  }
  if (conIds.size === 0 || !context.complete.executions) return { discrepancies, fills };
  const evidenceOf = gatherEvidence(conIds, input, context);
  for (const conId of conIds) {
    const { after, unclear } = evidenceOf(conId);
    const row = context.positions?.get(conId);
    const excess = after.minus(row === undefined ? zero : sizeOf(row.position));
    if (unclear || excess.isZero()) continue;
    for (const { fill, taken } of takenBack(conId, excess, input, context)) {
      fills.push({ fill, cures: ['MISSING_FILL'] });
      discrepancies.push(overtaken(fill, taken));
    }
  }
  return { discrepancies, fills };
}

interface TakenBack {
  readonly fill: FillReport;
  readonly taken: Amount;
}

/** The latest first; nothing where no execution that came since says just as much. */
function takenBack(
  conId: string,
  excess: Amount,
  { book }: ReconcileInput,
  { after, ordersOf }: ReconcileContext,
): readonly TakenBack[] {
  const side = excess.isPositive() ? 'BUY' : 'SELL';
  const made: CountedFill[] = [];
  const came: CountedFill[][] = [];
  for (const key of ordersOf(conId)) {
    const counts = countFills(after.get(key)!.state).filter(
      ({ fill, counted }) => String(fill.conId) === conId && fill.side === side && !counted.isZero(),
    );
    if (isSyntheticOrder(key)) made.push(...counts);
    else came.push(counts.filter(({ fill }) => !fill.synthetic));
  }
  made.sort((a, b) => compareStamps(b.fill.at, a.fill.at) || (a.fill.execId < b.fill.execId ? 1 : -1));
  const first = made.at(-1)?.fill.at;
  let rest = excess.abs();
  if (first === undefined || sum(made.map(({ counted }) => counted)).lt(rest)) return [];
  const since = came.map((counts) => counts.filter(({ fill }) => compareStamps(fill.at, first) >= 0));
  const said = [since.flat(), ...since, ...since.flat().map((count) => [count])];
  if (!said.some((counts) => sum(counts.map(({ counted }) => counted)).eq(rest))) return [];
  const back: TakenBack[] = [];
  for (const { fill, counted } of made) {
    const report = book.fills.get(fillKey(fill))?.body.report;
    if (rest.isZero() || !report) break;
    const taken = counted.lt(rest) ? counted : rest;
    rest = rest.minus(taken);
    back.push({ fill: revised(report, counted.minus(taken)), taken });
  }
  return back;
}

function revised(report: FillReport, left: Amount): FillReport {
  const execId = `${report.execBase}.${String(report.revision + 1).padStart(2, '0')}`;
  return { ...report, execId, ...parseExecId(execId), quantity: plain(left) };
}

function overtaken({ orderKey, contract, quantity, execBase }: FillReport, taken: Amount): Discrepancy {
  const subject = `order ${orderKey}`;
  return {
    id: `MISSING_FILL:${subject}`,
    type: 'MISSING_FILL',
    severity: severityOf('MISSING_FILL'),
    subject,
    symbol: contract.localSymbol || contract.symbol,
    broker: `${quantity} of it not executed otherwise`,
    book: `${plain(taken.plus(amount(quantity)))} synthetic`,
    message: `The real execution has come, under its own order: ${plain(taken)} of the synthetic fill is taken back, so that nothing counts twice.`,
    evidence: [execBase],
  };
}
