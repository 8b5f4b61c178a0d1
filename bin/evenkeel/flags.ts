import { SafetyStore } from '../../lib/aws/safety-store.ts';
import {
  type FlagName,
  type FlagPreset,
  type Flags,
  type FlagsReading,
  flagChangesText,
  flagNames,
  flagPresetNames,
  flagPresets,
  readFlags,
} from '../../lib/domain/safety/flags.ts';
import type { Book, BookRef } from '../../lib/ports/book.ts';
import { chosenArgument } from './choices.ts';
import type { Cli, Shown } from './cli.ts';
import { CliError, exit } from './exit.ts';
import type { Session } from './session.ts';
import { validName } from './valid-names.ts';
import { table, time, type View } from './view.ts';

const flagsRef: BookRef = { kind: 'flags', id: '' };

const meanings: Readonly<Record<FlagName, readonly [whenTrue: string, whenFalse: string]>> = {
  DRY_RUN: ['plans are computed and stored, nothing changes, no order leaves', 'changes are made'],
  SAFE_MODE: ['read only: nothing is placed, modified or flattened', 'trading is not held by this flag'],
  DRY_RUN_CONFIRM: ['a plan is applied once it is approved', 'plans are staged and cannot be applied'],
  FORCE_SYNC_DELETE: ['orders that IB does not have are deleted', 'orders that IB does not have are marked'],
};

export interface FlagsShown extends FlagsReading {
  readonly account: string;
  /** 0 where nobody has set a flag yet. */
  readonly version: number;
}

export interface FlagsChange {
  readonly account: string;
  readonly before: Flags;
  readonly after: Flags;
  readonly changed: boolean;
  readonly changedBy: string;
  readonly reason: string;
}

export async function readAccountFlags(book: Pick<Book, 'read'>, account: string): Promise<FlagsShown> {
  const [item] = await book.read(account, [flagsRef]);
  return { account, version: item?.version ?? 0, ...readFlags(item?.body) };
}

/** Changes flags in one transaction with its audit row; the flags that `changes` does not name stay as they are. */
export async function changeFlags(
  book: Book,
  change: {
    readonly account: string;
    readonly changes: Partial<Flags>;
    /** Who, as AWS knows them. */
    readonly who: string;
    readonly reason: string;
    /** For the audit trail: `flags set`, `flags preset stage`. */
    readonly command: string;
    readonly nowMs: () => number;
  },
): Promise<FlagsChange> {
  const { account, changes, who, reason, command, nowMs } = change;
  const by = { who, reason, command };
  const { result, before, after } = await new SafetyStore({ book, nowMs }).setFlags(account, changes, by);
  return { account, before, after, changed: result === 'changed', changedBy: who, reason };
}

export function showFlags(shown: FlagsShown, view: View): string {
  const { colours } = view;
  const rows = flagNames.map((name) => {
    const value = shown.flags[name];
    return [name, paint(name, value, view), meanings[name][value ? 0 : 1]];
  });
  const lines = [table(view, [{ name: 'flag' }, { name: 'value' }, { name: 'meaning' }], rows)];
  if (shown.source === 'first')
    lines.push(colours.dim('Nobody has set a flag yet: this is what holds from the start.'));
  if (shown.source === 'unreadable')
    lines.push(colours.red(`Unreadable, so SAFE_MODE holds: ${shown.problem}.`));
  if (shown.changedBy !== '')
    lines.push(colours.dim(`Last set ${time(view, shown.changedAt)} by ${shown.changedBy}: ${shown.reason}`));
  return lines.join('\n');
}

export function showChange({ before, after, changed, account }: FlagsChange, view: View): string {
  if (!changed) return `Nothing to change: the flags of ${account} are so already.`;
  // The first word on flags is written even where it says what held anyway.
  const lines = flagNames
    .filter((name) => before[name] !== after[name])
    .map((name) => `${name}: ${paint(name, before[name], view)} -> ${paint(name, after[name], view)}`);
  return [`Flags of ${account} set, with their audit row.`, ...lines].join('\n');
}

/** Green is the careful value, yellow the one under which something can change. */
function paint(name: FlagName, value: boolean, { colours }: View): string {
  const careful = name === 'DRY_RUN' || name === 'SAFE_MODE';
  return value === careful ? colours.green(String(value)) : colours.yellow(String(value));
}

export function addFlags({ program, run }: Cli): void {
  const flags = program
    .command('flags')
    .description(`safety flags of the account: ${flagNames.join(', ')}`)
    .action(
      run(async ({ ports, account, view }) => {
        const result = await readAccountFlags(ports.book, account);
        const exitCode = result.source === 'unreadable' ? exit.problem : exit.ok;
        return { result, text: () => showFlags(result, view), exitCode };
      }),
    );
  flags
    .command('set')
    .description('change one flag; who and why go to the audit trail')
    .addArgument(
      chosenArgument('<name>', 'the flag', flagNames, (name) => validName('flag', name, flagNames)),
    )
    .addArgument(
      chosenArgument('<value>', 'what it is to be', ['true', 'false'], (value) =>
        validName('flag value', value, ['true', 'false']),
      ),
    )
    .requiredOption('--reason <text>', 'why, for the audit trail')
    .action(
      run<{ args: readonly [FlagName, string]; reason: string }>((session, { args: [name, value], reason }) =>
        change(session, { [name]: value === 'true' }, reason, 'flags set'),
      ),
    );
  flags
    .command('preset')
    .description('the flags of one step of the operator guide at once')
    .addArgument(
      chosenArgument('<name>', 'the step', flagPresetNames, (name) =>
        validName('preset', name, flagPresetNames),
      ),
    )
    .requiredOption('--reason <text>', 'why, for the audit trail')
    .addHelpText('after', `\n${flagPresetNames.map(describePreset).join('\n')}`)
    .action(
      run<{ args: readonly [FlagPreset]; reason: string }>((session, { args: [preset], reason }) =>
        change(session, flagPresets[preset], reason, `flags preset ${preset}`),
      ),
    );
}

function describePreset(preset: FlagPreset): string {
  return `  ${preset.padEnd(9)} ${flagChangesText(flagPresets[preset])}`;
}

async function change(
  { ports, account, view, io }: Session,
  changes: Partial<Flags>,
  reason: string,
  command: string,
): Promise<Shown> {
  if (reason.trim() === '') throw new CliError('REASON_NEEDED', 'Say why: --reason must not be empty.');
  const { arn } = await ports.identity.whoAmI();
  const result = await changeFlags(ports.book, {
    account,
    changes,
    who: arn,
    reason: reason.trim(),
    command,
    nowMs: io.nowMs,
  });
  return { result, text: () => showChange(result, view) };
}
