/** Brings accounts back as a backup has them: into an empty book, or, with the flag, into one that is in use. */
import type { BackupManifest } from '../domain/backup/manifest.ts';
import { restoreEmpty } from './restore-empty.ts';
import { RestoreError } from './restore-error.ts';
import { restoreInPlace } from './restore-in-place.ts';
import { type AccountSource, accountsOf, nameOf, openNamed, readSource } from './restore-source.ts';
import { stateOfBook } from './restore-state.ts';
import type { BookState, RestoredAccount, RestoreRequest, RestoreResult } from './restore-types.ts';
import { countRestored } from './restored-counts.ts';
import { readSurvivors } from './surviving-trail.ts';

/**
 * Everything is checked before the first write. Stopped anywhere, the same call goes on.
 *
 * @throws BackupError for a backup that cannot be trusted; RestoreError; what the tables throw
 */
export async function restoreBackup(request: RestoreRequest): Promise<RestoreResult> {
  const startMs = performance.now();
  const { who, reason, target, tools } = request;
  if (who.trim() === '' || reason.trim() === '')
    throw new RestoreError('RESTORE_REASON_MISSING', 'A restore came without a name or a reason.');
  const manifest = await openNamed(request);
  const asked = accountsOf(manifest, request.accounts);
  const states = new Map<string, BookState>();
  for (const { account } of asked) {
    const state = await stateOfBook(account, manifest, target, tools);
    if (state === 'in-use' && !request.inPlace) throw inUse(account, manifest);
    states.set(account, state);
  }
  const compared = [...states].filter(([, state]) => state === 'in-use').map(([account]) => account);
  const { accounts } = await readSource(manifest, asked, request, new Set(compared));
  const of = (...wanted: readonly BookState[]): AccountSource[] =>
    accounts.filter(({ backedUp }) => wanted.includes(states.get(backedUp.account)!));
  const empty = of('empty', 'begun');
  const survivors =
    empty.length === 0 ? new Map() : await readSurvivors(empty, target, tools, request.signal);
  const inPlace = of('in-use');
  const backupBefore = inPlace.length === 0 ? '' : (await request.backupFirst()).id;
  const restored: RestoredAccount[] = await restoreEmpty(
    manifest,
    empty.map((source) => {
      const { account } = source.backedUp;
      return { source, survivors: survivors.get(account)!, resumed: states.get(account) === 'begun' };
    }),
    request,
  );
  for (const source of inPlace) restored.push(await restoreInPlace(manifest, source, request));
  for (const source of of('restored')) restored.push(await countRestored(source, request));
  return {
    backup: nameOf(manifest),
    accounts: restored.toSorted((a, b) => (a.account < b.account ? -1 : 1)),
    backupBefore,
    durationMs: Math.round(performance.now() - startMs),
  };
}

function inUse(account: string, { id }: BackupManifest): RestoreError {
  return new RestoreError(
    'RESTORE_BOOK_NOT_EMPTY',
    `The book of account ${account} is not empty, so ${id} is not restored into it without the flag for that.`,
  );
}
