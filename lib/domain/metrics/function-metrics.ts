/** What the functions say of each run. A list for each function: a bundle takes in no more than its own. */
import type { Metric } from './metric.ts';

export const reconcileMetrics = [
  {
    name: 'evenkeel_reconcile_runs_total',
    kind: 'counter',
    unit: 'Count',
    meaning:
      'Runs that came to an end, with whatever status, postponed and skipped ones too. None for a while: runs are late',
    emf: true,
  },
  {
    name: 'evenkeel_reconcile_failed_total',
    kind: 'counter',
    unit: 'Count',
    meaning: 'Runs that ended FAILED: SAFE_MODE is on, trading is locked',
    emf: true,
  },
  {
    name: 'evenkeel_reconcile_duration_seconds',
    kind: 'gauge',
    unit: 'Seconds',
    meaning: 'From the call to the answer, the wait for the snapshot included',
    emf: true,
  },
  {
    name: 'evenkeel_reconcile_critical',
    kind: 'gauge',
    unit: 'Count',
    meaning: 'Open discrepancies of severity CRITICAL, of runs that judged',
    emf: true,
  },
  {
    name: 'evenkeel_reconcile_high',
    kind: 'gauge',
    unit: 'Count',
    meaning: 'Open discrepancies of severity HIGH, of runs that judged',
    emf: true,
  },
  {
    name: 'evenkeel_reconcile_medium',
    kind: 'gauge',
    unit: 'Count',
    meaning: 'Open discrepancies of severity MEDIUM, of runs that judged',
    emf: true,
  },
  {
    name: 'evenkeel_reconcile_info',
    kind: 'gauge',
    unit: 'Count',
    meaning: 'Open discrepancies of severity INFO, of runs that judged',
    emf: true,
  },
] as const satisfies readonly Metric[];

export const bookKeeperMetrics = [
  {
    name: 'evenkeel_book_booked_total',
    kind: 'counter',
    unit: 'Count',
    meaning: 'Events that changed the book, each with its audit row',
    emf: true,
  },
  {
    name: 'evenkeel_book_refused_total',
    kind: 'counter',
    unit: 'Count',
    meaning: 'Events that can never be booked; they lie in the dead-letter queue',
    emf: true,
  },
  {
    name: 'evenkeel_book_retried_total',
    kind: 'counter',
    unit: 'Count',
    meaning: 'Messages that failed and come again',
    emf: true,
  },
] as const satisfies readonly Metric[];

export const backupMetrics = [
  {
    name: 'evenkeel_backups_total',
    kind: 'counter',
    unit: 'Count',
    meaning: 'Backups made by the function, daily or by hand. None for a day: the last one is too old',
    emf: true,
  },
  {
    name: 'evenkeel_backup_bytes',
    kind: 'gauge',
    unit: 'Bytes',
    meaning: 'Size of the backup as it is stored',
    emf: true,
  },
  {
    name: 'evenkeel_backup_duration_seconds',
    kind: 'gauge',
    unit: 'Seconds',
    meaning: 'How long it took',
    emf: true,
  },
] as const satisfies readonly Metric[];
