import * as z from 'zod';
import { backupId, partsPrefix } from '../../lib/domain/backup/backup-id.ts';
import { CallLostError, type FunctionCaller } from '../../lib/ports/function-caller.ts';
import type { ObjectStore } from '../../lib/ports/object-store.ts';
import { wholeStage } from './backup-source.ts';
import { type Cli, progress } from './cli.ts';
import { CliError, exit } from './exit.ts';
import { exactly } from './manifest-show.ts';
import { createMeter, type Meter } from './meter.ts';
import type { StageSession } from './session.ts';
import { stageNames } from './stage-names.ts';
import { count, facts, size, took, type View } from './view.ts';

const lookEveryMs = 1_000;

/** What the function answers. */
const madeSchema = z.object({
  id: z.string(),
  number: z.number(),
  hash: z.string(),
  instant: z.string(),
  items: z.number(),
  bytes: z.number(),
  storedBytes: z.number(),
  parts: z.number(),
  durationMs: z.number(),
});

export type BackupMade = z.infer<typeof madeSchema>;

export interface BackupRequest {
  readonly trigger: 'operator' | 'restore';
  readonly by: string;
  readonly reason: string;
  /** Undefined leaves it to the stage's configuration. */
  readonly candles: boolean | undefined;
}

/**
 * Has the stage's function make a backup, and waits until it is whole.
 *
 * @throws CliError BACKUP_UNKNOWN when the connection was lost: the backup may still be made
 */
export async function makeStageBackup(
  { functions, functionName }: { readonly functions: FunctionCaller; readonly functionName: string },
  { trigger, by, reason, candles }: BackupRequest,
): Promise<BackupMade> {
  const payload = { trigger, by, reason, ...(candles === undefined ? {} : { candles }) };
  try {
    return madeSchema.parse(await functions.call(functionName, payload));
  } catch (error) {
    if (error instanceof CallLostError) {
      throw new CliError(
        'BACKUP_UNKNOWN',
        `The connection ended before ${functionName} answered. The backup may still be running: look for it with backups in some minutes. It is made once it is listed there; if it is not, see logs backup.`,
        exit.fault,
      );
    }
    if (error instanceof z.ZodError) {
      throw new CliError(
        'BACKUP_ANSWER_UNREADABLE',
        `${functionName} answered something that this program cannot read. The backup may be made: look with backups. Deploy the version of this program, or use that of the stage.`,
        exit.fault,
      );
    }
    throw error;
  }
}

/** Shows the parts that come into the bucket until `work` ends. That they cannot be listed does not fail a backup. */
export async function whileWatching<T>(
  {
    store,
    meter,
    io,
  }: { readonly store: ObjectStore; readonly meter: Meter; readonly io: StageSession['io'] },
  work: () => Promise<T>,
): Promise<T> {
  const day = backupId(new Date(io.nowMs()).toISOString()).slice(0, 'db_backup_yyyymmdd'.length);
  const before = new Set((await partsOf(store, day)).keys());
  let ended = false;
  const made = work().finally(() => {
    ended = true;
  });
  const watch = async () => {
    while (!ended) {
      const [ours] = [...(await partsOf(store, day))].filter(([id]) => !before.has(id));
      const { parts, bytes } = ours?.[1] ?? { parts: 0, bytes: 0 };
      if (ended) return;
      meter.show({
        what: 'Backing up',
        done: parts,
        detail: parts === 0 ? 'no part yet' : `${count(parts, 'part')}, ${size(bytes)} stored`,
      });
      await Promise.race([io.sleep(lookEveryMs), made.catch(() => undefined)]);
    }
  };
  try {
    const [result] = await Promise.all([made, watch()]);
    return result;
  } finally {
    meter.clear();
  }
}

/** Parts and stored bytes of each backup that began on a day, by id. */
async function partsOf(
  store: ObjectStore,
  dayId: string,
): Promise<Map<string, { parts: number; bytes: number }>> {
  const found = new Map<string, { parts: number; bytes: number }>();
  try {
    for await (const { key, bytes } of store.list(`${partsPrefix}${dayId}`)) {
      const id = key.slice(partsPrefix.length).split('/')[0]!;
      const { parts, bytes: sum } = found.get(id) ?? { parts: 0, bytes: 0 };
      found.set(id, { parts: parts + 1, bytes: sum + bytes });
    }
  } catch {
    return new Map();
  }
  return found;
}

export function showMade(made: BackupMade, view: View): string {
  const { colours } = view;
  return [
    `${colours.green('Backup made:')} ${colours.bold(made.id)}, number ${made.number}.`,
    facts(view, [
      ['instant', `${exactly(made.instant, view)}: the last change of the book that is in it`],
      ['items', made.items.toLocaleString('en')],
      ['size', `${size(made.bytes)}, ${size(made.storedBytes)} stored in ${count(made.parts, 'part')}`],
      ['took', took(made.durationMs)],
      ['hash', made.hash],
    ]),
    colours.dim(`Review it with backups show ${made.id}; read it all back with backups verify ${made.id}.`),
  ].join('\n');
}

export function addBackup({ program, runStage }: Cli): void {
  program
    .command('backup')
    .description('back the whole stage up now: book and audit trail of every account, to checksummed parts')
    .option('--reason <text>', 'why, for the manifest')
    .option('--candles', 'the candles too')
    .action(
      runStage<{ reason?: string; candles?: true }>(async (session, { reason = '', candles }) => {
        wholeStage(session);
        const { ports, stage, view, io } = session;
        const functionName = stageNames(stage).backupFunction;
        const [{ arn }, { store }] = await Promise.all([ports.identity.whoAmI(), ports.backups()]);
        progress(session, `Asked ${functionName} for a backup of the stage ${stage} ...`);
        const result = await whileWatching({ store, meter: createMeter(session), io }, () =>
          makeStageBackup(
            { functions: ports.functions, functionName },
            { trigger: 'operator', by: arn, reason: reason.trim(), candles },
          ),
        );
        return { result, text: () => showMade(result, view) };
      }),
    );
}
