import { digest } from '../../lib/aws/audit-hash.ts';
import { BackupError } from '../../lib/backup/backup-error.ts';
import { openBackup } from '../../lib/backup/open-backup.ts';
import type { BackupManifest } from '../../lib/domain/backup/manifest.ts';
import { backupSource } from './backup-source.ts';
import { attempt, type DoctorSession, type Finding, ok, problem } from './doctor-checks.ts';
import { age, count, plain } from './view.ts';

const check = 'last backup';
/** The daily one, and two hours in which it may be late. */
const ageMaxMs = 26 * 3_600_000;

/** Whether the newest backup is young enough, and its manifest and the chain before it are whole. */
export function checkBackups(session: DoctorSession): Promise<Finding[]> {
  return attempt(check, session, async () => {
    const nowMs = session.io.nowMs();
    try {
      const { store, place } = await backupSource(session);
      return [judge(await openBackup({ store, place, digest }), nowMs)];
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      if (error.code === 'BACKUP_NOT_FOUND') return [await noneYet(session, nowMs)];
      return [
        problem(check, error.message, 'See backups and backups verify --all; then make another one: backup.'),
      ];
    }
  });
}

function judge({ id, number, completedAt, parts }: BackupManifest, nowMs: number): Finding {
  const oldMs = nowMs - Date.parse(completedAt);
  const text = `${id}, number ${number}, ${age(oldMs)} old`;
  if (oldMs <= ageMaxMs) return ok(check, `${text}, ${count(parts.length, 'part')}, manifest whole`);
  return problem(
    check,
    `${text}: the daily one did not come`,
    'See logs backup, mend the cause, and make one now: backup.',
  );
}

/** A stage that has just begun has none; one with a trail that is older than a day should. */
async function noneYet({ ports, account }: DoctorSession, nowMs: number): Promise<Finding> {
  let since = '';
  for await (const { body } of ports.book.list(account, 'audit-head')) {
    const day = plain(String(body.since ?? ''));
    if (day !== '' && (since === '' || day < since)) since = day;
  }
  const advice = 'Make one now: backup. The daily one comes by itself; if it does not, see logs backup.';
  // `since` is a day: its trail may have begun at the end of it.
  if (since !== '' && nowMs - Date.parse(since) > ageMaxMs + 86_400_000)
    return problem(check, `there is none, and the book has been written since ${since}`, advice);
  return { check, state: 'warning', message: 'there is none yet', advice };
}
