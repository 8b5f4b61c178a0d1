import type { BackupStore } from '../../lib/ports/backup-store.ts';
import { CliError } from './exit.ts';
import type { StageSession } from './session.ts';

/** The bucket of backups, and which stage a backup in it must be of. */
export interface BackupSource {
  readonly store: BackupStore;
  readonly place: { readonly stage: string; readonly awsAccount: string; readonly region: string };
}

export async function backupSource({
  ports,
  stage,
}: Pick<StageSession, 'ports' | 'stage'>): Promise<BackupSource> {
  const { store, awsAccount, region } = await ports.backups();
  return { store, place: { stage, awsAccount, region } };
}

/** @throws CliError OPTION_MISPLACED where an account was named for what is about all of them */
export function wholeStage({ named, stage }: StageSession): void {
  if (named === undefined) return;
  throw new CliError(
    'OPTION_MISPLACED',
    `A backup is of the whole stage ${stage}, every account in it. Leave --account out.`,
  );
}
