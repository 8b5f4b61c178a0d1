import type { RunRecord } from '../domain/reconcile/records.ts';

/** Of a run that has judged nothing yet. */
export const unjudged = {
  endedAtMs: 0,
  epoch: 0,
  types: {},
  severities: {},
  discrepancies: 0,
  pending: 0,
  ambiguous: 0,
  actions: 0,
  counts: { broker: 0, book: 0 },
  evidence: null,
  verdict: null,
} as const satisfies Partial<RunRecord>;
