import { restoreTools } from '../../lib/aws/restore-target.ts';
import { restoreBackup } from '../../lib/backup/restore.ts';
import { planRestore } from '../../lib/backup/restore-plan.ts';
import type { RestoreOptions, RestorePlan, RestoreProgress } from '../../lib/backup/restore-types.ts';
import { makeStageBackup } from './backup.ts';
import { backupSource } from './backup-source.ts';
import { backupName } from './backups.ts';
import type { Cli, Shown, Streaming } from './cli.ts';
import { CliError, exit } from './exit.ts';
import { createMeter, type Meter } from './meter.ts';
import { allAsExpected, showPlan, showRestored, stepOf, totalOf } from './restore-show.ts';
import type { StageSession } from './session.ts';
import { stageNames } from './stage-names.ts';
import { count, plain } from './view.ts';

export interface RestoreFlags {
  readonly execute?: true;
  readonly inPlace?: true;
  readonly reason?: string;
  readonly yes?: true;
}

/** Whether a restore that came so far has begun to write: everything is verified before. */
function hasBegun({ phase, done, total }: RestoreProgress): boolean {
  return phase !== 'verify' || done === total;
}

/** Reads the backup and what is there, and says what a restore would change. */
async function dryRun(session: StageSession, backup: string, inPlace: boolean): Promise<Shown> {
  const { io, view } = session;
  const meter = createMeter(session);
  const plan = await planned(await optionsOf(session, backup, meter), meter);
  return {
    result: { executed: false, ...plan },
    text: () => {
      const drawn = showPlan(plan, view, io.nowMs());
      return `${drawn}\n\n${view.colours.dim('This was a dry run: nothing was changed.')}${howToExecute(plan, inPlace)}`;
    },
  };
}

function howToExecute({ backup, accounts }: RestorePlan, inPlace: boolean): string {
  if (
    accounts.every(
      ({ state, changes }) => state === 'restored' || (state === 'in-use' && totalOf(changes) === 0),
    )
  )
    return '';
  const needed = inPlace || accounts.some(({ needsInPlace }) => needsInPlace);
  const why = needed
    ? '\nThe book is in use: --in-place makes a backup first, and then changes what differs.'
    : '';
  return `${why}\nTo do it: restore ${backup.id} --execute${needed ? ' --in-place' : ''} --reason "..."`;
}

async function execute(
  session: StageSession,
  backup: string,
  flags: RestoreFlags,
): Promise<Shown | Streaming> {
  const { ports, io, view, stage } = session;
  const { reason = '' } = flags;
  const inPlace = flags.inPlace ?? false;
  if (reason.trim() === '') throw new CliError('REASON_NEEDED', 'Say why: --reason must not be empty.');
  const meter = createMeter(session);
  const options = await optionsOf(session, backup, meter);
  const plan = await planned(options, meter);
  refuseInUse(plan, inPlace);
  if (!session.json) io.err.write(`${showPlan(plan, view, io.nowMs())}\n\n`);
  if (!flags.yes && changesAnything(plan)) await confirm(session, plan);
  const { id } = plan.backup;
  const { arn } = await ports.identity.whoAmI();
  const functionName = stageNames(stage).backupFunction;
  const state = { begun: plan.accounts.some((one) => one.state === 'begun') };
  try {
    const result = await session.uncut(() =>
      restoreBackup({
        ...options,
        // `latest` is another one once the backup before the restore has been made.
        backup: id,
        who: arn,
        reason: reason.trim(),
        inPlace,
        signal: io.signal,
        backupFirst: () => {
          meter.clear();
          if (!session.json) io.err.write('Making a backup of what is there first ...\n');
          return makeStageBackup(
            { functions: ports.functions, functionName },
            { trigger: 'restore', by: arn, reason: `before the restore of ${id}`, candles: undefined },
          );
        },
        onProgress: (progress) => {
          state.begun ||= hasBegun(progress);
          meter.show(stepOf(progress));
        },
      }),
    );
    meter.clear();
    return {
      result: { executed: true, ...result },
      text: () => showRestored(result, view),
      exitCode: allAsExpected(result) ? exit.ok : exit.problem,
    };
  } catch (error) {
    meter.clear();
    if (!io.signal.aborted) throw error;
    sayInterrupted(session, plan, state.begun);
    return exit.interrupted;
  }
}

