/** Executions and costs that the broker lists of one order and the book does not have, or has with other contents. */
import type { FillBody } from '../book/fills.ts';
import type { CommissionFact, ExecutionFact } from '../orders/broker-facts.ts';
import { commissionReport as reportOf } from '../orders/commission-ledger.ts';
import { fillKey, parseExecId } from '../orders/exec-id.ts';
import type { CommissionReport, FillReport } from '../orders/fill-report.ts';
import type { OrderIdentity } from '../orders/order-report.ts';
import type { OrderState } from '../orders/order-state.ts';
import { fillReport } from '../orders/tracker-executions.ts';
import type { Versioned } from './types.ts';

export interface MissingFills {
  /** Real executions, sorted by (time, execId). */
  readonly fills: readonly FillReport[];
  /** Executions that the broker now tells with other contents under the same id. */
  readonly noisy: readonly FillReport[];
  /** Costs that the book does not know, or knows otherwise. */
  readonly costs: readonly CommissionReport[];
}

const none: MissingFills = { fills: [], noisy: [], costs: [] };

type Fills = ReadonlyMap<string, Versioned<FillBody>>;

/**
 * @param key of their order in the book
 * @param executions sorted by (time, execId)
 * @param identity of their order; most orders lack nothing, and need none
 */
export function missingFills(
  key: string,
  executions: readonly ExecutionFact[],
  commissions: ReadonlyMap<string, CommissionFact>,
  identity: () => OrderIdentity,
  state: OrderState | undefined,
  fills: Fills,
): MissingFills {
  if (executions.length === 0) return none;
  const missing: FillReport[] = [];
  const noisy: FillReport[] = [];
  const costs: CommissionReport[] = [];
  for (const execution of executions) {
    // The row of a combination as a whole is none of the book's: its legs are.
    if (execution.contract.secType === 'BAG') continue;
    const id = fillKey(parseExecId(execution.execId));
    const stored = fills.get(id)?.body;
    // What the book has under another order is judged there: told twice, it would count twice.
    if (stored?.report && stored.orderKey !== key) continue;
    // An order that was lost while its fills stayed lacks them as well: made up ones would count twice.
    const isFolded = state?.fills[id] !== undefined;
    if (!stored?.report || stored.report.synthetic || !isFolded)
      missing.push(fillReport(execution, identity()));
    else if (!sameExecution(stored.report, execution) && state?.fills[id]?.noisy !== true) {
      noisy.push(fillReport(execution, identity()));
    }
    const fact = commissions.get(execution.execId);
    const cost = fact && missingCost(fact, stored?.orderKey ?? key, stored);
    if (cost) costs.push(cost);
  }
  return { fills: missing, noisy, costs };
}

/** The cost, if the book does not know it so; undefined for IB's sentinel, which says that it does not know yet. */
export function missingCost(
  fact: CommissionFact,
  orderKey: string,
  stored: FillBody | undefined,
): CommissionReport | undefined {
  const report = reportOf(fact, orderKey);
  const known = stored?.commission;
  if (report === undefined || (known && sameCost(known, report))) return undefined;
  return report;
}

function sameCost(
  a: { commission: string; currency: string; realizedPnl: string | null },
  b: { commission: string; currency: string; realizedPnl: string | null },
): boolean {
  return (
    sameNumber(a.commission, b.commission) &&
    a.currency === b.currency &&
    // IB says the profit only once the position is closed, and not to everybody.
    (b.realizedPnl === null || (a.realizedPnl !== null && sameNumber(a.realizedPnl, b.realizedPnl)))
  );
}

function sameExecution(
  stored: Pick<FillReport, 'contract' | 'side' | 'quantity' | 'price' | 'timeMs'>,
  told: Pick<FillReport, 'contract' | 'side' | 'quantity' | 'price' | 'timeMs'>,
): boolean {
  return (
    stored.contract.conId === told.contract.conId &&
    stored.side === told.side &&
    stored.quantity === told.quantity &&
    stored.price === told.price &&
    stored.timeMs === told.timeMs
  );
}

function sameNumber(a: string, b: string): boolean {
  return a === b || Number(a) === Number(b);
}
