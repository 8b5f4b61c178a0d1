import { digest } from '../../lib/aws/audit-hash.ts';
import { BackupError } from '../../lib/backup/backup-error.ts';
import { type ListedBackup, listBackups } from '../../lib/backup/list-backups.ts';
import { openBackup } from '../../lib/backup/open-backup.ts';
import { type BackupReport, verifyBackup } from '../../lib/backup/verify-backup.ts';
import { isBackupId } from '../../lib/domain/backup/backup-id.ts';
import type { BackupManifest } from '../../lib/domain/backup/manifest.ts';
import { type BackupSource, backupSource } from './backup-source.ts';
import { listedRow, showList, showVerified, type VerifiedBackup } from './backups-show.ts';
import type { Cli, Shown } from './cli.ts';
import { CliError, exit } from './exit.ts';
import { showManifest } from './manifest-show.ts';
import { createMeter, type Meter } from './meter.ts';
import type { StageSession } from './session.ts';
import { count, size } from './view.ts';

/** Which backup is meant; nothing in it stands for the newest. */
export interface Selected {
  readonly id?: string;
  readonly number?: number;
}

/** @throws CliError BACKUP_ID_INVALID */
export function selectBackup(text: string): Selected {
  if (text === 'latest') return {};
  if (/^\d{1,6}$/.test(text)) return { number: Number(text) };
  if (isBackupId(text)) return { id: text };
  throw new CliError(
    'BACKUP_ID_INVALID',
    `${text} names no backup. Allowed: an id such as db_backup_20260105_031500, a number of the list, or latest; backups shows those that there are.`,
  );
}

/** The same text, once it is known to name one: for an argument of a command. */
export function backupName(text: string): string {
  selectBackup(text);
  return text;
}

async function list(session: StageSession): Promise<Shown> {
  const { io, view, stage, config } = session;
  const { store } = await backupSource(session);
  const { retentionDays } = config.backup;
  const rows = (await listBackups(store, digest)).map((each) => listedRow(each, retentionDays));
  return {
    result: { stage, backups: rows },
    text: () => showList(rows, { stage, nowMs: io.nowMs(), view }),
    exitCode: rows.every(({ finding }) => finding === null) ? exit.ok : exit.problem,
  };
}

/** The manifest, also one that is bad: then with what is bad about it. */
async function show(session: StageSession, name: string): Promise<Shown> {
  const { view, io, json } = session;
  const source = await backupSource(session);
  const { manifest, finding } = await readManifest(source, selectBackup(name));
  if (finding !== undefined && json) {
    const { code, message } = finding;
    io.err.write(`${JSON.stringify({ error: { code, message, exitCode: exit.problem } })}\n`);
  }
  return {
    result: manifest,
    text: () => {
      const drawn = showManifest(manifest, view);
      return finding === undefined ? drawn : `${drawn}\n\n${view.colours.red(finding.message)}`;
    },
    exitCode: finding === undefined ? exit.ok : exit.problem,
  };
}

/** @throws BackupError where there is nothing to show */
async function readManifest(
  { store, place }: BackupSource,
  selected: Selected,
): Promise<{ manifest: BackupManifest; finding?: BackupError }> {
  try {
    return { manifest: await openBackup({ store, place, digest, ...selected }) };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    const listed = (await listBackups(store)).find((one) => isSelected(one, selected));
    if (listed?.manifest === undefined) throw error;
    return { manifest: listed.manifest, finding: error };
  }
}

function isSelected({ id, number }: ListedBackup, selected: Selected): boolean {
  if (selected.number !== undefined) return number === selected.number;
  return selected.id === undefined || id === selected.id;
}

async function verify(session: StageSession, name: string, all: boolean): Promise<Shown> {
  const { view, io } = session;
  const source = await backupSource(session);
  const meter = createMeter(session);
  const verified: VerifiedBackup[] = [];
  try {
    const names = all
      ? (await listBackups(source.store)).map(({ number }) => ({ number }))
      : [selectBackup(name)];
    if (all && names.length === 0) await openBackup({ ...source, digest });
    for (const selected of names) {
      const report = await verifyOne(source, selected, meter, io.signal);
      const number = report.manifest?.number ?? selected.number ?? null;
      const id = report.manifest?.id ?? ('id' in selected ? (selected.id ?? null) : null);
      verified.push({ number, id, ...report });
    }
  } finally {
    meter.clear();
  }
  const ok = verified.every(({ finding }) => finding === undefined);
  return {
    result: { ok, backups: verified.map(resultOf) },
    text: () => showVerified(verified, view),
    exitCode: ok ? exit.ok : exit.problem,
  };
}

function verifyOne(
  { store, place }: BackupSource,
  selected: Selected,
  meter: Meter,
  signal: AbortSignal,
): Promise<BackupReport> {
  return verifyBackup({
    store,
    place,
    digest,
    ...selected,
    signal,
    onProgress: ({ done, total, bytes }) =>
      meter.show({
        what: `Reading ${selected.number ?? selected.id ?? 'the newest backup'}`,
        done,
        total,
        detail: `${total === undefined ? count(done, 'part') : `${done} of ${count(total, 'part')}`}, ${size(bytes)}`,
      }),
  });
}

function resultOf({ number, id, parts, items, bytes, durationMs, finding }: VerifiedBackup) {
  return { number, id, ok: finding === undefined, parts, items, bytes, durationMs, finding: finding ?? null };
}

export function addBackups({ program, runStage }: Cli): void {
  const backups = program
    .command('backups')
    .description('backups of the stage, the newest first; exit code 3 where a manifest is bad')
    .action(runStage(list));
  backups.command('list').description('the same').action(runStage(list));
  backups
    .command('show')
    .description('the manifest of a backup, to review; with --json the manifest itself')
    .argument('[backup]', 'id or number of the backup, or latest', backupName, 'latest')
    .action(runStage<{ args: readonly [string] }>((session, { args: [name] }) => show(session, name)));
  addVerify(backups.command('verify'), runStage);
}

/** `verify` stands by itself too. */
export function addVerifyAlone({ program, runStage }: Cli): void {
  addVerify(program.command('verify'), runStage);
}

function addVerify(command: Cli['program'], runStage: Cli['runStage']): void {
  command
    .description(
      'read a backup back and check every part and the chain of manifests; exit code 3 where something is bad',
    )
    .argument('[backup]', 'id or number of the backup, or latest', backupName, 'latest')
    .option('--all', 'every backup of the stage')
    .action(
      runStage<{ args: readonly [string]; all?: true }>((session, { args: [name], all = false }) =>
        verify(session, name, all),
      ),
    );
}