/** A restore of what is there already writes nothing. */
function changesAnything({ accounts }: RestorePlan): boolean {
  return accounts.some(({ state }) => state !== 'restored');
}

function sayInterrupted({ io, json, stage }: StageSession, plan: RestorePlan, begun: boolean): void {
  const closed = plan.accounts.every(({ needsInPlace }) => needsInPlace)
    ? 'its flags are at the preset rollback and trading is locked'
    : 'nothing else can write the book meanwhile';
  const message = begun
    ? `The restore of ${plan.backup.id} into the stage ${stage} is half done; ${closed}. The same command goes on where it stopped.`
    : 'Nothing was changed.';
  const code = 'RESTORE_INTERRUPTED';
  io.err.write(
    json
      ? `${JSON.stringify({ error: { code, message, exitCode: exit.interrupted } })}\n`
      : `${code}: ${message}\n`,
  );
}

async function optionsOf(session: StageSession, backup: string, meter: Meter): Promise<RestoreOptions> {
  const { ports, io, named, stage } = session;
  const { store, place } = await backupSource(session);
  const { bookTable, auditTable, controlTable } = stageNames(stage);
  return {
    store,
    place,
    tools: restoreTools,
    target: ports.restoreTarget({ book: bookTable, audit: auditTable, control: controlTable }),
    nowMs: io.nowMs,
    backup,
    accounts: named === undefined ? undefined : [named],
    onProgress: (progress) => meter.show(stepOf(progress)),
  };
}

async function planned(options: RestoreOptions, meter: Meter): Promise<RestorePlan> {
  try {
    return await planRestore(options);
  } finally {
    meter.clear();
  }
}

function refuseInUse({ backup, accounts }: RestorePlan, inPlace: boolean): void {
  const inUse = accounts.filter(({ needsInPlace }) => needsInPlace).map(({ account }) => plain(account));
  if (inPlace || inUse.length === 0) return;
  throw new CliError(
    'RESTORE_BOOK_NOT_EMPTY',
    `The book of ${inUse.join(', ')} is not empty; nothing was written. See what would change with restore ${backup.id}; if you mean it, repeat the command with --in-place: it makes a backup first, sets SAFE_MODE, and then changes what differs.`,
  );
}

/** Typing the id is slow on purpose: it is read once more. */
async function confirm({ io, stage }: StageSession, { backup, accounts }: RestorePlan): Promise<void> {
  const { id } = backup;
  if (io.ask === undefined) {
    throw new CliError(
      'CONFIRMATION_NEEDED',
      'Nobody sits at this terminal to confirm; nothing was changed. Repeat the command with --yes if you mean it.',
    );
  }
  const what = accounts.map(
    ({ account, changes }) => `${plain(account)} (${count(totalOf(changes), 'change')})`,
  );
  const question = `This restores the book of ${what.join(', ')} in the stage ${stage} and locks trading. Type ${id} to go on: `;
  const typed = await io.ask(question);
  if (typed.trim() === id) return;
  throw new CliError('NOT_CONFIRMED', 'That is not the id of the backup; nothing was changed.');
}

export function addRestore({ program, runStage }: Cli): void {
  program
    .command('restore')
    .description(
      'bring the book back as a backup has it; a dry run that shows what would change, unless told otherwise',
    )
    .argument('<backup>', 'id or number of the backup, or latest', backupName)
    .option('--execute', 'do it; asks for the id of the backup once more')
    .option('--in-place', 'also into a book that is not empty: after a backup of it, what differs is changed')
    .option('--reason <text>', 'why, for the audit trail; needed with --execute')
    .option('--yes', 'do not ask')
    .action(
      runStage<{ args: readonly [string] } & RestoreFlags>(async (session, { args: [backup], ...flags }) => {
        if (flags.execute) return execute(session, backup, flags);
        if (flags.yes)
          throw new CliError('OPTION_MISPLACED', '--yes confirms --execute. Say both, or leave it out.');
        return dryRun(session, backup, flags.inPlace ?? false);
      }),
    );
}
