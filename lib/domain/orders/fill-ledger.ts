/**
 * The executions of one order: one entry for each revision of each execution. What counts is derived from it
 * (`fill-count.ts`). Only what the sums need is kept here; the book has the whole report in an item of its own.
 */
import { sameContent } from './content.ts';
import { fillKey } from './exec-id.ts';
import type { FillReport } from './fill-report.ts';
import type { Side } from './order-report.ts';
import { compareStamps, type Stamp } from './stamp.ts';

export interface LedgerFill {
  /** Of the report that was kept. */
  readonly at: Stamp;
  readonly execId: string;
  readonly execBase: string;
  readonly revision: number;
  readonly conId: number;
  readonly secType: string;
  readonly side: Side;
  readonly quantity: string;
  readonly price: string;
  readonly timeMs: number;
  readonly cumulativeQuantity: string;
  readonly liquidation: boolean;
  readonly synthetic: boolean;
  /** IB has told this execId with another content as well. */
  readonly noisy: boolean;
}

/** By `fillKey`. */
export type Ledger = { readonly [key: string]: LedgerFill };

export interface JoinedFill {
  readonly fills: Ledger;
  readonly changed: boolean;
  /** More than a stamp has changed. */
  readonly news: boolean;
}

/**
 * Adds a fill. Told twice with different content, the one that was told first (by stamp, not by arrival) stays and is
 * marked; IB corrects by a new revision, so the other is noise. A real execution replaces a synthetic one of its id.
 */
export function joinFill(fills: Ledger, report: FillReport, at: Stamp): JoinedFill {
  const key = fillKey(report);
  const stored = fills[key];
  const told = entry(report, at);
  if (stored === undefined) return { fills: { ...fills, [key]: told }, changed: true, news: true };
  if (stored.synthetic !== told.synthetic) {
    if (!stored.synthetic) return { fills, changed: false, news: false };
    return { fills: { ...fills, [key]: told }, changed: true, news: true };
  }
  const noisy = stored.noisy || !sameExecution(stored, told);
  const kept = compareStamps(told.at, stored.at) < 0 ? told : stored;
  if (kept === stored && noisy === stored.noisy) return { fills, changed: false, news: false };
  const joined = { ...kept, noisy };
  return { fills: { ...fills, [key]: joined }, changed: true, news: !sameContent(joined, stored) };
}

/** What is traded, how much, at what price and when: the rest of a repeat may differ harmlessly. */
function sameExecution(a: LedgerFill, b: LedgerFill): boolean {
  return (
    a.conId === b.conId &&
    a.side === b.side &&
    a.quantity === b.quantity &&
    a.price === b.price &&
    a.timeMs === b.timeMs
  );
}

function entry(report: FillReport, at: Stamp): LedgerFill {
  return {
    at: { epoch: at.epoch, seq: at.seq },
    execId: report.execId,
    execBase: report.execBase,
    revision: report.revision,
    conId: report.contract.conId,
    secType: report.contract.secType,
    side: report.side,
    quantity: report.quantity,
    price: report.price,
    timeMs: report.timeMs,
    cumulativeQuantity: report.cumulativeQuantity,
    liquidation: report.liquidation,
    synthetic: report.synthetic,
    noisy: false,
  };
}
