export type ReconcileErrorCode =
  | 'RECONCILE_REQUEST_INVALID'
  | 'RECONCILE_ACCOUNT_UNKNOWN'
  | 'RUN_FENCED'
  | 'RUN_CONTENTION'
  | 'RUN_UNKNOWN'
  | 'EVIDENCE_MISSING'
  | 'EVIDENCE_CORRUPT'
  | 'PLAN_MISSING'
  | 'PLAN_CORRUPT'
  | 'PAUSE_INVALID'
  | 'ACKNOWLEDGE_INVALID';

const advice: Readonly<Record<ReconcileErrorCode, string>> = {
  RECONCILE_REQUEST_INVALID:
    'Ask with `evenkeel reconcile`, or with {"trigger":"operator","by":"<who>","account":"<account>"}.',
  RECONCILE_ACCOUNT_UNKNOWN: "Take one of the stage's accounts (`evenkeel status` lists them).",
  RUN_FENCED: 'The later run decides; look at its status.',
  RUN_CONTENTION: 'Others change the same items; try again.',
  RUN_UNKNOWN: 'The id of a run is in its answer and in reconcile_status.json.',
  EVIDENCE_MISSING: 'Look whether the object was deleted; its earlier versions are in the bucket.',
  EVIDENCE_CORRUPT: 'Do not trust it: compare it with the earlier versions of the object in the bucket.',
  PLAN_MISSING: 'Run reconcile again: it stages a plan anew.',
  PLAN_CORRUPT: 'Do not trust it: run reconcile again, it stages a plan anew.',
  PAUSE_INVALID: 'Say until when, at most 24 hours ahead, and why.',
  ACKNOWLEDGE_INVALID: '`evenkeel reconcile show` lists the open ones.',
};

/** A run, or a question about one, was refused. Nothing was changed. */
export class ReconcileError extends Error {
  override readonly name = 'ReconcileError';
  readonly code: ReconcileErrorCode;

  constructor(code: ReconcileErrorCode, what: string) {
    super(`${code}: ${what} Nothing was changed. ${advice[code]}`);
    this.code = code;
  }
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
