/** Which backups have served their time. Pure: what is named here is only marked, a rule of the bucket deletes it. */

const dayMs = 86_400_000;
/** Parts younger than this may be of a backup that is being made. */
const unfinishedMs = dayMs;

export interface RetentionRule {
  readonly retentionDays: number;
  /** So many of the newest stay whatever their age. */
  readonly keepAtLeast: number;
}

export interface DatedBackup {
  readonly number: number;
  readonly id: string;
  /** ISO-8601 UTC. */
  readonly startedAt: string;
}

/** Older than `retentionDays`, and not among the newest. Oldest first. */
export function expiredBackups<T extends DatedBackup>(
  backups: readonly T[],
  { retentionDays, keepAtLeast }: RetentionRule,
  nowMs: number,
): T[] {
  const inOrder = backups.toSorted((a, b) => a.number - b.number);
  const beforeMs = nowMs - retentionDays * dayMs;
  return inOrder
    .slice(0, Math.max(0, inOrder.length - keepAtLeast))
    .filter(({ startedAt }) => Date.parse(startedAt) < beforeMs);
}

/** Ids of backups that have parts and no manifest, and began more than a day ago: they were cut off. */
export function unfinishedBackups(
  idsOfParts: Iterable<string>,
  idsOfManifests: ReadonlySet<string>,
  nowMs: number,
): string[] {
  return [...new Set(idsOfParts)]
    .filter((id) => !idsOfManifests.has(id) && startMs(id) < nowMs - unfinishedMs)
    .sort();
}

/** `db_backup_20260105_031500` to Unix milliseconds; infinite for what is no id of a backup. */
function startMs(id: string): number {
  const digits = /^db_backup_(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)$/.exec(id);
  if (digits === null) return Number.POSITIVE_INFINITY;
  const [year, month, day, hour, minute, second] = digits.slice(1).map(Number);
  return Date.UTC(year!, month! - 1, day, hour, minute, second);
}
