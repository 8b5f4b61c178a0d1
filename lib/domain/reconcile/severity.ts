/** How bad each kind of discrepancy is, and which of them lock trading in which mode. */
import type { DiscrepancyType, ReconcileMode, Severity } from './types.ts';

const severities: Readonly<Record<DiscrepancyType, Severity>> = {
  NAKED_POSITION: 'CRITICAL',
  UNPROTECTED_POSITION: 'CRITICAL',
  POSITION_MISMATCH: 'CRITICAL',
  MISSING_FROM_BOOK: 'HIGH',
  AMBIGUOUS_MATCH: 'HIGH',
  UNRESOLVED: 'HIGH',
  STALE_DATA: 'HIGH',
  ORDER_STATUS_MISMATCH: 'HIGH',
  MISSING_FILL: 'HIGH',
  UNKNOWN_ORDER: 'MEDIUM',
  CASH_MISMATCH: 'MEDIUM',
  PRICE_MISMATCH: 'INFO',
};

const ranks: readonly Severity[] = ['INFO', 'MEDIUM', 'HIGH', 'CRITICAL'];

export function severityOf(type: DiscrepancyType): Severity {
  return severities[type];
}

/** Negative where `a` is the milder. */
export function compareSeverity(a: Severity, b: Severity): number {
  return ranks.indexOf(a) - ranks.indexOf(b);
}

/** `strict` locks trading on any open HIGH or CRITICAL, the other modes on CRITICAL alone. */
export function locksTrading(severity: Severity, mode: ReconcileMode): boolean {
  return severity === 'CRITICAL' || (mode === 'strict' && severity === 'HIGH');
}
