/** What the executions of one order cost, joined to them by execId whichever of the two comes first. */
import type { CommissionFact } from './broker-facts.ts';
import { sameContent } from './content.ts';
import { fillKey, parseExecId } from './exec-id.ts';
import type { CommissionReport } from './fill-report.ts';
import { compareStamps, type Stamp } from './stamp.ts';

export interface LedgerCommission {
  readonly at: Stamp;
  readonly commission: string;
  readonly currency: string;
  readonly realizedPnl: string | null;
}

/** By `fillKey` of the execution. */
export type CommissionLedger = { readonly [key: string]: LedgerCommission };

export interface JoinedCommission {
  readonly commissions: CommissionLedger;
  readonly changed: boolean;
  /** More than a stamp has changed. */
  readonly news: boolean;
}

/** Adds a commission; the later statement about one execution stands. */
export function joinCommission(
  commissions: CommissionLedger,
  report: CommissionReport,
  at: Stamp,
): JoinedCommission {
  const key = fillKey(report);
  const stored = commissions[key];
  if (stored !== undefined && compareStamps(at, stored.at) <= 0) {
    return { commissions, changed: false, news: false };
  }
  const { commission, currency, realizedPnl } = report;
  const told = { at: { epoch: at.epoch, seq: at.seq }, commission, currency, realizedPnl };
  const news = stored === undefined || !sameContent(told, stored);
  return { commissions: { ...commissions, [key]: told }, changed: true, news };
}

/** The report of a commission; undefined where IB sent its sentinel, which says only that it does not know yet. */
export function commissionReport(fact: CommissionFact, orderKey: string): CommissionReport | undefined {
  if (fact.commission === null || isSentinel(fact.commission)) return undefined;
  const { execId, currency, commission } = fact;
  const realizedPnl = fact.realizedPnl === null || isHuge(fact.realizedPnl) ? null : fact.realizedPnl;
  return { orderKey, execId, ...parseExecId(execId), commission, currency, realizedPnl };
}

function isSentinel(text: string): boolean {
  return text === '' || Number(text) === -1 || isHuge(text);
}

/** IB's "no value" is the largest double. */
function isHuge(text: string): boolean {
  return Math.abs(Number(text)) > 1e300;
}
