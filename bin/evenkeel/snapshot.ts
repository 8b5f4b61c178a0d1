import { createHash, randomUUID } from 'node:crypto';
import { InvalidArgumentError } from 'commander';
import type { Command } from '../../lib/events/command.ts';
import { queryGroup, snapshotKey } from '../../lib/events/command-names.ts';
import { type SnapshotDocument, snapshotDocument } from '../../lib/events/snapshot-document.ts';
import type { CommandSender } from '../../lib/ports/command-queue.ts';
import type { ObjectStore } from '../../lib/ports/object-store.ts';
import { type Cli, progress } from './cli.ts';
import { CliError, exit } from './exit.ts';
import { createMeter } from './meter.ts';
import { count, table, type View } from './view.ts';

const validForMs = 30_000;
const lookEveryMs = 500;
const waitSecondsByDefault = 60;

export const snapshotParts = [
  'positions',
  'openOrders',
  'completedOrders',
  'executions',
  'accountValues',
] as const;

export interface SnapshotShown {
  readonly account: string;
  readonly commandId: string;
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly parts: readonly SnapshotPart[];
}

export interface SnapshotPart {
  readonly name: string;
  /** `ok`, `partial` or `failed`: only `ok` may lead to a verdict. */
  readonly outcome: string;
  readonly rows: number;
}

/** Asks the streamer for a snapshot, by its queue. */
export async function askForSnapshot(
  sender: CommandSender,
  {
    account,
    issuedBy,
    nowMs,
  }: { readonly account: string; readonly issuedBy: string; readonly nowMs: number },
): Promise<string> {
  const command: Command = {
    id: randomUUID(),
    type: 'snapshot',
    version: 1,
    account,
    issuedAt: new Date(nowMs).toISOString(),
    issuedBy,
    validUntil: new Date(nowMs + validForMs).toISOString(),
  };
  await sender.send({ id: command.id, group: queryGroup(account), body: JSON.stringify(command) });
  return command.id;
}

/**
 * Waits until the snapshot lies in the bucket.
 *
 * @throws CliError SNAPSHOT_NOT_TAKEN when it does not come in time
 */
export async function awaitSnapshot(
  store: ObjectStore,
  account: string,
  commandId: string,
  wait: {
    readonly seconds: number;
    readonly nowMs: () => number;
    readonly sleep: (ms: number) => Promise<void>;
    readonly tick: (seconds: number) => void;
  },
): Promise<SnapshotShown> {
  const key = snapshotKey(account, commandId);
  const startMs = wait.nowMs();
  for (;;) {
    const bytes = await store.get(key);
    if (bytes !== undefined) return readSnapshot(account, commandId, bytes);
    const seconds = (wait.nowMs() - startMs) / 1000;
    if (seconds >= wait.seconds) {
      throw new CliError(
        'SNAPSHOT_NOT_TAKEN',
        `No snapshot came within ${wait.seconds} s. The command is void after ${validForMs / 1000} s. Look whether the streamer lives and holds the lease (status), then at its log (logs streamer).`,
        exit.fault,
      );
    }
    wait.tick(seconds);
    await wait.sleep(lookEveryMs);
  }
}

/**
 * What the object holds. Its bytes were checked against the checksum in the bucket as they were read; here it must be
 * the answer to this command and nothing else.
 */
function readSnapshot(account: string, commandId: string, bytes: Uint8Array): SnapshotShown {
  const key = snapshotKey(account, commandId);
  const document = parseDocument(bytes);
  if (document?.commandId !== commandId || document.account !== account) {
    throw new CliError(
      'SNAPSHOT_UNUSABLE',
      `${key} is not the snapshot of this command. Something else wrote it, or the streamer has another version: deploy the same version on both sides, and ask again.`,
      exit.fault,
    );
  }
  return {
    account,
    commandId,
    key,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    parts: snapshotParts.map((name) => {
      const { outcome, rows } = document.parts[name];
      return { name, outcome, rows: rows.length };
    }),
  };
}

function parseDocument(bytes: Uint8Array): SnapshotDocument | undefined {
  try {
    return snapshotDocument.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}

export function showSnapshot({ key, bytes, sha256, parts }: SnapshotShown, view: View): string {
  const { colours } = view;
  const paint = { ok: colours.green, partial: colours.yellow } as Readonly<
    Record<string, (text: string) => string>
  >;
  const rows = parts.map(({ name, outcome, rows: number }) => [
    name,
    (paint[outcome] ?? colours.red)(outcome),
    number.toLocaleString('en'),
  ]);
  return [
    table(view, [{ name: 'part' }, { name: 'outcome' }, { name: 'rows', right: true }], rows),
    `${key}, ${count(bytes, 'byte')}`,
    `SHA-256 ${sha256} ${colours.green('verified')}`,
  ].join('\n');
}

export function addSnapshot({ program, run }: Cli): void {
  program
    .command('snapshot')
    .description('have the streamer ask IB for everything, and wait until it lies in the bucket')
    .option('--wait <seconds>', 'how long to wait for it', seconds, waitSecondsByDefault)
    .action(
      run<{ wait: number }>(async (session, { wait }) => {
        const { ports, account, streamer, view, io } = session;
        const [{ arn }, sender, store] = await Promise.all([
          ports.identity.whoAmI(),
          ports.commands(streamer.name),
          ports.snapshots(),
        ]);
        const id = await askForSnapshot(sender, { account, issuedBy: arn, nowMs: io.nowMs() });
        progress(session, `Asked the streamer ${streamer.name} for a snapshot (command ${id}) ...`);
        const { sleep, nowMs } = io;
        const meter = createMeter(session);
        try {
          const result = await awaitSnapshot(store, account, id, {
            seconds: wait,
            nowMs,
            sleep,
            tick: (waited) =>
              meter.show({ what: 'Waiting for the snapshot', done: waited, detail: `at most ${wait} s` }),
          });
          const ok = result.parts.every(({ outcome }) => outcome === 'ok');
          meter.clear();
          return { result, text: () => showSnapshot(result, view), exitCode: ok ? exit.ok : exit.problem };
        } finally {
          meter.clear();
        }
      }),
    );
}

function seconds(text: string): number {
  const number = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > 3_600) throw new InvalidArgumentError('Allowed: seconds, from 1 to 3600.');
  return number;
}
